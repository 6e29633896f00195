"""Folders of Parquet files: what is drawn of them, and what is refused in one sentence."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from parquet_folders import write_folder
from small_runs import frame

from experiments.data.files import Reading
from experiments.data.partitions import RowGroup, drawn, frames, numbers_drawn, read_sample, row_groups
from experiments.data.sources import load, stamp_of
from loop.errors import DataError

WHOLE = frame(250)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "data", [WHOLE[:120], WHOLE[120:120], WHOLE[120:]], rows=50)


def test_a_folder_with_few_rows_is_their_table(folder: Path) -> None:
    dataset = load(str(folder), "fraud")
    pd.testing.assert_frame_equal(dataset.frame, WHOLE)
    assert (dataset.name, dataset.said) == ("data", ())


def test_rows_drawn_are_those_of_their_numbers(folder: Path) -> None:
    file = read_sample(folder, Reading(rows_in_memory=60))
    numbers = numbers_drawn(row_groups(folder), 60)
    assert len(numbers) == 60
    pd.testing.assert_frame_equal(file.frame, WHOLE.iloc[numbers].reset_index(drop=True))
    assert "60 of 250 rows drawn at random" in file.notes[0]


def test_parts_are_the_rows_in_order(folder: Path) -> None:
    parts = [part for group in row_groups(folder) for part in frames(group, Reading())]
    assert [first for first, _ in parts] == [0, 50, 100, 120, 170, 220]
    pd.testing.assert_frame_equal(pd.concat([part for _, part in parts], ignore_index=True), WHOLE)


@given(counts=st.lists(st.integers(1, 60), min_size=1, max_size=6), rows=st.integers(1, 200))
def test_as_many_are_drawn_as_asked_for_each_once(counts: list[int], rows: int) -> None:
    groups = [RowGroup(Path("x"), 0, sum(counts[:at]), count) for at, count in enumerate(counts)]
    found = drawn(groups, rows)
    assert sum(map(len, found)) == min(rows, sum(counts))
    for at, count in zip(found, counts, strict=True):
        assert (np.diff(at) > 0).all()
        assert len(at) == 0 or (at[0] >= 0 and at[-1] < count)


def test_each_row_is_drawn_as_often() -> None:
    """Over many foldings of 2,000 rows: rows of small and of large groups, one in ten of each."""
    small, large = [], []
    for first in range(40):
        groups = [RowGroup(Path("x"), 0, first, 200), RowGroup(Path("x"), 1, first + 200, 1800 + first)]
        found = drawn(groups, 200)
        small.append(len(found[0]) / 200)
        large.append(len(found[1]) / (1800 + first))
    assert np.mean(small) == pytest.approx(0.1, abs=0.03)
    assert np.mean(large) == pytest.approx(0.1, abs=0.03)


def test_a_changed_file_is_noticed(folder: Path) -> None:
    before = stamp_of(str(folder))
    WHOLE[:1].to_parquet(folder / "part-9.parquet")
    assert stamp_of(str(folder)) != before


def test_a_column_without_values_in_one_file(tmp_path: Path) -> None:
    empty = WHOLE[:120].assign(shop=None)
    folder = write_folder(tmp_path / "data", [empty, WHOLE[120:].assign(shop=WHOLE["shop"].astype("category"))])
    read = read_sample(folder, Reading()).frame
    assert read["shop"].isna().sum() == 120
    assert read["shop"].dropna().tolist() == WHOLE["shop"][120:].tolist()


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "nothing": (lambda folder: folder.mkdir(), "must hold files that end in .parquet"),
    "other files": (lambda folder: (folder.mkdir(), (folder / "a.csv").write_text("a\n1\n")), "end in .parquet"),
    "files further below": (
        lambda folder: (folder.mkdir(), write_folder(folder / "year=2024", [WHOLE])),
        "name the folder that holds them itself",
    ),
    "no rows": (lambda folder: write_folder(folder, [WHOLE[:0]]), "must hold rows"),
    "other columns": (
        lambda folder: write_folder(folder, [WHOLE, WHOLE.drop(columns="age")]),
        r"same columns, and .*part-1\.parquet lacks 'age'",
    ),
    "more columns": (lambda folder: write_folder(folder, [WHOLE, WHOLE.assign(more=1)]), "part-1.parquet has 'more'"),
    "other types": (
        lambda folder: write_folder(folder, [WHOLE, WHOLE.assign(age=WHOLE["age"].astype(float))]),
        r"'age' is double in .*part-1\.parquet and int64 in part-0\.parquet",
    ),
    "no Parquet": (
        lambda folder: (write_folder(folder, [WHOLE]), (folder / "part-1.parquet").write_text("a,b\n")),
        r"part-1\.parquet must be a readable \.parquet file",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_folders_are_refused(name: str, tmp_path: Path) -> None:
    make, told = BAD[name]
    make(tmp_path / "data")
    with pytest.raises(DataError, match=told) as caught:
        load(str(tmp_path / "data"), "fraud")
    assert len(str(caught.value).replace(str(tmp_path), "")) <= 300
