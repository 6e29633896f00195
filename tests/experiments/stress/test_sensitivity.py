"""Stated numbers are moved one at a time; what a model makes of the moved rows is known here."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from small_runs import PATTERN

from experiments.stress.cases import Case
from experiments.stress.sensitivity import FACTORS, moved
from generators.rules.reading import read_book
from loop.types import Column, Schema

COLUMNS = (
    Column("amount", "numeric", "float64", decimals=2),
    Column("age", "integer", "int64"),
    Column("shop", "categorical", "str", categories=("book", "toys")),
    Column("abroad", "boolean", "bool"),
)
BOOK = read_book({"target": "fraud", "scenarios": {"young": PATTERN, "old": PATTERN}})


def case(name: str, kind: Any, alarm: bool) -> Case:
    columns = {"amount": [20.0, 24.01, 28.0, 30.0], "age": [19, 21, 21, 18]}
    frame = pd.DataFrame(columns).assign(shop="toys", abroad=False)
    return Case(name, kind, "yes", alarm, frame, np.zeros(4), (), ())


def subject(score: Any) -> Any:
    real = SimpleNamespace(schema=Schema(COLUMNS, classes=("no", "yes")))
    return SimpleNamespace(real=real, scores=score, points=[SimpleNamespace(threshold=0.5)])


def test_each_number_is_moved_alone_and_rows_are_scored_again() -> None:
    seen = []

    def score(frame: pd.DataFrame) -> np.ndarray:
        seen.append(frame)
        return np.asarray((frame["amount"] > 23).to_numpy() * 1.0)

    amount, age = moved(subject(score), BOOK, [case("young", "stated", True)])
    assert (amount.scenario, amount.column, age.column) == ("young", "amount", "age")
    assert [share.estimate for share in amount.shares] == [0, 0.25, 0.75, 1, 1]
    assert [share.estimate for share in age.shares] == [0.75] * len(FACTORS)
    assert seen[1]["amount"].tolist() == [16.0, 19.21, 22.4, 24.0]
    assert seen[5]["age"].tolist() == [10, 10, 10, 9]  # whole years
    assert all((frame["age"] == [19, 21, 21, 18]).all() for frame in seen[:5])


def test_rows_of_another_class_are_right_if_not_alarmed_and_only_stated_rows_count() -> None:
    cases = [case("old", "stated", False), case("amount > 3", "real", True), case("amount > 3", "generated", True)]
    found = list(moved(subject(lambda frame: (frame["amount"] > 23).to_numpy() * 1.0), BOOK, cases))
    assert [(each.scenario, each.column) for each in found] == [("old", "amount"), ("old", "age")]
    assert found[0].shares[0].estimate == pytest.approx(1)
    assert found[0].shares[-1].estimate == pytest.approx(0)
