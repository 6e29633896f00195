"""Generations on disk: whole or not there, read as data, and enough to go on with."""

from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import rare_table, tiny_parts

from loop.cycle import checkpoint
from loop.cycle.conclusion import conclude
from loop.cycle.controller import generations, prepare
from loop.cycle.generation_codec import ARRAYS
from loop.cycle.lanes import deal
from loop.cycle.parts import Settings
from loop.cycle.training import Prepared
from loop.errors import DataError
from loop.rows import Rows
from loop.types import Condition, Generation, Interval, Region, Table

TABLE = rare_table(300)


def prepared() -> Prepared:
    folds = deal(TABLE, np.random.default_rng(1), k=2)
    parts = tiny_parts(settings=Settings(generations=3, jobs=1))
    return prepare(parts, TABLE, folds, np.random.default_rng(1))


@pytest.fixture(scope="module")
def history() -> list[Generation]:
    return list(generations(prepared()))


def assert_same_rows(a: Table, b: Table) -> None:
    for name in ARRAYS:
        left, right = getattr(a, name), getattr(b, name)
        assert (left is None) == (right is None)
        if left is not None:
            assert left.dtype == right.dtype
            np.testing.assert_array_equal(left, right)


def assert_same(a: Generation, b: Generation, besides: Sequence[str] = ()) -> None:
    for field in fields(Generation):
        left, right = getattr(a, field.name), getattr(b, field.name)
        if field.name in ("rows", "lane_rows"):
            for mine, theirs in zip(*([one] if field.name == "rows" else one for one in (left, right)), strict=True):
                assert_same_rows(mine, theirs)
        elif field.name in ("regions", "origins"):
            assert len(left) == len(right)
            for mine, theirs in zip(left, right, strict=True):
                for key in set(vars(mine)) - {"seeds", "seed_weight", "rule"}:
                    assert getattr(mine, key) == getattr(theirs, key)
                if field.name == "regions":
                    np.testing.assert_array_equal(mine.contains(TABLE.rows), theirs.contains(TABLE.rows))
        elif field.name not in besides:
            assert left == right, field.name


def test_what_is_read_is_what_was_written(history: list[Generation], tmp_path: Path) -> None:
    for generation in history:
        checkpoint.save(generation, tmp_path)
    read = checkpoint.load(tmp_path, TABLE.schema)
    assert [generation.index for generation in read] == [generation.index for generation in history]
    for mine, theirs in zip(history, read, strict=True):
        assert_same(mine, theirs)


@pytest.mark.parametrize("done", [1, 2])
def test_a_resumed_run_equals_the_uninterrupted_one(history: list[Generation], tmp_path: Path, done: int) -> None:
    for generation in history[:done]:
        checkpoint.save(generation, tmp_path)
    again = prepared()
    past = checkpoint.load(tmp_path, TABLE.schema)
    resumed = [*past, *generations(again, past)]
    assert len(resumed) == len(history)
    for mine, theirs in zip(history, resumed, strict=True):
        assert_same(mine, theirs, besides=["seconds"])
    whole, parted = conclude(prepared(), history), conclude(again, resumed)
    np.testing.assert_array_equal(whole.proba, parted.proba)
    assert whole.verdict == parted.verdict


conditions = st.builds(
    Condition,
    column=st.integers(0, 3),
    low=st.floats(-np.inf, 1, allow_nan=False),
    high=st.floats(1, np.inf, allow_nan=False),
    codes=st.none() | st.frozensets(st.integers(0, 5)),
    missing=st.booleans(),
)
intervals = st.builds(Interval, *(st.floats(allow_nan=False) for _ in range(3)))


@given(st.lists(st.builds(Region, st.lists(conditions).map(tuple), deficit=st.none() | intervals, label=st.none())))
def test_every_region_survives(regions: list[Region]) -> None:
    import tempfile

    empty = TABLE.take(np.arange(0))
    generation = replace(BARE, regions=tuple(regions), rows=empty)
    with tempfile.TemporaryDirectory() as folder:
        checkpoint.save(generation, Path(folder))
        (read,) = checkpoint.load(Path(folder), TABLE.schema)
    for mine, theirs in zip(regions, read.regions, strict=True):
        assert [vars(condition) for condition in mine.rule] == [vars(condition) for condition in theirs.rule]
        assert mine.deficit == theirs.deficit


BARE = next(generations(prepared()))


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    unfit = replace(BARE.rows, rows=Rows(BARE.rows.X.astype(object)))  # would need pickle
    with pytest.raises(ValueError, match=r"allow_pickle|Object arrays"):
        checkpoint.save(replace(BARE, rows=unfit), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_no_folder_is_no_history(tmp_path: Path) -> None:
    assert checkpoint.load(tmp_path / "none", TABLE.schema) == []


def test_a_gap_is_told(tmp_path: Path) -> None:
    second = replace(BARE, index=2, rows=BARE.rows.take(np.arange(0)), lane_rows=(), origins=())
    checkpoint.save(second, tmp_path)
    with pytest.raises(DataError, match="without a gap"):
        checkpoint.load(tmp_path, TABLE.schema)


def test_a_torn_file_is_told(tmp_path: Path) -> None:
    path = checkpoint.save(BARE, tmp_path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match="whole"):
        checkpoint.load(tmp_path, TABLE.schema)


def test_pickles_are_not_opened(tmp_path: Path) -> None:
    np.savez(tmp_path / "generation-001.npz", record=np.array([{"a": 1}], dtype=object))
    with pytest.raises(DataError, match="whole"):
        checkpoint.load(tmp_path, TABLE.schema)


def test_rows_of_other_columns_are_refused(tmp_path: Path) -> None:
    checkpoint.save(BARE, tmp_path)
    schema = replace(TABLE.schema, columns=TABLE.schema.columns[:2])
    with pytest.raises(DataError, match="columns of the data"):
        checkpoint.load(tmp_path, schema)


def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    checkpoint.save(BARE, tmp_path, run="one")
    assert len(checkpoint.load(tmp_path, TABLE.schema, run="one")) == 1
    with pytest.raises(DataError, match=r"of the run that it is in, .*generation-001\.npz is of another"):
        checkpoint.load(tmp_path, TABLE.schema, run="other")


def test_a_checkpoint_or_a_run_without_a_mark_is_taken(tmp_path: Path) -> None:
    checkpoint.save(BARE, tmp_path)
    assert len(checkpoint.load(tmp_path, TABLE.schema, run="one")) == 1
    checkpoint.save(BARE, tmp_path, run="one")
    assert len(checkpoint.load(tmp_path, TABLE.schema)) == 1


def test_altered_but_well_formed_files_are_refused_with_file_and_way_out(tmp_path: Path) -> None:
    path = checkpoint.save(BARE, tmp_path)
    with np.load(path) as archive:
        arrays = dict(archive)
    deep = np.frombuffer(b"[" * 100_000, dtype=np.uint8)
    harms = {
        "deep": {**arrays, "record": deep},
        "no record": {name: array for name, array in arrays.items() if name != "record"},
        "text in X": {**arrays, "0/X": arrays["0/X"].astype("U9")},
        "rows missing": {**arrays, "0/y": arrays["0/y"][:-1]},
        "rows of a lane missing": {**arrays, "1/weight": arrays["1/weight"][:-1]},
        "no such class": {**arrays, "0/y": arrays["0/y"] + 7},
    }
    for harm in harms.values():
        np.savez(path, allow_pickle=False, **harm)
        with pytest.raises(DataError, match=r"generation-001\.npz is not \(.*\): delete it\.$"):
            checkpoint.load(tmp_path, TABLE.schema)


def test_a_single_array_is_no_checkpoint(tmp_path: Path) -> None:
    with (tmp_path / "generation-001.npz").open("wb") as file:
        np.save(file, np.arange(3))
    with pytest.raises(DataError, match="single array"):
        checkpoint.load(tmp_path, TABLE.schema)
