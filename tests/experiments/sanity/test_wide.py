"""A table so wide that a run takes hours is told before the work, in one sentence."""

import numpy as np
import pytest

from experiments.sanity.wide import MANY, many_columns
from loop.types import Column, Schema, Table


@pytest.mark.parametrize(("columns", "told"), [(MANY, False), (MANY + 1, True), (5_000, True)])
def test_many_columns_are_told(columns: int, told: bool) -> None:
    schema = Schema(tuple(Column(f"c{at}", "numeric", "float64") for at in range(columns)), ("no", "yes"))
    found = list(many_columns(Table.real(np.zeros((3, columns)), np.array([0, 1, 0]), schema)))
    assert bool(found) == told
    for each in found:
        assert f"{columns:,} columns" in each.sentence
        assert "--dry-run" in each.sentence
        assert len(each.line) <= 300
