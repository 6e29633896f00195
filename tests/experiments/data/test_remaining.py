"""A file without rows is what its owner would have after removing them, byte for byte, and its digest tells no row."""

import csv
import gzip
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.data.csv_format import CsvFormat
from experiments.data.files import Reading, read_file
from experiments.data.remaining import as_if_never, content_digest, line_numbers, write_without
from experiments.data.row_numbers import numbers_of, told_in_ranges
from loop.errors import ConfigError, DataError

USUAL = CsvFormat()
CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=6)


def test_lines_of_the_rows_are_gone_and_all_other_bytes_stay(tmp_path: Path) -> None:
    source, out = tmp_path / "a.csv", tmp_path / "out.csv"
    source.write_bytes(b'a,"b"\r\n1, x\r\n"2","two\nlines"\r\n\r\n3,y')
    assert write_without(source, np.array([1]), USUAL, out) == 2
    assert out.read_bytes() == b'a,"b"\r\n1, x\r\n\r\n3,y'
    assert write_without(source, np.array([0, 2]), USUAL, out) == 1
    assert out.read_bytes() == b'a,"b"\r\n"2","two\nlines"\r\n\r\n'
    assert line_numbers(source, [0, 1, 2], USUAL) == {0: 2, 1: 3, 2: 6}


@settings(deadline=None, max_examples=40)  # files are written
@given(st.lists(st.tuples(CELLS, CELLS), min_size=2, max_size=8), st.data())
def test_what_remains_reads_as_the_frame_without_the_rows(
    tmp_path_factory: pytest.TempPathFactory, cells: list[tuple[str, str]], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("hyp")
    left_out = data.draw(st.sets(st.integers(0, len(cells) - 1), max_size=len(cells) - 1))
    text = StringIO()
    csv.writer(text).writerows([("a", "b"), *((f"_{one}", f"_{two}") for one, two in cells)])
    source, out = folder / "a.csv", folder / "out.csv"
    source.write_text(text.getvalue(), newline="", encoding="utf-8")
    rows = np.array(sorted(left_out), dtype=np.int64)
    assert write_without(source, rows, USUAL, out) == len(cells) - len(rows)
    whole = pd.read_csv(source, dtype=str, keep_default_na=False)
    pd.testing.assert_frame_equal(
        pd.read_csv(out, dtype=str, keep_default_na=False), whole.drop(index=rows).reset_index(drop=True)
    )


def test_types_are_those_of_what_remains(tmp_path: Path) -> None:
    """A word among numbers makes a column text; without its row the column is one of numbers."""
    source, out = tmp_path / "a.csv", tmp_path / "out.csv"
    source.write_text("a,b\n1,x\nmany,y\n3,z\n")
    write_without(source, np.array([1]), USUAL, out)
    assert read_file(out).frame["a"].tolist() == [1, 3]
    assert read_file(source).frame["a"].tolist() == ["1", "many", "3"]


@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".tsv", ".parquet"])
def test_every_kind_of_file(tmp_path: Path, ending: str) -> None:
    frame = pd.DataFrame({"a": [1, 2, 3, 4], "b": ["ä", "b", "ü", "d"]})
    source, out = tmp_path / f"a{ending}", tmp_path / f"b{ending}"
    if ending == ".parquet":
        frame.to_parquet(source)
    else:
        frame.to_csv(source, index=False, sep="\t" if ending == ".tsv" else ",")
    assert write_without(source, np.array([0, 2]), USUAL, out) == 2
    remains = read_file(out, Reading()).frame
    assert remains["a"].tolist() == [2, 4]
    assert remains["b"].tolist() == ["b", "d"]
    twice = out.read_bytes()
    write_without(source, np.array([0, 2]), USUAL, out)
    assert out.read_bytes() == twice


def test_encodings_and_marks_stay(tmp_path: Path) -> None:
    source, out = tmp_path / "a.csv", tmp_path / "out.csv"
    source.write_bytes("\ufeffä;b\n1;2\n3;4\n".encode())
    write_without(source, np.array([0]), CsvFormat(sep=";"), out)
    assert out.read_bytes() == "\ufeffä;b\n3;4\n".encode()
    source.write_bytes("ä;b\n1;2\n3;é\n".encode("latin-1"))
    write_without(source, np.array([0]), CsvFormat(sep=";", encoding="latin-1"), out)
    assert out.read_bytes() == "ä;b\n3;é\n".encode("latin-1")


def test_the_source_itself_is_read_once_the_rows_are_gone_from_it(tmp_path: Path) -> None:
    source, out = tmp_path / "a.csv", tmp_path / "out.csv"
    source.write_text("a,b\n1,x\n2,y\n3,z\n")
    write_without(source, np.array([1]), USUAL, out)
    digest = content_digest(out)
    with as_if_never(source, np.array([1]), digest, USUAL) as path:
        assert path != source
        assert path.name == "a.csv"
        assert path.read_text() == "a,b\n1,x\n3,z\n"
        assert (path.parent.stat().st_mode & 0o077) == 0
    assert not path.exists()
    source.write_text("a,b\n1,x\n3,z\n")
    with as_if_never(source, np.array([1]), digest, USUAL) as path:
        assert path == source
    source.write_text("a,b\n1,x\n2,y\n4,z\n")
    with pytest.raises(DataError, match="has changed since"), as_if_never(source, np.array([1]), digest, USUAL):
        pass


def test_a_digest_is_of_the_rows_and_not_of_their_packing(tmp_path: Path) -> None:
    plain, packed = tmp_path / "a.csv", tmp_path / "a.csv.gz"
    plain.write_text("a\n1\n")
    packed.write_bytes(gzip.compress(b"a\n1\n", mtime=7))
    assert content_digest(plain) == content_digest(packed)
    frame = pd.DataFrame({"a": [1, 2]})
    frame.to_parquet(tmp_path / "one.parquet", compression="snappy")
    frame.to_parquet(tmp_path / "two.parquet", compression="gzip")
    frame.assign(a=[1, 3]).to_parquet(tmp_path / "three.parquet")
    one, two, three = (content_digest(tmp_path / f"{name}.parquet") for name in ("one", "two", "three"))
    assert one == two != three


@given(st.sets(st.integers(0, 300), min_size=1))
def test_row_numbers_come_back_from_text(numbers: set[int]) -> None:
    rows = np.array(sorted(numbers))
    np.testing.assert_array_equal(numbers_of(told_in_ranges(rows)), rows)


@pytest.mark.parametrize("text", ["", "a", "3, 2", "5-4", "1, 1", "-1", "1-999999999999"])
def test_text_that_is_no_row_numbers_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="ascending numbers"):
        numbers_of(text)
