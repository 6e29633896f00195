"""A statement that holds real rows of another class is noticed row by row."""

from dataclasses import replace

import numpy as np
import pytest

from loop.errors import ConfigError
from loop.gates import Contradicted
from loop.gates.contradicted import REASON
from loop.types import Column, Schema, Table

SCHEMA = Schema(tuple(Column(name, "numeric", "float64", -9.0, 9.0) for name in ("a", "b")), ("no", "yes"))


def table(rows: list[tuple[float, float]], y: list[int]) -> Table:
    return Table.real(np.array(rows, dtype=float).reshape(-1, 2), np.array(y), SCHEMA)


REAL = table([(1, 2), (3, 4), (0, np.nan), (5, 5), (5, 5)], [0, 1, 0, 0, 1])


@pytest.mark.parametrize(
    ("columns", "row", "label", "refused"),
    [
        ((), (1, 2), 1, True),
        ((), (1, 2), 0, False),  # real rows of the same class say the same
        ((), (1, 3), 1, False),
        (("a",), (1, 3), 1, True),
        (("b",), (1, 3), 1, False),
        (("b", "a"), (1, 2), 1, True),
        ((), (-0.0, np.nan), 1, True),
        ((), (5, 5), 0, True),  # both classes have it
        ((), (5, 5), 1, True),
        ((), (3, 4), 0, True),
    ],
)
def test_a_row_that_real_rows_of_another_class_equal_is_refused(
    columns: tuple[str, ...], row: tuple[float, float], label: int, refused: bool
) -> None:
    verdict = Contradicted(columns).judge(table([row], [label]), REAL, np.random.default_rng(0))
    assert verdict.keep.tolist() == [not refused]
    assert verdict.reason.tolist() == [REASON if refused else ""]


def test_an_unknown_column_is_told() -> None:
    with pytest.raises(ConfigError, match="columns of a gate must be in the table, got 'c'"):
        Contradicted(("a", "c")).judge(REAL, REAL, np.random.default_rng(0))


def test_a_column_that_is_left_aside_is_not_compared() -> None:
    schema = replace(SCHEMA, excluded=(("when", "the time"),))
    real, told = (replace(each, schema=schema) for each in (REAL, table([(1, 3), (2, 3)], [1, 1])))
    assert Contradicted(("when", "a")).judge(told, real, np.random.default_rng(0)).keep.tolist() == [False, True]
    nothing = Contradicted(("when",)).judge(told, real, np.random.default_rng(0))  # every row is like that
    assert nothing.keep.tolist() == [False, False]


def test_soft_labels_are_contradicted_by_classes_that_they_exclude_only() -> None:
    three = Schema(SCHEMA.columns, ("no", "yes", "maybe"))
    real = Table.real(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([0, 2]), three)
    soft = np.array([[0.2, 0.8, 0.0], [0.2, 0.8, 0.0]])
    made = replace(Table.real(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1, 1]), three), soft=soft)
    verdict = Contradicted().judge(made, real, np.random.default_rng(0))
    assert verdict.keep.tolist() == [True, False]
