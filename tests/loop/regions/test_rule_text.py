"""What a report prints of a region can be pasted: read back, it holds the same rows."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loop.data.encoding import encode
from loop.data.schema import infer
from loop.errors import ConfigError
from loop.expressions.parser import parse
from loop.expressions.to_region import as_region
from loop.regions import TreeFinder
from loop.regions.rule_text import describe
from loop.types import Condition, Table

WORDS = [
    "fuel",
    "car hire",
    "a, b",
    "it's",
    'so "called"',
    "and",
    "missing",
    "True",
    "08028",
    "amount",
    "1",
    "}",
    "é",
]


def frame(n: int = 400) -> pd.DataFrame:
    """Columns of every kind, under names and with values that need care."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "amount": rng.lognormal(3, 1, n).round(2),
            "odd name": rng.normal(size=n) * 1e-7,
            "or": rng.normal(size=n) * 1e12,
            "visits": rng.poisson(5, n),
            "opened": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 10**7, n), unit="s"),
            "to the ms": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 10**10, n), unit="ms"),
            "born": pd.Timestamp("1990-01-01") + pd.to_timedelta(rng.integers(0, 9999, n), unit="D"),
            "zoned": pd.Timestamp("2024-03-31", tz="Europe/Berlin")
            + pd.to_timedelta(rng.integers(0, 10**5, n), unit="s"),
            "night": rng.random(n) < 0.3,
            "shop": rng.choice(WORDS, n),
            "`tick`": rng.choice(["x", "y"], n),
            "account": 2**53 + 2 * rng.integers(0, 9, n) + 1,
            "level": pd.Categorical(rng.choice([1, 2, 3], n)),
            "y": rng.random(n) < 0.2,
        }
    )
    gaps = frame.drop(columns=["y", "night", "account", "visits"]).columns
    return frame.assign(**{name: frame[name].mask(rng.random(n) < 0.1) for name in gaps})


FRAME = frame()
TABLE = encode(infer(FRAME, "y"), FRAME)
SCHEMA = TABLE.schema


def bounds(x: np.ndarray) -> st.SearchStrategy[tuple[float, float]]:
    """Two thresholds, at values or infinite; the lower one first."""
    values = np.unique(x[~np.isnan(x)]).tolist()
    one = st.one_of(st.sampled_from(values), st.sampled_from([-np.inf, np.inf]))
    return st.tuples(one, one).map(lambda two: (min(two), max(two))).filter(lambda two: two != (np.inf, np.inf))


@st.composite
def conditions(draw: st.DrawFn, number: int) -> Condition:
    missing = draw(st.booleans())
    if not SCHEMA.discrete[number]:
        low, high = draw(bounds(TABLE.X[:, number]))
        high = np.inf if high == low else high
        return Condition(number, low, -np.inf if low == np.inf else high, missing=missing)
    count = len(SCHEMA.columns[number].categories) or 2
    codes = draw(st.frozensets(st.integers(0, count - 1), min_size=0 if missing else 1))
    return Condition(number, codes=codes, missing=missing)


rules = st.sets(st.integers(0, len(SCHEMA.columns) - 1), max_size=4).flatmap(
    lambda numbers: st.tuples(*(conditions(number) for number in sorted(numbers)))
)


def inside(rule: tuple[Condition, ...], table: Table = TABLE) -> np.ndarray:
    return np.logical_and.reduce([each.holds(table.rows) for each in rule]) | np.zeros(len(table), dtype=bool)


@settings(deadline=None)
@given(rule=rules)
def test_the_text_of_a_rule_holds_the_same_rows(rule: tuple[Condition, ...]) -> None:
    for X in (None, TABLE.X):
        text = describe(rule, SCHEMA, X)
        np.testing.assert_array_equal(as_region(parse(text), SCHEMA).contains(TABLE.rows), inside(rule), err_msg=text)


def test_regions_that_are_found_can_be_pasted() -> None:
    weak = (FRAME["shop"].isin(["car hire", "a, b"]) | (FRAME["odd name"] > 1e-7)).to_numpy(float)
    found = TreeFinder(min_rows=10).find(TABLE, weak + np.linspace(0, 0.01, len(weak)), np.random.default_rng(0))
    assert found
    for region in found:
        again = as_region(parse(region.text), SCHEMA)
        np.testing.assert_array_equal(again.contains(TABLE.rows), region.contains(TABLE.rows))


def test_numbers_are_as_short_as_the_rows_allow() -> None:
    number = SCHEMA.names.index("odd name")
    known = np.sort(TABLE.X[:, number][~np.isnan(TABLE.X[:, number])])
    text = describe((Condition(number, low=known[-2]),), SCHEMA, TABLE.X)
    assert len(text) < len("`odd name` > 1.23456e-07")
    assert describe((Condition(number, low=known[-2]),), SCHEMA) == f"`odd name` > {float(known[-2])!r}"


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("amount > 3 or missing", "`amount`>3 or missing"),
        ("1 <= visits < 5", "visits >= 1 and visits < 5"),
        ("5 > visits >= 1", "visits >= 1 and visits < 5"),
        ("shop in {fuel, 'car hire', é}", "shop in ['fuel', 'car hire', 'é']"),
        ("shop = fuel", "shop == 'fuel'"),
        ("night = True", "night"),
        ("opened > 2024-01-31 10:00:00", "opened > '2024-01-31 10:00:00'"),
        ("opened > 2024-01-31", "opened > '2024-01-31'"),
        ("zoned <= 2024-03-31 12:00:00+02:00", "zoned <= '2024-03-31 10:00:00Z'"),
        ("level in {1, 3}", "level in [1, 3]"),
    ],
)
def test_what_reports_print_is_read_like_what_people_write(text: str, same: str) -> None:
    regions = [as_region(parse(each), SCHEMA).contains(TABLE.rows) for each in (text, same)]
    known = ~np.isnan(TABLE.X[:, SCHEMA.names.index("amount")]) if "or missing" in text else np.True_
    np.testing.assert_array_equal(*(each & known for each in regions))
    assert regions[0].any()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("shop = amount", "'amount' is also a column: write == for the column"),
        ("shop in {fuel, amount}", "'amount' is also a column"),
        ("shop in {fuel", "expected '}'"),
        ("3 < 4 or missing", "behind the comparison of a column"),
        ("amount > 3 or visits missing", "got or between two columns"),
        ("1 < amount > 3", "expected and, or or the end"),
        ("price missing", "got 'price'"),
    ],
)
def test_what_is_read_otherwise_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        as_region(parse(text), SCHEMA)


def test_constraints_and_books_read_it_too() -> None:
    columns = {"amount": np.array([1.0, 2.0, np.nan]), "shop": np.array(["fuel", "car hire", None], dtype=object)}
    for text, holds in {
        "1 <= amount < 2": [1, 0, 0],
        "amount > 1 or missing": [0, 1, 1],
        "shop in {fuel}": [1, 0, 0],
        "shop missing": [0, 0, 1],
        "not shop known": [0, 0, 1],
        "shop = 'car hire' and amount known": [0, 1, 0],
    }.items():
        assert parse(text).evaluate(columns).tolist() == [bool(each) for each in holds], text
    assert parse("amount < 1 or shop missing").names == {"amount", "shop"}
    with pytest.raises(ConfigError, match="also a column"):
        parse("shop = amount").evaluate(columns)


def test_a_rule_that_holds_everything_says_so() -> None:
    everything = Condition(SCHEMA.names.index("shop"), codes=frozenset(range(len(WORDS))), missing=True)
    assert describe((everything,), SCHEMA) == "anywhere"
    assert describe((replace(everything, missing=False),), SCHEMA) == "shop known"
    assert as_region(parse("anywhere"), SCHEMA).contains(TABLE.rows).all()
