"""Checks of every row: what is planted is found, what is not there is not."""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st
from small_runs import frame

from experiments.stress.probes import VALUES, check_invariant, check_limits, check_monotone, tried_values

TABLE = frame(80)


def rising(rows: pd.DataFrame) -> np.ndarray:
    """A score that rises with the amount, whatever the other columns."""
    return np.asarray(1 / (1 + np.exp(-(rows["amount"] / 50 + (rows["shop"] == "fuel") - 1))))


@given(st.floats(0.001, 0.4), st.floats(10, 90))
def test_a_planted_fall_is_found_and_a_rising_score_passes(depth: float, percent: float) -> None:
    limit = float(np.percentile(TABLE["amount"], percent))

    def falling(rows: pd.DataFrame) -> np.ndarray:
        return np.asarray(0.5 - depth * (rows["amount"] > limit))

    found = check_monotone(falling, TABLE, "amount", True)
    assert found.broken == len(TABLE)
    assert float(str(found.low)) <= limit < float(str(found.high))
    assert np.isclose(found.before - found.after, depth)
    assert check_monotone(falling, TABLE, "amount", False).broken == 0
    assert check_monotone(rising, TABLE, "amount", True).broken == 0
    assert check_monotone(rising, TABLE, "amount", False).broken == len(TABLE)


def test_a_fall_of_some_rows_is_theirs_alone() -> None:
    def score(rows: pd.DataFrame) -> np.ndarray:
        toys = rows["shop"] == "toys"
        return np.asarray(np.where(toys & (rows["amount"] > 40), 0.2, 0.6))

    found = check_monotone(score, TABLE, "amount", True)
    assert found.broken == (TABLE["shop"] == "toys").sum()
    assert TABLE["shop"].iloc[found.row] == "toys"


def test_a_column_that_must_not_matter_may_move_the_score_a_little() -> None:
    def score(rows: pd.DataFrame) -> np.ndarray:
        return np.asarray(0.5 + 0.05 * (rows["shop"] == "fuel"))

    assert check_invariant(score, TABLE, "shop", 0.05).broken == 0
    found = check_invariant(score, TABLE, "shop", 0.04)
    assert found.broken == len(TABLE)
    assert "fuel" in (found.low, found.high)
    assert "from" in str(found)
    assert check_invariant(score, TABLE, "age", 0.0).broken == 0


def test_limits_are_about_the_rows_inside_alone() -> None:
    inside = (TABLE["shop"] == "fuel").to_numpy()
    score = rising(TABLE)
    found = check_limits(rising, TABLE, inside, 0.5, 1.0)
    assert (found.rows, found.broken) == (inside.sum(), (inside & (score < 0.5)).sum())
    assert check_limits(rising, TABLE, np.zeros(len(TABLE), dtype=bool), 0.9, 1.0).broken == 0


def test_a_column_without_values_cannot_be_broken() -> None:
    empty = TABLE.assign(amount=np.nan)
    assert check_monotone(rising, empty, "amount", True).broken == 0
    assert check_invariant(rising, empty, "amount", 0.0).broken == 0


def test_few_values_are_tried_and_the_first_and_last_are_among_them() -> None:
    values = tried_values(TABLE["amount"])
    assert len(values) == VALUES
    assert (values.iloc[0], values.iloc[-1]) == (TABLE["amount"].min(), TABLE["amount"].max())
    assert list(tried_values(TABLE["shop"])) == ["book", "fuel", "toys"]
