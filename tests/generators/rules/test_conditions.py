"""Which real rows meet a scenario: lists and ranges exactly, what is drawn or computed by its middle 95 %."""

import numpy as np
import pytest

from generators import Rules
from generators.rules.conditions import alike, conditions_of
from generators.rules.reading import read_book
from loop.errors import ConfigError
from loop.testing.tables import mixed_table
from loop.types import Table

TABLE = mixed_table()
SCORE, VISITS, NIGHT, MERCHANT, CHANNEL = 1, 2, 4, 5, 6


def met(book: dict[str, object], name: str = "all") -> np.ndarray:
    read = read_book(book).only(name)
    rules = Rules(book, scenario=name)
    return conditions_of(read, rules, TABLE, np.random.default_rng(0)).met(TABLE.rows)


def column(number: int, table: Table = TABLE) -> np.ndarray:
    return table.X[:, number]


def test_lists_and_ranges_hold_exactly() -> None:
    columns = {
        "merchant": {"from": "choice", "values": ["travel", "jewels"], "weights": [0.999, 0.001]},
        "visits": {"from": "integers", "low": 3, "high": 6},
        "score": {"from": "uniform", "low": -0.5, "high": 2},
    }
    inside = np.isin(column(MERCHANT), (1, 3)) & (column(VISITS) >= 3) & (column(VISITS) <= 6)
    inside &= (column(SCORE) >= -0.5) & (column(SCORE) <= 2)
    found = met({"label": "fraud", "columns": columns})
    assert (found == inside).all()
    assert inside.any()
    assert (column(MERCHANT)[inside] == 3).any()  # a category that the book makes once in a thousand rows


def test_what_is_drawn_holds_in_its_middle() -> None:
    found = met({"label": "fraud", "columns": {"score": {"from": "normal", "mean": 0.5, "sd": 0.2}}})
    inside = column(SCORE)[found]
    assert 0.5 - 3 * 0.2 < inside.min() < 0.5 < inside.max() < 0.5 + 3 * 0.2
    assert found.mean() == pytest.approx(((column(SCORE) > 0.11) & (column(SCORE) < 0.89)).mean(), abs=0.03)


def test_missing_values_meet_what_may_be_missing() -> None:
    source = {"from": "choice", "values": ["chip"]}
    assert (met({"label": "fraud", "columns": {"channel": source}}) == (column(CHANNEL) == 0)).all()
    absent = np.isnan(column(CHANNEL))
    found = met({"label": "fraud", "columns": {"channel": source | {"missing": 0.1}}})
    assert (found == ((column(CHANNEL) == 0) | absent)).all()
    assert absent.any()


def test_columns_of_the_book_count_only_without_own_ones() -> None:
    columns = {"night": {"from": "choice", "values": [True]}, "score": {"from": "uniform", "low": -9, "high": 9}}
    own = {"a": {"weight": 1, "columns": {"score": {"from": "uniform", "low": 1, "high": 9}}}, "b": {"weight": 1}}
    book = {"label": "fraud", "columns": columns, "scenarios": own}
    assert (met(book, "a") == (column(SCORE) >= 1)).all()
    assert (met(book, "b") == (column(NIGHT) == 1)).all()


def test_where_counts_for_what_is_left_as_it_is() -> None:
    where = "target == 'fine' and night and merchant == 'travel' and score < -1"
    scenarios = {"moved": {"label": "fraud", "columns": {"score": {"from": "uniform", "low": 1, "high": 9}}}}
    found = met({"target": "target", "from_rows": {"where": where}, "scenarios": scenarios}, "moved")
    assert (found == ((column(NIGHT) == 1) & (column(MERCHANT) == 1) & (column(SCORE) >= 1))).all()
    assert found.any()


def test_what_is_computed_from_the_row_holds_in_its_middle() -> None:
    scenarios = {"more": {"label": "fraud", "columns": {"visits": "visits + 4"}}}
    found = met({"target": "target", "from_rows": {}, "scenarios": scenarios}, "more")
    low, high = np.quantile(np.minimum(column(VISITS) + 4, column(VISITS).max()), [0.025, 0.975])
    assert column(VISITS)[found].min() == pytest.approx(low, abs=1)
    assert column(VISITS)[found].max() == pytest.approx(high, abs=1)


def test_a_scenario_that_states_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match="'all' must state a column to tell real rows by"):
        met({"label": "fraud", "columns": {"score": {"from": "data"}}})


def test_values_like_those_made() -> None:
    x = np.array([1.0, 2.0, 2.0, np.nan])
    assert alike(x, discrete=True).hold(np.array([1.5, 2.0, np.nan])).tolist() == [False, True, True]
    assert alike(x, discrete=False).hold(np.array([1.5, 2.5])).tolist() == [True, False]
    assert alike(np.array([np.nan]), discrete=False).hold(np.array([1.0, np.nan])).tolist() == [False, True]
