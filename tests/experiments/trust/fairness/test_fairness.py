"""Fairness towards groups: the guard, the aim, and the table by group against truths made by hand."""

import io
from dataclasses import replace

import numpy as np
import pytest
import yaml
from rich.console import Console
from small_runs import content, frame, write

from experiments.config.run_config import FairnessConfig, RunConfig
from experiments.config.strategies import compose
from experiments.run.inputs import gather, parts_of
from experiments.run.run import run
from experiments.trust.fairness.figures import Scores
from experiments.trust.fairness.groups import groups_of
from experiments.trust.fairness.guards import with_groups
from experiments.trust.fairness.record import fairness_record
from loop.cycle.acceptance import GroupGuard
from loop.errors import DataError
from loop.evaluation.judge_rows import JudgeRows
from loop.regions import ByClass, Groups, TreeFinder
from loop.types import Column, Schema, Table

SCHEMA = Schema(
    (
        Column("score", "numeric", "float64"),
        Column("sex", "categorical", "str", categories=("f", "m")),
        Column("staff", "boolean", "bool", missing=True),
    ),
    classes=("no", "yes"),
)


def table(n: int = 400, seed: int = 0) -> Table:
    """Half are positive; of the last tenth nobody knows whether they are staff."""
    rng = np.random.default_rng(seed)
    staff = np.where(np.arange(n) >= 0.9 * n, np.nan, np.arange(n) % 5 == 0)
    return Table.real(np.column_stack([rng.normal(size=n), np.arange(n) % 3 == 0, staff]), np.arange(n) % 2, SCHEMA)


def record(rows: Table, before: np.ndarray, after: np.ndarray, columns: tuple[str, ...], least: int = 10) -> dict:
    scores = {when: Scores(each, each, each) for when, each in (("before", before), ("after", after))}
    config = FairnessConfig(columns=columns, least=least)
    return fairness_record(config, JudgeRows.of(rows), rows, scores, np.random.default_rng(0))


def told(before: np.ndarray, after: np.ndarray, columns: tuple[str, ...] = ("sex", "staff"), least: int = 10) -> dict:
    return record(table(), before, after, columns, least)


def test_groups_fare_as_they_do():
    """The learner before knows the class of women only, the one after that of all."""
    rows = table()
    women = rows.X[:, 1] == 0
    result = told(np.where(women, rows.y, 0.0), rows.y.astype(float))
    groups = [group for group in result["groups"] if "," not in group["column"]]
    found = {(group["column"], group["group"]): group for group in groups}
    assert [group["group"] for group in groups] == ["f", "m", "missing", "False", "True"]
    assert found["sex", "f"]["rows"] == women.sum()
    assert found["sex", "m"]["positives"] == rows.y[~women].sum()
    assert (found["sex", "f"]["before"]["recall"], found["sex", "m"]["before"]["recall"]) == (1.0, 0.0)
    assert found["sex", "m"]["before"]["average_precision"] == pytest.approx(rows.y[~women].mean())
    right = {"average_precision": 1.0, "recall": 1.0, "false_positive_rate": 0.0}
    assert all(rates(group) == right for group in groups)
    assert all(group["after"]["alerts"] == group["positives"] / group["rows"] for group in groups)
    assert all(group["after"]["calibration"] == 0.0 for group in groups)
    assert all(0.5 < group["after"]["recall_low"] < 1.0 == group["after"]["recall_high"] for group in groups)
    assert result["group_gaps"]["sex"] == {"before": 1.0, "after": 0.0}


def test_a_group_without_a_class_has_no_rate_of_it():
    rows = table()
    rows = replace(rows, y=np.where(rows.X[:, 1] == 0, rows.y, 0))
    scores = rows.y.astype(float)
    (_, men) = record(rows, scores, scores, ("sex",))["groups"]
    assert rates(men) == {"average_precision": None, "recall": None, "false_positive_rate": 0.0}


def rates(group: dict) -> dict:
    return {name: group["after"][name] for name in ("average_precision", "recall", "false_positive_rate")}


def test_a_group_with_few_rows_to_catch_is_not_told():
    right = table().y.astype(float)
    assert told(right, right, columns=("staff",))["group_gaps"]
    few = told(right, right, columns=("staff",), least=1000)
    assert few["group_gaps"] == {}
    assert few["worst_group"]["after"] == {"answer": "too few"}
    for group in few["groups"]:
        assert {group["after"][name] for name in ("recall", "recall_low", "average_precision", "calibration")} == {None}
        assert group["after"]["alerts"] == group["positives"] / group["rows"]  # of these there are enough rows


def test_copies_of_one_case_are_one_case():
    """Twenty rows to catch of one card say as much as one."""
    rows = replace(table(), unit=np.where(table().X[:, 1] == 1, 7, np.arange(400)))
    (women, men) = record(rows, rows.y.astype(float), rows.y.astype(float), ("sex",))["groups"]
    assert women["after"]["recall"] == 1.0
    assert men["positives"] > 20
    assert men["after"]["recall"] is None


def test_pairs_of_values_are_groups_too():
    groups = groups_of(table(), ("sex", "staff"))
    pairs = [group for group in groups if len(group.columns) == 2]
    assert [group.name for group in pairs][:2] == ["sex, staff = f, missing", "sex, staff = f, False"]
    assert np.sum([group.inside for group in pairs], axis=0).tolist() == [1] * 400


def test_only_the_largest_pairs_are_groups():
    rng = np.random.default_rng(0)
    names = tuple(map(str, range(40)))
    columns = tuple(Column(name, "categorical", "str", categories=names) for name in ("one", "other"))
    rows = Table.real(rng.integers(40, size=(3000, 2)).astype(float), np.arange(3000) % 2, Schema(columns, ("a", "b")))
    groups = groups_of(rows, ("one", "other"))
    assert len(groups) == 80 + 200


def test_groups_are_guarded_and_aimed_at():
    parts = with_groups(compose(), FairnessConfig(columns=("sex", "staff")), table())
    assert parts.finder == Groups(("sex", "staff"))
    guards = [guard for guard in parts.acceptance.guards if isinstance(guard, GroupGuard)]
    assert [len(np.unique(guard.groups)) for guard in guards] == [2, 3]
    assert len(parts.acceptance.guards) == len(compose().acceptance.guards) + 2
    unaimed = with_groups(compose(), FairnessConfig(columns=("sex",), aim=False), table())
    assert isinstance(unaimed.finder, TreeFinder)
    classical = with_groups(compose("classical"), FairnessConfig(columns=("sex",)), table())
    assert isinstance(classical.supplies[0].finder, ByClass)


def test_harm_to_a_group_is_rolled_back():
    rows = table()
    parts = with_groups(compose(), FairnessConfig(columns=("sex",)), rows)
    fair = np.where(rows.y == 1, 0.6, 0.4) + 0.01 * np.random.default_rng(0).random(len(rows))
    harm = np.where(rows.X[:, 1] == 1, 0.45 + 0.1 * np.random.default_rng(1).random(len(rows)), fair)
    old, new = (np.column_stack([1 - p, p]) for p in (fair, harm))
    judged = JudgeRows.of(rows)
    lenient = replace(parts.acceptance, prior_mean=10.0, prior_sd=1e-6)  # would keep anything
    decision = lenient.decide(judged, old, new, np.random.default_rng(0))
    assert not decision.kept
    assert "worst group" in decision.reason
    assert lenient.decide(judged, old, old, np.random.default_rng(0)).kept


@pytest.mark.parametrize("column", ["score", "nobody"])
def test_columns_that_make_no_groups_are_refused(column):
    with pytest.raises(DataError, match="categorical or boolean columns"):
        with_groups(compose(), FairnessConfig(columns=(column,)), table())


def test_a_run_reports_its_groups(tmp_path):
    settings = content(write(tmp_path, frame(400)), tmp_path / "runs") | {"fairness": {"columns": ["shop", "abroad"]}}
    config = RunConfig.model_validate(settings)
    console = Console(width=160, record=True, file=io.StringIO())
    result = run(config, console)
    report = result.report
    assert report is not None
    assert {group["column"] for group in report.groups} == {"shop", "abroad", "shop, abroad"}
    assert sum(group["rows"] for group in report.groups) == 3 * report.data["test_rows"]
    terminal = " ".join(console.export_text().split())
    assert "shop = fuel" in terminal
    page = (result.folder / "report.html").read_text()
    assert "Each group, before and after" in page
    assert report.worst_in_words in page
    assert "worst on one half of the test rows, told on the other" in terminal
    again = yaml.safe_load((result.folder / "config.yaml").read_text())
    assert again["fairness"]["columns"] == ["shop", "abroad"]


def test_without_groups_nothing_changes(tmp_path):
    config = RunConfig.model_validate(content(write(tmp_path, frame()), tmp_path / "runs"))
    inputs = gather(config.data, config.loop)
    assert isinstance(parts_of(config, inputs.train).finder, TreeFinder)
