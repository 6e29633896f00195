"""Separators, encodings and decimal signs: read when told, and named when not."""

import gzip
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from experiments.data.csv_format import CsvFormat
from experiments.data.files import Reading, read_file
from loop.errors import ConfigError, DataError

FRAME = pd.DataFrame({"Betrag": [1.5, 2.25] * 9, "Händler": ["Bäcker", "Kiosk"] * 9})


@pytest.mark.parametrize("sep", [";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "cp1252", "utf-16"])
@pytest.mark.parametrize("decimal", [",", "."])
def test_what_is_told_is_read(tmp_path: Path, sep: str, encoding: str, decimal: str) -> None:
    FRAME.to_csv(tmp_path / "t.csv", index=False, sep=sep, encoding=encoding, decimal=decimal)
    file = read_file(tmp_path / "t.csv", Reading(CsvFormat(sep, encoding, decimal)))
    pd.testing.assert_frame_equal(file.frame, FRAME, check_dtype=False)
    assert not file.notes


@pytest.mark.parametrize(("sep", "told"), [(";", "--sep ';'"), ("\t", "--sep '\\t'"), ("|", "--sep '|'")])
@pytest.mark.parametrize("decimal", [",", "."])
def test_a_separator_that_is_not_told_is_named(tmp_path: Path, sep: str, told: str, decimal: str) -> None:
    FRAME.to_csv(tmp_path / "t.csv", index=False, sep=sep, decimal=decimal)
    with pytest.raises(DataError) as error:
        read_file(tmp_path / "t.csv")
    assert told in str(error.value)
    assert "data.sep" in str(error.value)


def test_the_other_way_round(tmp_path: Path) -> None:
    FRAME.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(DataError, match=r"--sep ,"):
        read_file(tmp_path / "t.csv", Reading(CsvFormat(sep=";")))


def test_a_cell_that_is_too_long_is_told_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n" + "x" * 200_000 + ",1\n")
    with pytest.raises(DataError, match="more than 131,072 characters: cut it"):
        read_file(tmp_path / "t.csv")


@pytest.mark.parametrize(
    ("encoding", "text", "guess"),
    [("latin-1", "Bäcker", "latin-1"), ("cp1252", "Bäcker – 5 €", "cp1252"), ("utf-16", "Bäcker", "utf-16")],
)
@pytest.mark.parametrize("ending", [".csv", ".csv.gz"])
def test_an_encoding_that_is_not_told_is_named(
    tmp_path: Path, encoding: str, text: str, guess: str, ending: str
) -> None:
    path = tmp_path / f"t{ending}"
    content = ("a,b\n" + f"{text},1\n" * 9).encode(encoding)
    path.write_bytes(gzip.compress(content) if ending == ".csv.gz" else content)
    with pytest.raises(DataError, match=f"--encoding {guess}"):
        read_file(path)
    assert read_file(path, Reading(CsvFormat(encoding=guess))).frame["a"][0] == text


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"sep": ";;"}, "one character"),
        ({"sep": ""}, "one character"),
        ({"sep": '"'}, "one character"),
        ({"decimal": ";"}, "must be . or ,"),
        ({"encoding": "klingon"}, "klingon"),
        ({"encoding": "hex"}, "hex"),
        ({"encoding": "a\0b"}, "--encoding"),
        ({"sep": 0.5}, "sep must be text, got 0.5"),  # of an altered config.yaml
        ({"encoding": [8]}, "encoding must be text"),
        ({"decimal": {}}, "decimal must be text"),
    ],
)
def test_settings_out_of_range(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as error:
        CsvFormat(**settings)
    assert words in str(error.value)


def test_a_comma_cannot_be_both(tmp_path: Path) -> None:
    FRAME.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(ConfigError, match="--sep ';'"):
        read_file(tmp_path / "t.csv", Reading(CsvFormat(decimal=",")))
    FRAME.to_csv(tmp_path / "t.tsv", index=False, sep="\t", decimal=",")
    assert read_file(tmp_path / "t.tsv", Reading(CsvFormat(decimal=","))).frame["Betrag"][0] == 1.5


def test_parquet_takes_none_of_them(tmp_path: Path) -> None:
    FRAME.to_parquet(tmp_path / "t.parquet")
    with pytest.raises(DataError, match="CSV"):
        read_file(tmp_path / "t.parquet", Reading(CsvFormat(sep=";")))


def test_tab_can_be_spelled() -> None:
    assert CsvFormat(sep="\\t").sep == CsvFormat(sep="tab").sep == "\t"
