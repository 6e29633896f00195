"""The law of the sealed test: what occurs in test rows only is unknown to whatever is learnt, in every benchmark."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.benchmarks.splits import SPLITS
from experiments.config.data_config import DataConfig
from experiments.config.run_config import LoopConfig
from experiments.data import split as module
from experiments.data.card_fraud import FEATURES
from experiments.data.sources import Dataset
from experiments.data.split import Split, WholeTable
from experiments.run.inputs import RunInputs, gather
from loop.data.encoding import decode
from loop.data.schema import infer
from loop.data.schema_json import to_json
from loop.testing.tables import mixed_table
from loop.types import Schema, Table

NEVER_SEEN = "in test rows only"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of small tables under the names of the benchmarks' own."""
    home = tmp_path_factory.mktemp("data")
    table = mixed_table(600)
    frame = decode(table.schema, table).drop(columns=["fixed", "empty"]).rename(columns={"target": "label"})
    frame = frame.assign(
        target=(frame.pop("label") == "fraud").astype(int), channel=frame["channel"].astype("category")
    )
    for name in ("vehicle_fraud", "mammography"):
        frame.to_parquet(home / f"{name}.parquet")
    worth = np.arange(600) % 5 * 20.0
    frame.assign(PageValues=worth).to_parquet(home / "shoppers.parquet")
    own = np.where(np.arange(600) % 3, "train", "test")
    frame.assign(split=own, capital_gain=worth * 100).to_parquet(home / "adult.parquet")
    days = np.repeat(np.arange(30), 40)
    rng = np.random.default_rng(0)
    payments = pd.DataFrame({name: rng.random(len(days)).round(3) for name in FEATURES})
    payments = payments.assign(
        TX_TIME_DAYS=days,
        TX_DATETIME=pd.Timestamp("2018-04-01") + pd.to_timedelta(days, unit="D"),
        CUSTOMER_ID=rng.integers(0, 300, len(days)),
        TERMINAL_ID=rng.integers(0, 50, len(days)),
        target=(rng.random(len(days)) < 0.1).astype(int),
    )
    payments["TX_FRAUD_SCENARIO"] = payments["target"] * rng.integers(1, 4, len(days))
    payments.to_parquet(home / "fraud_handbook.parquet")
    return home


def poisoned(frame: pd.DataFrame, rows: np.ndarray, target: str) -> pd.DataFrame:
    """Put into rows what no other row has: numbers and moments out of range, and new categories."""
    frame = frame.copy()
    for name in frame.columns.drop(target):
        values = frame[name]
        if pd.api.types.is_bool_dtype(values):
            continue
        if isinstance(values.dtype, pd.CategoricalDtype):
            frame[name] = values = values.cat.add_categories([NEVER_SEEN])
            canary: object = NEVER_SEEN
        elif pd.api.types.is_datetime64_any_dtype(values):
            canary = values.max() + pd.Timedelta(days=4000)
        elif pd.api.types.is_numeric_dtype(values):
            canary = values.dtype.type(np.nanmax(values) * 2 + 7)
        else:
            canary = NEVER_SEEN
        frame.loc[frame.index[rows], name] = canary
    return frame


def poison(monkeypatch: pytest.MonkeyPatch) -> None:
    """Poison the test rows of every split after it was decided who tests."""
    honest = module.encoded

    def with_canaries(whole: WholeTable, schema: Schema, train: np.ndarray, test: np.ndarray) -> Split:
        whole = module.replace(whole, frame=poisoned(whole.frame, test, whole.labels.target))
        return honest(whole, whole.schema_of(train), train, test)

    monkeypatch.setattr(module, "encoded", with_canaries)


def assert_same(one: Table, other: Table) -> None:
    assert json.dumps(to_json(one.schema)) == json.dumps(to_json(other.schema))
    for name in ("X", "y", "weight", "parents"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def of_a_run() -> RunInputs:
    data = DataConfig(source="suite:vehicle_fraud", target="target")
    return gather(data, LoopConfig(lanes=2))


BENCHMARKS: dict[str, Callable[[], Split | RunInputs]] = {**SPLITS, "run": of_a_run}


@pytest.mark.parametrize("name", BENCHMARKS)
def test_what_only_test_rows_hold_is_unknown(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEAKSPOT_DATA", str(folder))
    clean = BENCHMARKS[name]()
    poison(monkeypatch)
    split = BENCHMARKS[name]()
    assert_same(split.train, clean.train)  # all that generators and learners are given
    assert split.test.schema is split.train.schema
    ranges = {column.name: column for column in split.train.schema.columns}
    changed = (split.test.X != clean.test.X) & ~(np.isnan(split.test.X) & np.isnan(clean.test.X))
    assert changed.any(), "the canaries arrived"
    for at, column in enumerate(split.train.schema.columns):
        x = split.test.X[changed[:, at], at]
        if column.kind == "categorical":
            assert np.isnan(x).all(), "a category never seen is missing"
            assert NEVER_SEEN not in column.categories
        else:
            assert (x > ranges[column.name].high).all()


def test_the_law_bites(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEAKSPOT_DATA", str(folder))
    clean = SPLITS["rare_suite"]()

    def knows_all(frame: pd.DataFrame, *args: object, **settings: object) -> object:
        return infer(everything[0] if everything else frame, *args, **settings)  # type: ignore[arg-type]

    everything: list[pd.DataFrame] = []
    honest = module.encoded

    def remembers(whole: WholeTable, schema: Schema, train: np.ndarray, test: np.ndarray) -> Split:
        everything[:] = [poisoned(whole.frame, test, whole.labels.target)]
        return honest(whole, whole.schema_of(train), train, test)

    monkeypatch.setattr(module, "encoded", remembers)
    monkeypatch.setattr(module, "infer", knows_all)
    with pytest.raises(AssertionError):
        assert_same(SPLITS["rare_suite"]().train, clean.train)


class TestSplit:
    def test_copies_but_for_a_column_that_training_excludes_are_on_one_side(self) -> None:
        """A text with few enough categories in the whole has too many of them in a part."""
        rng = np.random.default_rng(3)
        x = np.repeat(rng.random(300).round(6), 2)
        note = rng.permutation(np.repeat([f"note {number}" for number in range(300)], 2))
        frame = pd.DataFrame({"x": x, "note": note, "target": np.repeat(np.arange(300) % 4 == 0, 2)})
        split = Split.of(Dataset("noted", frame, "target"), 0)
        assert split.schema.names == ("x",), "the case is about a column that only the whole would keep"
        assert len(split.test)
        assert not set(split.train.X[:, 0]) & set(split.test.X[:, 0])
        assert split.left_out == len(frame) - len(split.train) - len(split.test) > 0

    def test_a_column_that_numbers_the_rows_is_no_feature_though_a_part_has_gaps(self) -> None:
        rng = np.random.default_rng(0)
        frame = pd.DataFrame({"row": np.arange(200), "x": rng.random(200), "target": rng.permutation(200) % 4 == 0})
        split = Split.of(Dataset("numbered", frame, "target"), 0)
        assert split.schema.names == ("x",)
        assert dict(split.schema.excluded) == {"row": "identifier: every value is different"}

    def test_copies_but_for_an_identifier_are_on_one_side(self) -> None:
        rng = np.random.default_rng(1)
        x = np.tile(rng.random(60), 2).round(6)
        frame = pd.DataFrame({"customer_id": np.arange(120), "x": x, "target": np.tile(np.arange(60) % 3 == 0, 2)})
        split = Split.of(Dataset("copied", frame, "target"), 0)
        assert not set(split.train.X[:, 0]) & set(split.test.X[:, 0])

    @pytest.mark.parametrize("lanes", [1, 2, 5])
    @pytest.mark.parametrize(
        ("name", "values"),
        [
            ("number", range(1200)),
            ("patient_id", np.random.default_rng(5).permutation(1200) * 7 + 3),  # with gaps, in any order
            ("note", [f"note {number}" for number in range(1200)]),  # a text with too many categories
        ],
    )
    def test_copies_but_for_an_excluded_column_are_in_one_lane(self, name: str, values: object, lanes: int) -> None:
        rng = np.random.default_rng(4)
        once = pd.DataFrame({"x": rng.random(400).round(6), "target": rng.random(400) < 0.3})
        frame = pd.concat([once] * 3, ignore_index=True).assign(**{name: values})
        split = Split.of(Dataset("copied", frame, "target"), 0)
        assert name in dict(split.schema.excluded)
        folds = split.folds(0, lanes=lanes)
        for x in np.unique(split.train.X[:, 0]):
            assert len(set(folds[split.train.X[:, 0] == x])) == 1

    @pytest.mark.parametrize("lanes", [1, 2, 5])
    def test_copies_at_other_times_are_in_one_lane(self, lanes: int) -> None:
        rng = np.random.default_rng(6)
        once = pd.DataFrame({"x": rng.random(400).round(6), "target": rng.random(400) < 0.3})
        frame = pd.concat([once] * 3, ignore_index=True).assign(when=rng.random(1200))
        split = Split.of(Dataset("copied", frame, "target", time="when"), 0)
        folds = split.folds(0, lanes=lanes)
        for x in np.unique(split.train.X[:, 0]):
            assert len(set(folds[split.train.X[:, 0] == x])) == 1

    def test_the_class_to_catch_is_the_rarest_of_all_rows_whatever_the_seed(self) -> None:
        rng = np.random.default_rng(2)
        frame = pd.DataFrame({"x": rng.random(90), "target": np.repeat(["a", "b", "c"], [30, 29, 31])})
        assert {Split.of(Dataset("even", frame, "target"), seed).schema.positive for seed in range(5)} == {1}

    def test_rows_of_parts_that_are_known_are_those_named(self) -> None:
        frame = pd.DataFrame({"x": np.arange(10.0) ** 2, "target": np.arange(10) % 2})
        split = Split.at(Dataset("own", frame, "target", 1), np.arange(6), np.arange(7, 10))
        assert split.left_out == 1
        assert split.schema.columns[0].high == 25
        np.testing.assert_array_equal(split.test.X[:, 0], [49, 64, 81])
        np.testing.assert_array_equal(split.test.row_number, [7, 8, 9])
