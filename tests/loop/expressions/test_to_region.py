"""A region made from an expression contains exactly the rows for which the expression is true."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loop.errors import ConfigError
from loop.expressions.parser import parse
from loop.expressions.to_region import as_region
from loop.rows import Rows
from loop.testing.tables import mixed_table
from loop.types import Column, Schema, Table

TABLE = mixed_table()
SCHEMA = TABLE.schema


def spoken(table: Table) -> dict[str, np.ndarray]:
    """Columns as an expression reads them: categories as text."""
    columns = {}
    for x, column in zip(table.X.T, table.schema.columns, strict=True):
        if column.kind == "categorical":
            text = np.array(column.categories, dtype=object)[np.nan_to_num(x).astype(int)]
            x = np.where(np.isnan(x), None, text)
        columns[column.name] = x
    return columns


SPOKEN = spoken(TABLE)


def constants(name: str) -> st.SearchStrategy[str]:
    """Values that rows hold, and values between them."""
    x = TABLE.X[:, SCHEMA.names.index(name)]
    values = x[~np.isnan(x)].tolist()
    return st.one_of(st.sampled_from(values), st.floats(min(values), max(values))).map(repr)


ordered = st.sampled_from(["amount", "score", "visits", "opened"]).flatmap(
    lambda name: st.one_of(
        st.tuples(st.just(name), st.sampled_from(["<", "<=", ">", ">=", "=="]), constants(name)),
        st.tuples(constants(name), st.sampled_from(["<", "<=", ">", ">=", "=="]), st.just(name)),
    ).map(" ".join)
)
DISCRETE = """night; not night; night == 1; night != true; night in [0]; merchant == 'travel'; 'travel' == merchant;
merchant != 'grocery'; channel in ['web', 'chip']; channel not in ['web']; channel != 'swipe'"""
discrete = st.sampled_from(DISCRETE.split(";"))


@given(parts=st.lists(st.one_of(ordered, discrete), min_size=1, max_size=4))
def test_a_region_holds_where_the_expression_is_true(parts):
    expression = parse(" and ".join(parts))
    truth = expression.evaluate(SPOKEN)
    try:
        region = as_region(expression, SCHEMA)
    except ConfigError:  # conditions that contradict each other
        assert not truth.any()
        return
    np.testing.assert_array_equal(region.contains(TABLE.rows), truth)
    assert region.text == expression.text
    assert len({condition.column for condition in region.rule}) == len(region.rule)


def test_bounds_are_exact_to_the_last_bit():
    x = 0.1 + 0.2
    near = np.array([np.nextafter(x, -1), x, np.nextafter(x, 1)])
    X = np.repeat(TABLE.X[:1], 3, axis=0)
    X[:, 1] = near
    for sign, inside in {"<": [1, 0, 0], "<=": [1, 1, 0], ">": [0, 0, 1], ">=": [0, 1, 1], "==": [0, 1, 0]}.items():
        assert as_region(parse(f"score {sign} {x!r}"), SCHEMA).contains(Rows(X)).tolist() == [
            bool(each) for each in inside
        ]


def test_dates_are_quoted():
    region = as_region(parse("opened >= '2020-10-01' and opened < '2020-11-01T12:00'"), SCHEMA)
    opened = TABLE.X[:, 3]
    low, high = (
        np.datetime64(text).astype("datetime64[s]").astype(float) for text in ("2020-10-01", "2020-11-01T12:00")
    )
    np.testing.assert_array_equal(region.contains(TABLE.rows), (opened >= low) & (opened < high))
    assert region.contains(TABLE.rows).any()


def test_constants_may_be_computed():
    region = as_region(parse("score > 2 * -0.5"), SCHEMA)
    np.testing.assert_array_equal(region.contains(TABLE.rows), TABLE.X[:, 1] > -1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("amount > 3 or night", "a region must be conditions joined by and"),
        ("not amount > 3", "a region must be conditions joined by and"),
        ("amount + score > 3", "a region must be conditions joined by and"),
        ("amount > score", "got two columns: compare 'amount' with a constant"),
        ("3 > 2", "a region must be conditions joined by and"),
        ("amount", "a column by itself must be boolean, 'amount' is numeric"),
        ("price > 3", "columns must be features of the table, got 'price': use amount, score"),
        ("merchant == 'bank'", "values of 'merchant' must be known, got 'bank': use one of 'grocery'"),
        ("merchant == 3", "holds text, and 3 without quotes is a number"),
        ("merchant == '3'", "must be known, got '3'"),
        ("night == 2", "values of 'night' must be known, got 2.0"),
        ("night == 'true'", "values of 'night' must be known, got 'true': use one of false, true"),
        ("opened > 'now'", "must be an ISO date, got 'now'"),
        ("opened > '2000'", "must be an ISO date, got '2000'"),
        ("merchant < 'travel'", "< needs an ordered column"),
        ("amount in [1, 2]", "in needs a column of categories"),
        ("amount != 2", "!= needs a column of categories"),
        ("amount > 'much'", "must be compared with a number, got 'much'"),
        ("opened > 'soon'", "must be an ISO date, got 'soon'"),
        ("amount > 1 / 0", "must be compared with a finite number"),
        ("amount > 3 and amount < 2", "must leave a value of 'amount'"),
        ("night and not night", "must leave a value of 'night'"),
    ],
)
def test_what_is_no_region(text, message):
    with pytest.raises(ConfigError, match=message):
        as_region(parse(text), SCHEMA)


@pytest.mark.parametrize(
    "text", ["zip == 08028", "08028 == zip", "zip = 08028", "zip in [08028]", "zip not in {08028}"]
)
def test_a_number_compared_with_text_is_to_be_quoted_as_it_is_written(text: str) -> None:
    schema = Schema((Column("zip", "categorical", "str", categories=("08028", "08029")),), classes=(0, 1))
    told = r"'zip' holds text, and 08028 without quotes is a number: write '08028'\."
    with pytest.raises(ConfigError, match=told):
        as_region(parse(text), schema)
    with pytest.raises(ConfigError, match=told):
        parse(text).evaluate({"zip": np.array(["08028", "1"], dtype=object)})
    quoted = text.replace("08028", "'08028'")
    assert as_region(parse(quoted), schema).rule[0].codes == (frozenset({1}) if "not" in text else frozenset({0}))
