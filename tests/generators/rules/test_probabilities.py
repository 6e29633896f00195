"""Probabilities of classes in a book: rows carry them as soft labels, and the most probable class as their label."""

import numpy as np
import pandas as pd
import pytest

from generators.common.persistence import load, save
from generators.rules.rules import Rules
from loop.data.encoding import encode
from loop.data.schema import infer
from loop.errors import ConditionError, ConfigError
from loop.testing.tables import mixed_table
from loop.types import Condition, Region, Request

TABLE = mixed_table()
LIKELY, SURE, EVEN = {"fraud": 0.8, "fine": 0.2}, {"fine": 1}, {"fine": 0.5, "fraud": 0.5}
ROWS = {"from_rows": {}, "columns": {"visits": "visits + 1"}}


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def sampled(book, label=None, n=300, region=None):
    return Rules(book).fit(TABLE, rng()).sample(Request(region or Region(), label, n), rng(1)).table


@pytest.mark.parametrize("columns", [ROWS, {"columns": {"visits": {"from": "poisson", "mean": 4}}}])
@pytest.mark.parametrize(
    ("told", "soft", "y"),
    [(LIKELY, [0.2, 0.8], 1), (SURE, [1, 0], 0), (EVEN, [0.5, 0.5], 0), ({"fraud": 1}, [0, 1], 1)],
)
def test_rows_carry_them(columns, told, soft, y):
    made = sampled({**columns, "label": {"probabilities": told}})
    np.testing.assert_allclose(made.soft, np.tile(soft, (300, 1)))
    assert (made.y == y).all()


def test_each_scenario_has_its_own_and_hard_labels_stay_hard():
    book = {
        "columns": {"visits": {"from": "poisson", "mean": 4}},
        "scenarios": {
            "likely": {"weight": 1, "columns": {"visits": 1}, "label": {"probabilities": LIKELY}},
            "rows": {"weight": 1, **ROWS, "label": {"probabilities": {"fraud": 0.3, "fine": 0.7}}},
            "plain": {"weight": 1, "label": {"is": "if(visits > 3, 'fraud', 'fine')"}},
            "kept": {"weight": 1, **ROWS, "columns": {"score": 0}},
        },
    }
    anywhere = sampled(book, n=4000)
    shares = pd.Series(anywhere.soft[:, 1]).value_counts(normalize=True)
    assert set(shares.index) == {0, 0.3, 0.8, 1}
    assert abs(shares[0.8] - 0.25) < 0.03
    assert (anywhere.y == anywhere.soft.argmax(axis=1)).all()
    region = Region((Condition(2, high=5.5),))
    frauds = sampled(book, 1, region=region)  # those whose most probable class is asked for, or a part of them
    assert set(frauds.soft[:, 1]) == {0.8, 1}
    likely = frauds.soft[:, 1] == 0.8
    assert (frauds.X[likely, 2] == 1).all()
    assert (frauds.X[~likely, 2] == 1).mean() < 0.3
    assert set(sampled(book, 0, region=region).soft[:, 1]) == {0, 0.3}


def test_a_class_that_is_never_the_most_probable():
    with pytest.raises(ConditionError, match="no scenario of the book gives class 'fine'"):
        sampled({**ROWS, "label": {"probabilities": LIKELY}}, 0)


@pytest.mark.parametrize("classes", [(0, 1), (False, True), ("fine", "fraud"), (1.5, 2.5)])
def test_classes_are_named_as_they_are(classes, tmp_path):
    frame = pd.DataFrame({"amount": np.arange(100.0), "label": np.array(classes)[np.arange(100) % 2]})
    schema = infer(frame, "label")
    book = {
        "from_rows": {},
        "columns": {"amount": "amount / 2"},
        "label": {"probabilities": {classes[0]: 0.25, classes[1]: 0.75}},
    }
    rules = Rules(book).fit(encode(schema, frame), rng())
    save(rules, tmp_path / "saved")  # where all keys become text
    for each in (rules, load(tmp_path / "saved")):
        made = each.sample(Request(Region(), 1, 20), rng()).table
        np.testing.assert_allclose(made.soft, np.tile([0.25, 0.75], (20, 1)))
        assert (made.y == 1).all()


def test_a_data_set_of_its_own_has_the_most_probable_class():
    frame = Rules({"columns": {"a": 1}, "label": {"probabilities": {"no": 0.4, "yes": 0.6}}}).generate(5, rng())
    assert frame["label"].tolist() == ["yes"] * 5


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"fraud": 0.8}, r"label, probabilities must have the sum 1, got 0\.8"),
        ({"fraud": 0.8, "fine": 0.2001}, r"must have the sum 1, got 1\.0001"),
        ({"fraud": 1.2, "fine": -0.2}, r"'fraud' must be a number of at least 0 and at most 1, got 1\.2"),
        ({"fraud": True}, "'fraud' must be a number"),
        ({}, "must be a mapping of classes to numbers"),
        ([0.2, 0.8], "must be a mapping of classes to numbers"),
        ({"froud": 0.8, "fine": 0.2}, "must be those of the classes fine, fraud, got 'froud'"),
    ],
)
def test_what_is_refused(told, message):
    with pytest.raises(ConfigError, match=message):
        sampled({**ROWS, "label": {"probabilities": told}})


def test_a_column_has_none():
    with pytest.raises(ConfigError, match="draw from one of"):
        Rules({"columns": {"a": {"probabilities": {"b": 1}}}})
