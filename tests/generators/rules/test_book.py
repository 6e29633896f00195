"""A rule book is checked as a whole, with one sentence for each fault; its distributions are what they are called."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from experiments.config.reader import load_config
from experiments.config.run_config import RunConfig
from generators.rules.rules import Rules
from loop.data.encoding import encode
from loop.data.schema import infer
from loop.errors import ConfigError, DataError
from loop.testing.tables import mixed_table
from loop.types import Region, Request


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def with_columns(**columns):
    return {"columns": columns}


def with_events(**told):
    end = {} if "every" in told else {"end": "2024-01-03"}
    events = {"entity": "e", "time": "t", "rows_each": 5, "start": "2024-01-01"} | end
    outer = {name: told.pop(name) for name in ("columns", "scenarios", "target") if name in told}
    return {"events": events | told, **outer}


@pytest.mark.parametrize(
    ("book", "message"),
    [
        (
            {"colums": {}},
            "the book must have no keys but target, label, columns, scenarios, events, from_rows, checks, got 'colums'",
        ),
        (with_columns(a={"from": "norml"}), "draw from one of normal, lognormal"),
        (with_columns(a={"from": "normal", "mean": 0}), "must have from, mean, sd, got no 'sd'"),
        (with_columns(a={"from": "normal", "mean": 0, "sd": 1, "skew": 2}), "got 'skew'"),
        (with_columns(a="b + 1", b=1), "must read columns that come before it .none., got 'b'"),
        (with_columns(a="1 +"), '"1 \\+": expected a value at character 4'),
        (with_columns(a=[1]), "must be a number"),
        (with_columns(a={"from": "choice", "values": []}), "at least one"),
        (with_columns(a={"from": "choice", "values": [1, "b"]}), "all text or all numbers"),
        (
            with_columns(a={"from": "choice", "values": [1, 2], "weights": [1]}),
            "one weight for each value, got 1 for 2",
        ),
        (with_columns(a={"from": "datetime", "start": "soon", "end": "2024-01-01"}), "must be an ISO date"),
        (with_columns(a={"is": "1", "missing": 2}), "at least 0 and at most 1, got 2"),
        (with_columns(a={"is": "1", "decimals": 1.5}), "decimals must be a whole number, got 1.5"),
        (with_columns(a={"is": "1", "decimals": 16}), "at least 0 and at most 15, got 16"),
        (with_columns(a={"from": "choice", "values": ["b"], "decimals": 2}), "the values are none: leave decimals out"),
        (
            with_columns(a={"from": "choice", "values": [True], "decimals": 2}),
            "the values are none: leave decimals out",
        ),
        ({"scenarios": {"s": {"weight": 1e308}, "t": {"weight": 1e308}}}, "a sum above 0, and finite"),
        (with_events(rows_each=1e12), "at least 1 and at most 1e"),
        (with_columns(a={"from": "datetime", "start": "2024-01-02", "end": "2024-01-01"}), "end must not be before"),
        (with_events(rows_each=2.5), "rows_each must be a whole number, got 2.5"),
        (
            with_columns(a={"from": "count_before", "seconds": 60}),
            "must follow entities over time: add a section events",
        ),
        ({"scenarios": {"s": {"weight": -1}}}, "weight must be a number of at least 0, got -1"),
        ({"scenarios": {"s": {"weight": 0}}}, "must have a sum above 0"),
        ({"scenarios": {"s": {"weight": 1, "columns": {"a": 1}}}}, "must have no keys but none, got 'a'"),
        ({"scenarios": {"s": {"weight": 1, "steps": []}}}, "steps must have entities to happen to"),
        ({"scenarios": {"s": {"weight": 1, "label": 1}, "t": {"weight": 1}}}, "every scenario must have a label, 't'"),
        ({"events": {"entity": "e", "time": "t", "rows_each": 1, "start": "2024-01-01"}}, "either an end or"),
        (with_columns(scenario=1), "must not be scenario, nor begin with #, got 'scenario'"),
        (with_columns(**{"#": 1}), "nor begin with #, got '#'"),
        (with_events(columns={"turn": 1}), "got 'turn'"),
        (with_events(entity="turn"), "must not be elapsed, scenario, turn"),
        (with_events(target="elapsed"), "must not be elapsed, scenario, turn"),
        (with_events(habits={"e": 1}), "must all differ, got 'e' twice"),
        (with_events(time="e"), "must all differ, got 'e' twice"),
        (with_events(habits={"h": {"from": "count_before", "seconds": 60}}), "must not come from count_before"),
        (with_events(hour={"from": "seconds_since_last"}), "must not come from seconds_since_last"),
        (with_events(every=60, hour=3), "events: rows of a regular series .* got 'hour'"),
        (
            with_events(every=60, scenarios={"s": {"weight": 1, "steps": [{"gap": 3}]}}),
            "scenario 's': rows of a regular series .* got 'gap'",
        ),
        ("nowhere.yaml", "must be a YAML file, and nowhere.yaml cannot be read"),
        ([], "must hold keys and values"),
    ],
)
def test_a_bad_book(book, message):
    with pytest.raises(ConfigError, match=message):
        Rules(book)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"_x": {"from": "data"}}, "columns drawn from the data must be those of the table, got '_x'"),
        ({"price": 1}, "columns of the book must be in the table .amount, .*, got 'price'"),
        (
            {"merchant": {"from": "choice", "values": ["bank"]}},
            "values of 'merchant' must be known, the book gives 'bank'",
        ),
        ({"merchant": {"from": "normal", "mean": 0, "sd": 1}}, "is categorical and cannot be normal"),
        ({"merchant": 3}, "must get text, the book gives 3"),
        ({"amount": {"from": "choice", "values": ["much"]}}, "must get numbers, the book gives 'much'"),
        ({"score": {"is": "1", "missing": 0.1}}, "has no missing values in the data"),
        ({"target": 1}, "is the label of the table, not a column"),
    ],
)
def test_a_book_that_does_not_fit_the_table(columns, message):
    with pytest.raises(ConfigError, match=message):
        Rules(with_columns(**columns)).fit(mixed_table(), rng())


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"from": "normal", "mean": 0, "sd": "a - 5"}, "sd must be above 0, got -4"),
        ({"from": "uniform", "low": 3, "high": "a"}, "low must be below high in every row"),
        ({"from": "uniform", "low": 1, "high": "a"}, "low must be below high in every row"),
        ({"from": "uniform", "low": -1.7e308, "high": 1.7e308}, "its uniform overflows in some rows"),
        ({"from": "integers", "low": 3, "high": "a"}, "low must not be above high in any row"),
        ({"from": "integers", "low": "a / 2", "high": 3}, "low must be a whole number in every row"),
        ({"from": "integers", "low": 0, "high": 1e17}, "high must lie within"),
        ({"from": "poisson", "mean": 1e30}, "mean must lie within"),
        ({"from": "lognormal", "log_mean": 800, "log_sd": 1}, "its lognormal overflows in some rows"),
        ({"from": "sequence", "start": "'first'"}, "start must be a finite number in every row"),
        ({"from": "sequence", "step": 1.7e308}, "its sequence overflows in some rows"),
        ({"is": "if(a > 0, 'b', 'c')", "decimals": 2}, "and it holds none: leave decimals out"),
        ({"is": "a > 0", "decimals": 2}, "and it holds none: leave decimals out"),
        ({"from": "poisson", "mean": "log(0 - a)"}, "must be a finite number in every row"),
        ({"from": "choice", "values": [1, 2], "weights": [0, "a - 1"]}, "sum above 0 in every row"),
        ({"from": "data"}, "comes from the data, and there are none: fit first"),
    ],
)
def test_a_book_that_fails_while_drawing(told, message):
    with pytest.raises(ConfigError, match=message):
        Rules(with_columns(a=1, b=told)).generate(10, rng())


@pytest.mark.parametrize(
    ("book", "message"),
    [
        (with_events(hour="'late'"), "hour must be a finite number in every draw"),
        (with_events(hour="0 / 0"), "hour must be a finite number in every draw"),
        (with_events(activity="'often'"), "activity must be a finite number"),
        (with_events(start="9998-01-01", every=1e9), "must lie between the years 1 and 9999, 't' has one"),
        (with_events(activity="1.7e308"), "activity must be at least 0 and have a finite sum"),
        (with_events(scenarios={"s": {"weight": 1, "steps": [{"count": "'two'"}]}}), "count must be a finite number"),
        (with_events(scenarios={"s": {"weight": 1, "steps": [{"count": 3, "gap": "0 / 0"}]}}), "gap must be a finite"),
        (
            with_events(columns={"a": "'b'", "m": {"from": "mean_before", "of": "a"}}),
            "mean_before must be of a column of numbers, 'a' is text",
        ),
    ],
)
def test_a_world_that_fails_while_drawing(book, message):
    with pytest.raises(ConfigError, match=message):
        Rules(book).generate(30, rng())


@pytest.mark.parametrize(
    ("told", "law"),
    [
        ({"from": "normal", "mean": 2, "sd": 3}, stats.norm(2, 3)),
        ({"from": "lognormal", "log_mean": 1, "log_sd": 0.5}, stats.lognorm(0.5, scale=np.e)),
        ({"from": "uniform", "low": -1, "high": 4}, stats.uniform(-1, 5)),
        ({"from": "exponential", "mean": 400}, stats.expon(scale=400)),
        ({"from": "gamma", "shape": 4, "scale": 0.25}, stats.gamma(4, scale=0.25)),
        ({"from": "beta", "a": 1, "b": 24}, stats.beta(1, 24)),
    ],
)
def test_distributions(told, law):
    x = Rules(with_columns(x=told)).generate(2000, rng())["x"]
    assert stats.kstest(x, law.cdf).pvalue > 0.001


def test_discrete_distributions():
    book = with_columns(
        p={"from": "poisson", "mean": 3},
        i={"from": "integers", "low": 2, "high": 4},
        s={"from": "sequence", "start": 100, "step": 2},
        d={"from": "datetime", "start": "2024-01-01", "end": "2024-01-03"},
        c={"from": "choice", "values": ["a", "b"], "weights": [3, 1], "missing": 0.2},
    )
    frame = Rules(book).generate(4000, rng())
    assert abs(frame["p"].mean() - 3) < 0.15
    assert set(frame["i"]) == {2, 3, 4}
    assert frame["s"].tolist() == list(range(100, 8100, 2))
    assert frame["d"].between("2024-01-01", "2024-01-03").all()
    assert abs(frame["c"].isna().mean() - 0.2) < 0.03
    assert abs((frame["c"].dropna() == "a").mean() - 0.75) < 0.03


def test_decimals_and_gaps_of_numbers_that_have_none():
    told = {"low": 0, "high": 10**9, "decimals": 15, "missing": 0.2}
    book = with_columns(n={"from": "integers", **told}, far={"is": "10 ** 300", "decimals": 15})
    frame = Rules(book).generate(200, rng())
    assert 0.1 < frame["n"].isna().mean() < 0.3
    assert (frame["far"] == 1e300).all()


def test_moments_far_away_and_with_fractions():
    book = with_columns(far={"from": "datetime", "start": "2900-01-01", "end": "9999-12-31"}, part="far + 0.25")
    frame = Rules(book).generate(50, rng())
    assert (frame["far"] > "2900-01-01").all()
    assert (frame["part"] - frame["far"] == pd.Timedelta("250ms")).all()


def test_what_came_before_is_rounded_and_left_out_like_all_else():
    columns = {"x": {"from": "normal", "mean": 5, "sd": 1}, "m": {"from": "mean_before", "of": "x", "decimals": 1}}
    told = Rules(with_events(columns=columns)).generate(400, rng())["m"].dropna()
    np.testing.assert_array_equal(told, told.round(1))
    columns["m"] = {**columns["m"], "missing": 0.5}
    assert Rules(with_events(columns=columns)).generate(400, rng())["m"].isna().mean() > 0.5


def test_a_label_from_the_data_needs_data():
    table = mixed_table()
    book = {"columns": {name: 0.0 for name in table.schema.names if name not in ("merchant", "channel")}}
    book["columns"] |= {"merchant": {"is": "'travel'"}, "channel": {"is": "'web'"}}
    for label in ({"label": {"from": "data"}}, {"scenarios": {"all": {"weight": 1, "label": {"from": "data"}}}}):
        with pytest.raises(DataError, match="real rows"):
            Rules({**book, **label}).fit(table.take(np.arange(0)), rng())


def test_columns_have_the_type_of_what_they_hold_gaps_or_not():
    book = with_columns(
        count={"from": "poisson", "mean": 3, "missing": 0.2},
        vip={"from": "choice", "values": [True, False], "missing": 0.2},
        dear={"is": "count > 3 or vip", "missing": 0.2},
        held={"is": "if(count > 3, vip, true)", "missing": 0.2},
        price={"from": "normal", "mean": 0, "sd": 1, "missing": 0.2},
        opened={"from": "datetime", "start": "2024-01-01", "end": "2024-01-03", "missing": 0.2},
        closed="opened + 86400 * count",
        lasted="closed - opened",
        last="if(vip, max(opened, closed), opened)",
        name={"from": "choice", "values": ["a"], "missing": 0.2},
    )
    frame = Rules(book).generate(300, rng())
    kinds = {name: str(dtype).split("[")[0] for name, dtype in frame.dtypes.items()}
    dates, truths = (
        dict.fromkeys(("opened", "closed", "last"), "datetime64"),
        dict.fromkeys(("vip", "dear", "held"), "boolean"),
    )
    assert kinds == {
        "count": "Int64",
        "lasted": "float64",
        "price": "float64",
        "name": "str",
        "scenario": kinds["scenario"],
        **dates,
        **truths,
    }
    assert frame.drop(columns="scenario").isna().mean().gt(0.1).all()
    whole = frame.dropna()
    assert (whole["closed"] - whole["opened"]).dt.days.tolist() == whole["count"].tolist()
    known = frame.dropna(subset="vip")
    assert len(encode(infer(known, "vip"), known)) == len(known)  # the types are those that a table is read with


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("amount,card\n" + "12.5,4000123412341234\n" * 99, r"must hold keys and values.{0,250}$"),
        ("columns: {a: 1, a: 2}", "key 'a' is given twice.*line 1"),
        ("columns:\n  a: 1\n  a: 2\n", "key 'a' is given twice.*line 3"),
        ("columns: {a: &x [1, 1], b: *x}", "aliases are not read"),
        ("columns: &x {a: *x}", "aliases are not read"),
        ("columns: " + "[" * 2000, "nested too deeply"),
        ("columns: {a: " + "9" * 5000 + "}", "a value cannot be read"),
    ],
)
def test_yaml_that_is_refused(text, message, tmp_path):
    (tmp_path / "book.yaml").write_text(text)
    for read in (Rules, lambda path: load_config(RunConfig, path)):
        with pytest.raises(ConfigError, match=message):
            read(tmp_path / "book.yaml")


@pytest.mark.parametrize("classes", [(False, True), (0, 1)])
def test_boolean_labels_and_columns_fit_classes_of_truth(classes):
    frame = pd.DataFrame({"amount": np.arange(100.0), "label": np.array(classes)[np.arange(100) % 2]})
    schema = infer(frame, "label")
    amount = {"from": "uniform", "low": 0, "high": 99}
    for label in ({"is": "amount > 60"}, {"from": "choice", "values": [False, True]}, True):
        rules = Rules({"columns": {"amount": amount}, "label": label}).fit(encode(schema, frame), rng())
        assert len(rules.sample(Request(Region(), 1, 20), rng()).table) == 20
    with pytest.raises(ConfigError, match=r"the book gives 2\.0: use one of"):
        Rules({"columns": {"amount": amount}, "label": 2}).fit(encode(schema, frame), rng())
