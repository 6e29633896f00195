"""Constraints: rules as a user writes them hold in every new row, and refusals carry the rule's own words."""

from collections import Counter
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from small_runs import content, frame, write, write_config

from experiments.config.constraints import checked, complaints, constraints, rule
from experiments.config.reader import dump, load_config
from experiments.config.run_config import RunConfig
from experiments.run.run import run
from loop.errors import ConfigError
from loop.testing.tables import MERCHANTS, mixed_table
from loop.types import Column, Schema, Table, Verdict


def judge(entries: list[object], table: Table, reference: Table | None = None) -> Verdict:
    gate = constraints([checked(entry) for entry in entries])
    nothing = table.take(np.arange(0))
    return gate.judge(table, nothing if reference is None else reference, np.random.default_rng(0))


def table_of(**columns: list[float]) -> Table:
    X = np.array(list(columns.values()), dtype=float).T
    schema = Schema(tuple(Column(name, "numeric", "float64", missing=True) for name in columns), ("no", "yes"))
    return Table.real(X, np.zeros(len(X)), schema)


def test_a_range() -> None:
    verdict = judge(["x >= 0 and x < 10"], table_of(x=[-1, 0, 9.99, 10]))
    assert verdict.keep.tolist() == [False, True, True, False]
    assert verdict.counts() == {"x >= 0 and x < 10": 2}


def test_an_order_of_columns_and_a_sum_within_a_tolerance() -> None:
    table = table_of(net=[1, 1, 5, 0.1], fee=[1, 2, 1, 0.2], total=[2.005, 2.5, 6, 0.3])
    sum_rule = "net + fee == total within 0.01"
    assert judge([sum_rule, "fee <= net"], table).reason.tolist() == ["", sum_rule, "", "fee <= net"]
    assert judge(["net + fee == total within 0"], table).keep.tolist() == [False, False, True, False]


def test_what_is_a_cent_off_is_within_a_cent() -> None:
    net = np.arange(1, 500) / 100
    assert judge(["net == total within 0.01"], table_of(net=net, total=np.round(net + 0.01, 2))).keep.all()
    assert not judge(["net == total within 0.01"], table_of(net=net, total=np.round(net + 0.02, 2))).keep.any()


def test_a_keyword_in_quotes_is_none() -> None:
    assert judge(["`a within b` > 0"], table_of(**{"a within b": [1, -1]})).keep.tolist() == [True, False]
    assert rule("shop != 'well within reach'").columns == {"shop"}


def test_the_first_broken_rule_is_the_reason_and_counts_add_up() -> None:
    verdict = judge(["x > 0", "x > 1", {"unique": "x"}], table_of(x=[0, 1, 2, 2, 3]))
    assert verdict.reason.tolist() == ["x > 0", "x > 1", "", "unique: x", ""]


def test_categories_booleans_and_dates_are_spelled_as_in_the_data() -> None:
    table = mixed_table()
    night, merchant, opened = (table.X[:, table.schema.names.index(name)] for name in ("night", "merchant", "opened"))
    cases = {
        "night == 1": night == 1,
        "night != true": night == 0,
        "merchant in ['travel', 'online']": np.isin(merchant, [1, 2]),
        "merchant != 'jewels'": merchant != MERCHANTS.index("jewels"),
        "opened < '2020-11-01'": opened < 1604188800,
        "not (night == 1 and merchant == 'travel')": ~((night == 1) & (merchant == 1)),
    }
    for text, expected in cases.items():
        np.testing.assert_array_equal(judge([text], table).keep, expected, err_msg=text)


def test_rows_in_which_a_named_value_is_missing_are_not_judged() -> None:
    table = table_of(x=[np.nan, 1, np.nan, np.nan], y=[1, np.nan, 1, -1])
    assert judge(["x > 2"], table).keep.tolist() == [True, False, True, True]
    assert judge(["not (x > 2)"], table).keep.all()
    assert judge(["x + y > 100"], table).keep.all()
    assert judge([{"unique": ["x", "y"]}], table).keep.all()


@settings(max_examples=60, deadline=None)
@given(
    made=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=12),
    real=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=6),
)
def test_what_stays_is_unique_and_what_goes_was_there(made: list[tuple[int, int]], real: list[tuple[int, int]]) -> None:
    candidates = table_of(x=[row[0] for row in made], y=[row[1] for row in made])
    reference = table_of(x=[row[0] for row in real], y=[row[1] for row in real])
    keep = judge([{"unique": ["x", "y"]}], candidates, reference).keep
    kept = [row for row, stays in zip(made, keep, strict=True) if stays]
    assert len(set(kept)) == len(kept)
    assert not set(kept) & set(real)
    assert set(kept) | set(real) == set(made) | set(real)


def test_a_refused_row_takes_no_unique_value_from_others() -> None:
    table = table_of(x=[1, 1], y=[-1, 1])
    assert judge(["y > 0", {"unique": "x"}], table).keep.tolist() == [False, True]


def test_real_rows_that_break_a_rule_are_counted() -> None:
    table = table_of(x=[1, 1, 2, -1])
    gate = constraints([checked(entry) for entry in ("x > 0", "x < 9", {"unique": "x"})])
    said = complaints(gate, table)
    assert [sentence.split(":")[0] for sentence in said] == ["constraint 'x > 0'", "constraint 'unique"]
    assert "1 of 4 real rows" in said[0]


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        (["x >"], ["x >", "character"]),
        (["1 < 2"], ["must name a column", "1 < 2"]),
        (["x < 1 within 0.1"], ["tolerance", "x < 1 within 0.1"]),
        (["x == 1 within ten"], ["tolerance"]),
        (["x == 1 within -1"], ["tolerance"]),
        (["x == within 1"], ["expected a value"]),
        (["x > 0 and x == 1 within 0.1"], ["'x > 0 and x' in", "true or false", "make two constraints"]),
        (["if(x > 0, true, x > 1) == 1 within 0.5"], ["true or false"]),
        (["x == not y within 0.1"], ["'not y'", "true or false"]),
        ([{"distinct": "x"}], ["unique: [card]", "distinct"]),
        ([{"unique": []}], ["unique"]),
        ([{"unique": ["x"], "or": 1}], ["must be"]),
        ([7], ["must be", "7"]),
        ("x > 0", ["must be a list", "x > 0"]),
        (None, ["must be a list"]),
    ],
)
def test_a_bad_entry_is_refused_before_any_work(entries: object, words: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(RunConfig, None, {"data.source": "simulation", "constraints": "" if entries is None else entries})
    assert all(word in str(caught.value) for word in words), caught.value


@pytest.mark.parametrize("entry", ["z > 0", {"unique": "z"}])
def test_an_unknown_column_and_one_excluded_are_named(entry: object) -> None:
    table = table_of(x=[1, 2])
    with pytest.raises(ConfigError, match=r"'z'.* is none: the columns are x"):
        judge([entry], table)
    aside = replace(table, schema=replace(table.schema, excluded=(("z", "constant"),)))
    with pytest.raises(ConfigError, match=r"excluded \(constant\)"):
        judge([entry], aside)


def test_a_rule_must_be_true_or_false() -> None:
    with pytest.raises(ConfigError, match="true or false"):
        judge(["x + 1"], table_of(x=[1]))


def test_truths_need_no_comparison() -> None:
    table = mixed_table(200)
    number = next(number for number, column in enumerate(table.schema.columns) if column.kind == "boolean")
    name, first = table.schema.columns[number].name, table.schema.columns[0].name
    vip = table.X[:, number] == 1
    known = ~np.isnan(table.X[:, [0, number]]).any(axis=1)
    assert 0 < vip.sum() < len(vip)
    assert judge([name], table).keep.tolist() == (vip | np.isnan(table.X[:, number])).tolist()
    chosen = judge([f"if({name}, {first} > 1e9, true)"], table).keep
    assert chosen.tolist() == (~vip | ~known).tolist()
    assert judge([f"{name} == 1"], table).keep.tolist() == judge([f"{name} == true"], table).keep.tolist()


def test_a_configuration_with_constraints_survives_being_written(tmp_path: Path) -> None:
    entries = ["amount >= 0", {"unique": "amount"}, {"unique": ["age", "shop"]}]
    config = load_config(RunConfig, None, {"data.source": "simulation", "constraints": entries})
    (tmp_path / "config.yaml").write_text(dump(config))
    assert load_config(RunConfig, tmp_path / "config.yaml") == config
    assert config.constraints[1] == {"unique": ["amount"]}


def test_a_run_makes_only_rows_that_obey(tmp_path: Path) -> None:
    rules = ["amount <= 60 or age < 60", "shop != 'toys'"]
    settings = content(write(tmp_path, frame()), tmp_path / "out", generations=1) | {"constraints": rules}
    console = Console(file=StringIO(), width=200)
    result = run(load_config(RunConfig, write_config(tmp_path, settings | {"arms": {"run": False}})), console)
    (generation,) = result.history
    rows = generation.rows
    amount, age, shop = (rows.X[:, rows.schema.names.index(name)] for name in ("amount", "age", "shop"))
    assert len(rows)
    assert ((amount <= 60) | (age < 60)).all()
    assert (shop != rows.schema.columns[rows.schema.names.index("shop")].categories.index("toys")).all()
    refused = Counter({text: generation.counts[f"refused: {text}"] for text in rules})
    assert min(refused.values()) > 0
    said = console.file.getvalue()  # type: ignore[attr-defined]
    assert said.count("real rows; they stay") == 2


def test_a_run_with_a_constraint_on_no_column_leaves_nothing_behind(tmp_path: Path) -> None:
    settings = content(write(tmp_path, frame()), tmp_path / "out") | {"constraints": ["amuont > 0"]}
    with pytest.raises(ConfigError, match="amuont"):
        run(load_config(RunConfig, write_config(tmp_path, settings)), Console(file=StringIO()))
    assert not (tmp_path / "out").exists()
