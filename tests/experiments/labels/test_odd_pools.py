"""Rows without labels come from other files: other types, other columns, other times. Nothing of that slips through."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small_runs import content, frame, write_config

from experiments.config.reader import load_config
from experiments.config.run_config import RunConfig
from experiments.labels import store
from experiments.labels.checks import checks
from experiments.labels.joining import answered
from experiments.labels.pool import Unlabelled, keys, unlabelled
from experiments.run.inputs import RunInputs, gather
from loop.errors import DataError

TABLE, POOL = frame(300), frame(120, seed=1).drop(columns="fraud")
CARDS = np.repeat(np.arange(100), 3)


class Place:
    """A table and a pool in a folder, and what a run makes of them before and after thirty answers."""

    def __init__(self, folder: Path, table: pd.DataFrame, pool: pd.DataFrame, **data: object) -> None:
        self.folder, self.data = folder, data
        table.to_parquet(folder / "table.parquet")
        pool.to_parquet(folder / "pool.parquet")
        self.inputs = self.gathered()

    def gathered(self, **more: object) -> RunInputs:
        settings = content(self.folder / "table.parquet", self.folder / "out")
        settings["data"] = {**dict(settings["data"]), **self.data, **more}  # type: ignore[call-overload]
        config = load_config(RunConfig, write_config(self.folder, settings))
        return gather(config.data, config.loop)

    def pool(self, inputs: RunInputs | None = None) -> Unlabelled:
        return unlabelled(self.folder / "pool.parquet", inputs or self.inputs, None, np.random.default_rng(0))

    def after(self) -> RunInputs:
        rows, labels = self.pool(), self.folder / "labels"
        asked = rows.frame.iloc[:30]
        questions = pd.DataFrame(
            {"question": [f"p{key}" for key in keys(asked, self.inputs.schema)], "kind": "ask", "inclusion": np.nan}
        )
        store.add_batch(labels, store.Batch(questions, asked[[n for n in self.inputs.dataset.frame if n in asked]]))
        store.keep_answers(labels, questions.assign(label="yes", annotator=""))
        return self.gathered(answers=str(answered(labels, self.inputs.schema.classes)))


@pytest.mark.parametrize(
    "pool", [POOL, POOL.assign(number=range(120), currency="USD")], ids=["missing", "of other values"]
)
def test_a_column_that_was_no_feature_stays_none(tmp_path: Path, pool: pd.DataFrame) -> None:
    place = Place(tmp_path, TABLE.assign(number=range(300), currency="EUR"), pool)
    after = place.after()
    assert after.schema.names == place.inputs.schema.names == tuple(POOL)
    known = np.isin(keys(place.pool(after).frame, after.schema), keys(after.dataset.frame.iloc[300:], after.schema))
    assert known.sum() == 30


def test_a_row_has_its_name_whatever_the_types_of_its_file(tmp_path: Path) -> None:
    schema = Place(tmp_path, TABLE, POOL).inputs.schema
    other = POOL.assign(age=POOL["age"].astype(float), shop=POOL["shop"].astype("category"))
    other["abroad"] = other["abroad"].astype(object)
    np.testing.assert_array_equal(keys(POOL, schema), keys(other, schema))
    assert len(set(keys(POOL, schema))) == len(POOL)


@pytest.mark.parametrize(("known", "odd"), [(range(300), "text"), ([f"n{i}" for i in range(300)], 3)])
def test_a_column_of_another_type_is_told_before_anybody_is_asked(tmp_path: Path, known: object, odd: object) -> None:
    place = Place(tmp_path, TABLE.assign(note=known), POOL.assign(note=odd))
    with pytest.raises(DataError, match=r"'note' must hold .* convert it"):
        place.pool()


def test_groups_of_test_rows_are_refused_though_numbers_are_of_another_type(tmp_path: Path) -> None:
    pool = POOL.assign(card=np.repeat(np.arange(60.0), 2))
    pool.loc[0, "card"] = np.nan
    place = Place(tmp_path, TABLE.assign(card=CARDS), pool, group="card")
    tested = set(CARDS[place.inputs.test.row_number])
    assert tested
    assert not tested & set(place.pool().frame["card"].dropna())


def test_a_pool_without_the_column_of_groups_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="must have the group column 'card'"):
        Place(tmp_path, TABLE.assign(card=CARDS), POOL, group="card").pool()


def test_a_pool_without_times_is_told(tmp_path: Path) -> None:
    table = TABLE.assign(at=pd.date_range("2024-01-01", periods=300))
    with pytest.raises(DataError, match="must have the time column 'at'"):
        Place(tmp_path, table, POOL, time="at").pool()
    pool = POOL.assign(at=pd.date_range("2024-01-01", periods=120))
    pool.loc[3, "at"] = pd.NaT
    with pytest.raises(DataError, match="1 have none"):
        Place(tmp_path, table, pool, time="at").pool()


@pytest.mark.parametrize(("begin", "said"), [("2023-01-01", False), ("2025-01-01", True)])
def test_rows_later_than_the_test_rows_are_told(tmp_path: Path, begin: str, said: bool) -> None:
    table = TABLE.assign(at=pd.date_range("2024-01-01", periods=300))
    place = Place(tmp_path, table, POOL.assign(at=pd.date_range(begin, periods=120)), time="at")
    assert any("no longer tested on its future" in each for each in place.pool().messages) == said
    assert any("no longer tested on its future" in each for each in place.after().messages) == said


def test_categories_keep_their_order(tmp_path: Path) -> None:
    shops = pd.CategoricalDtype(["book", "toys", "fuel"], ordered=True)
    place = Place(tmp_path, TABLE.astype({"shop": shops}), POOL.astype({"shop": shops}))
    before, after = place.inputs.schema.columns[2], place.after().schema.columns[2]
    assert (after.dtype, after.categories) == (before.dtype, before.categories)


def test_the_next_checks_are_the_next_in_doubt(tmp_path: Path) -> None:
    table = frame(400, seed=3)
    table["fraud"] = np.where((table["amount"] > 60) ^ (table.index % 20 == 0), "yes", "no")
    inputs = Place(tmp_path, table, POOL).inputs
    first, _ = checks(inputs, 2, [], np.random.default_rng(0))
    second, _ = checks(inputs, 2, list(first["question"]), np.random.default_rng(0))
    assert len(first) == len(second) == 2
    assert not set(first["question"]) & set(second["question"])
