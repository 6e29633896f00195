"""The expression language: what it computes, what it refuses, and that nothing else ever happens."""

import operator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loop.errors import ConfigError
from loop.expressions.parser import DEEPEST, LONGEST, parse
from loop.expressions.tokens import quoted, spelled

COLUMNS = {
    "amount": np.array([200.0, 400.0, np.nan]),
    "night": np.array([True, False, True]),
    "merchant": np.array(["travel", "online", None], dtype=object),
    "odd-name": np.array([1, 2, 3]),
    "opened": np.array(["2024-01-01", "2024-02-01", "NaT"], dtype="datetime64[s]"),
}
BINARY = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "%": operator.mod}

# Trees of arithmetic, as (text, value): the value is computed by hand beside the text, None = undefined.
leaves = st.one_of(
    st.integers(0, 50).map(lambda number: (str(number), float(number))),
    st.sampled_from([0.5, 1.25, 1e-3, 2e3]).map(lambda number: (repr(number), number)),
    st.just(("x", 7.0)),
)


def _joined(parts):
    (left, a), sign, (right, b) = parts
    broken = a is None or b is None or (sign in "/%" and b == 0)
    return f"({left} {sign} {right})", None if broken else BINARY[sign](a, b)


def _negated(part):
    return f"-{part[0]}", None if part[1] is None else -part[1]


trees = st.recursive(
    leaves,
    lambda inner: st.one_of(st.tuples(inner, st.sampled_from(sorted(BINARY)), inner).map(_joined), inner.map(_negated)),
    max_leaves=20,
)


@given(tree=trees)
def test_arithmetic_agrees_with_python(tree):
    text, value = tree
    got = parse(text).evaluate({"x": np.array([7.0, 7.0])})
    np.testing.assert_allclose(got, [np.nan if value is None else value] * 2, rtol=1e-12, atol=1e-300)


@given(first=leaves, then=st.lists(st.tuples(st.sampled_from("+-*/%"), leaves), max_size=12))
def test_precedence_agrees_with_python(first, then):
    """Products before sums, both from the left: folded by hand, without parentheses in the text."""
    text = first[0] + "".join(f" {sign} {leaf[0]}" for sign, leaf in then)
    terms, value = [("+", first[1])], 0.0
    for sign, (_, number) in then:
        if sign in "+-":
            terms.append((sign, number))
        elif number == 0 and sign in "/%":
            return
        else:
            terms[-1] = (terms[-1][0], BINARY[sign](terms[-1][1], number))
    for sign, term in terms:
        value = BINARY[sign](value, term)
    np.testing.assert_allclose(parse(text).evaluate({"x": np.array([7.0])}), [value], rtol=1e-9, atol=1e-9)


PIECES = """amount night merchant `odd-name` opened 'travel' '2024-01-15' 3 1e300 .5 true + - * / % ** < >= == != = and
or not in [ ] ( ) , if( min( round( log( sqrt( exp( abs( __class__ lambda . @ \\ ' `"""
pieces = st.sampled_from(PIECES.split())


@settings(max_examples=400)
@given(text=st.one_of(st.text(max_size=60), st.lists(pieces, max_size=12).map(" ".join)))
def test_nothing_but_a_value_or_a_config_error(text):
    try:
        value = parse(text).evaluate(COLUMNS)
    except ConfigError:
        return
    assert value.shape == (3,)
    assert value.dtype in (np.float64, np.bool_, object)
    assert value.dtype != np.float64 or not np.isinf(value).any()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("amount > 300 and night == 1", [False, False, False]),
        ("amount <= 200 or not night", [True, True, False]),
        ("not amount > 300", [True, False, True]),
        ("merchant in ['travel', 'jewels']", [True, False, False]),
        ("merchant not in ['travel']", [False, True, False]),  # a comparison with a missing value is false
        ("merchant != 'travel'", [False, True, False]),
        ("amount != 200", [False, True, False]),
        ("opened >= '2024-01-15'", [False, True, False]),
        ("opened + 86400 * 14 == '2024-01-15'", [True, False, False]),
        ("if(night, 'late', 'early')", ["late", "early", "late"]),
        ("if(merchant == 'travel', amount, -1)", [200, -1, -1]),
        ("-`odd-name` ** 2", [-1, -4, -9]),
        ("2 ** 3 ** 2 ** -1 * 0 + 2 ** -1", [0.5] * 3),
        ("7 % 4 - 7 % -4", [4] * 3),
        ("max(1, `odd-name`, 2) + min(`odd-name`, 2)", [3, 4, 5]),
        ("round(amount / 7, 1)", [28.6, 57.1, np.nan]),
        ("floor(-1.5) + abs(-2) + sqrt(9) + log(exp(2)) + sin(0)", [5] * 3),
        ("1 / 0", [np.nan] * 3),
        ("log(-1)", [np.nan] * 3),
        ("10 ** 10 ** 10", [np.nan] * 3),
        ("true and not false", [True] * 3),
        ("+1.e2 + .5E-1", [100.05] * 3),
        ('if(night, \'it\'\'s\', """so""")', ["it's", '"so"', "it's"]),
    ],
)
def test_value(text, expected):
    got = parse(text).evaluate(COLUMNS)
    if isinstance(expected[0], str):
        assert got.tolist() == expected
    else:
        np.testing.assert_allclose(got.astype(float), np.array(expected, dtype=float))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("amount >> 3", "\"amount >> 3\": expected a value at character 9, got '>'"),
        ("", "expected a value at character 1, got the end"),
        ("(1", r"expected '\)' at character 3, got the end"),
        ("1 2", "expected an operator at character 3, got '2'"),
        ("a < b > c", "expected and, or or the end at character 7"),
        ("a @ b", "expected a value or an operator at character 3, got '@'"),
        ("a not b", "expected 'in' at character 7"),
        ("system(1)", "expected a function at character 1, got 'system': use one of if, min"),
        ("a.__class__", "at character 2, got '.'"),
        ("x in []", "expected a value at character 7"),
        ("if(1, 2)", "if needs 3 arguments, got 2"),
        ("max(1)", "max needs at least 2 arguments, got 1"),
        ("1e999", "must be below 1.8e308, got 1e999"),
        ("1 + " * 1100 + "1", f"at most {LONGEST} characters"),
        ("(" * 500, f"at most {DEEPEST} levels"),
        ("+".join("1" * 500), f"at most {DEEPEST} levels"),
        ("-" * 500 + "1", f"at most {DEEPEST} levels"),
    ],
)
def test_no_expression(text, message):
    with pytest.raises(ConfigError, match=message):
        parse(text)


@pytest.mark.parametrize("blank", [None, np.nan])
@pytest.mark.parametrize("n", [3, 0])
def test_a_column_that_is_missing_throughout_suits_text_and_numbers(blank, n):
    columns = {"shop": np.full(n, blank, dtype=object), "amount": np.ones(n), "kind": np.full(n, "a", dtype=object)}
    for text in ("shop == 'travel'", "shop != 'travel'", "shop in ['a', 'b']", "shop not in ['a']", "shop > 3"):
        assert parse(text).evaluate(columns).tolist() == [False] * n
    for text in ("shop == kind", "shop != amount", "shop < amount"):
        assert parse(text).evaluate(columns).tolist() == [False] * n
    assert np.isnan(parse("shop + amount").evaluate(columns)).all()
    assert np.isnan(parse("if(amount > 0, shop, amount)").evaluate(columns).astype(float)).all()
    assert parse("if(amount > 0, shop, kind)").evaluate(columns).tolist() == [None] * n


def test_a_constant_choice_is_a_value_like_others():
    assert parse("if(true, 'travel', 'b') == merchant").evaluate(COLUMNS).tolist() == [True, False, False]
    with pytest.raises(ConfigError, match="needs numbers, got text"):
        parse("if(true, 'a', 'b') + 1").evaluate(COLUMNS)


def test_a_choice_between_truths_is_a_truth():
    got = parse("if(amount > 300, night == 1, true)").evaluate(COLUMNS)
    assert got.dtype == bool
    assert parse("if(amount > 300, 1, true)").evaluate(COLUMNS).dtype == float


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nothing + 1", "'nothing' is no column here: use one of amount, night"),
        ("merchant + 1", r"\+ needs numbers, got text"),
        ("merchant > 'a'", "> needs numbers, got text"),
        ("merchant == 3", "'merchant' holds text, and 3 without quotes is a number: write '3'"),
        ("merchant == amount", "== needs two numbers or two texts"),
        ("opened > 'soon'", "must be an ISO date, got 'soon'"),
        ("opened > 'today'", "must be an ISO date, got 'today'"),
        ("amount > '2000'", "must be an ISO date, got '2000'"),
        ("if(night, 1, 'a')", "if needs two numbers or two texts"),
        ("merchant and night", "and needs numbers, got text"),
        ("round(amount, amount)", "constant whole number of digits"),
        ("round(amount, 99)", "constant whole number of digits"),
    ],
)
def test_values_of_the_wrong_type(text, message):
    with pytest.raises(ConfigError, match=message):
        parse(text).evaluate(COLUMNS)


def test_names():
    assert parse("if(a > 1, `b c`, 2) + min(a, d)").names == {"a", "b c", "d"}
    assert parse("1 + 2").names == frozenset()


@pytest.mark.parametrize("name", ["amount", "odd name", "and", "1st", "größe", "a`b", "``"])
def test_a_quoted_name_is_read_as_that_column(name):
    assert parse(quoted(name)).names == {name}


@pytest.mark.parametrize("value", ["plain", "it's", "''", 'say "so"', "", True, False, -2.5, 10**6])
def test_a_spelled_constant_is_read_as_that_constant(value):
    got = parse(spelled(value)).evaluate(COLUMNS)[0]
    assert got == value
    assert isinstance(got, str) == isinstance(value, str)


def test_objects_that_hold_numbers_are_numbers():
    columns = {"flag": np.array([True, None, False], dtype=object), "count": np.array([1, np.nan, 3], dtype=object)}
    assert parse("flag and count == 1").evaluate(columns).tolist() == [True, False, False]


def test_the_columns_are_left_alone():
    values = parse("amount").evaluate(COLUMNS)
    values[:] = 0
    assert COLUMNS["amount"][0] == 200
