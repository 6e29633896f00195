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
from experiments.run.fairness import by_group, gaps, with_groups
from experiments.run.inputs import gather, parts_of
from experiments.run.run import run
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


def told(before: np.ndarray, after: np.ndarray, columns: tuple[str, ...] = ("sex", "staff")) -> list[dict]:
    rows = table()
    scores = {"before": before, "after": after}
    return by_group(FairnessConfig(columns=columns), JudgeRows.of(rows), rows, scores, scores)


def test_groups_fare_as_they_do():
    """The learner before knows the class of women only, the one after that of all."""
    rows = table()
    women = rows.X[:, 1] == 0
    groups = told(np.where(women, rows.y, 0.0), rows.y.astype(float))
    found = {(group["column"], group["group"]): group for group in groups}
    assert [group["group"] for group in groups] == ["f", "m", "missing", "False", "True"]
    assert found["sex", "f"]["rows"] == women.sum()
    assert found["sex", "m"]["positives"] == rows.y[~women].sum()
    assert (found["sex", "f"]["before"]["recall"], found["sex", "m"]["before"]["recall"]) == (1.0, 0.0)
    assert found["sex", "m"]["before"]["average_precision"] == pytest.approx(rows.y[~women].mean())
    assert all(
        group["after"] == {"average_precision": 1.0, "recall": 1.0, "false_positive_rate": 0.0} for group in groups
    )
    assert gaps(groups, least=10)["sex"] == {"before": 1.0, "after": 0.0}


def test_a_group_without_a_class_has_no_rate_of_it():
    rows = table()
    rows = replace(rows, y=np.where(rows.X[:, 1] == 0, rows.y, 0))
    scores = dict.fromkeys(("before", "after"), rows.y.astype(float))
    (_, men) = by_group(FairnessConfig(columns=("sex",)), JudgeRows.of(rows), rows, scores, scores)
    assert men["after"] == {"average_precision": None, "recall": None, "false_positive_rate": 0.0}


def test_small_groups_make_no_gap():
    groups = told(np.zeros(400), np.ones(400), columns=("staff",))
    assert gaps(groups, least=10)
    assert gaps(groups, least=1000) == {}


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
    assert {group["column"] for group in report.groups} == {"shop", "abroad"}
    assert sum(group["rows"] for group in report.groups) == 2 * report.data["test_rows"]
    assert "shop = fuel" in console.export_text()
    assert "Each group, before and after" in (result.folder / "report.html").read_text()
    again = yaml.safe_load((result.folder / "config.yaml").read_text())
    assert again["fairness"]["columns"] == ["shop", "abroad"]


def test_without_groups_nothing_changes(tmp_path):
    config = RunConfig.model_validate(content(write(tmp_path, frame()), tmp_path / "runs"))
    inputs = gather(config.data, config.loop)
    assert isinstance(parts_of(config, inputs.train).finder, TreeFinder)
