"""What makes MLflow's pages of a comparison readable: the same parameters and metrics on all children, names, times."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from rich.console import Console
from small_runs import content, frame, write

from experiments.compare.child_runs import short_names
from experiments.compare.compare import compare
from experiments.config.run_config import CompareConfig
from experiments.run.tracking import short_name
from loop.tracking.uplink import quiet

PARAMS = {"arm", "strategy", "seed", "source", "generator", "budget", "learner"}
METRICS = {
    *("test_average_precision", "test_recall_at_fpr_01", "test_brier", "test_gain_over_real_only"),
    *("test_gain_over_best_plain", "seconds_fit", "seconds_per_million", "megabytes"),
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, list[Any], Any]:
    """Two strategies on two tables; the rows, MLflow's runs and its experiment."""
    place = tmp_path_factory.mktemp("comparison")
    uri = f"sqlite:///{place / 'mlflow.db'}"
    tracking = {"tracking_uri": uri, "artifact_root": str(place / "artifacts"), "registered_model": None}
    (place / "mlflow.yaml").write_text(yaml.safe_dump(tracking))
    settings = content(write(place, frame()), place / "out", generations=1)
    data = settings.pop("data")
    assert isinstance(data, dict)
    other = data | {"source": str(write(place, frame(seed=1), "other.csv"))}
    arms = {"tuning": False, "plain": True, "plain_seconds": 1e-9}
    settings |= {"sources": [data, other], "strategies": ["targeted", "doubt"], "seeds": [0], "arms": arms}
    config = CompareConfig.model_validate(settings | {"tracking": str(place / "mlflow.yaml")})
    rows = compare(config, Console(quiet=True))
    with quiet():
        from mlflow import MlflowClient

        client = MlflowClient(uri)
        experiment = client.get_experiment_by_name("weakspot")
        return rows, list(client.search_runs([experiment.experiment_id])), experiment


def children(runs: list[Any]) -> list[Any]:
    return [run for run in runs if "mlflow.parentRunId" in run.data.tags]


def test_every_child_has_what_charts_are_drawn_of(results: tuple[pd.DataFrame, list[Any], Any]) -> None:
    rows, runs, experiment = results
    kids = children(runs)
    assert len(kids) == len(rows) == len(runs) - 1
    assert len({run.info.run_name for run in kids}) == len(kids)
    for run in kids:
        assert set(run.data.params) == PARAMS
        assert set(run.data.metrics) >= METRICS
        assert len(run.data.metrics) <= 20
        assert not any("/" in name for name in run.data.metrics)
        assert run.info.run_name == f"{run.data.params['source']} · {run.data.params['arm']} · seed 0"
        tables = {each.dataset.name: json.loads(each.dataset.profile) for each in run.inputs.dataset_inputs}
        assert set(tables) == {f"{run.data.params['source']} {part}" for part in ("train", "test")}
        assert sum(each["num_rows"] for each in tables.values()) == 240
        took = run.info.end_time - run.info.start_time
        assert took == int(1000 * run.data.metrics["seconds_fit"])
    assert {run.data.params["source"] for run in kids} == {"table", "other"}
    loops = {run.data.params["strategy"] for run in kids if run.data.params["arm"].startswith("loop: ")}
    assert loops == {"targeted", "doubt"}
    assert experiment.tags["mlflow.experimentKind"] == "custom_model_development"


def test_gains_are_differences_on_the_same_split(results: tuple[pd.DataFrame, list[Any], Any]) -> None:
    _rows, runs, _ = results
    by_name = {(run.data.params["source"], run.data.params["arm"]): run.data.metrics for run in children(runs)}
    for (source, _arm), metrics in by_name.items():
        for rival in ("real only", "best plain"):
            expected = metrics["test_average_precision"] - by_name[source, rival]["test_average_precision"]
            np.testing.assert_allclose(metrics[f"test_gain_over_{rival.replace(' ', '_')}"], expected, atol=1e-12)


def test_the_parent_says_what_is_best_on_which_source(results: tuple[pd.DataFrame, list[Any], Any]) -> None:
    rows, runs, _ = results
    (parent,) = [run for run in runs if run not in children(runs)]
    assert parent.info.run_name == "compare · table, other · 2 strategies · 1 seed"
    note = parent.data.tags["mlflow.note.content"]
    lead = note.partition("\n")[0]
    own = rows[~rows["arm"].isin(["best plain", "delivered"])]
    for source, scores in own.groupby("source"):
        best = scores.sort_values("average_precision").iloc[-1]
        assert f"{short_name(str(source))}: " in lead
        assert f"({best['average_precision']:.3f})" in lead
    assert parent.data.tags["verdict"].startswith("No difference proven between loop: targeted and best plain")
    assert parent.data.tags["verdict"] in note
    assert "| loop: doubt |" in note
    tables = {each.dataset.name: json.loads(each.dataset.profile) for each in parent.inputs.dataset_inputs}
    assert set(tables) == {f"{source} {part}" for source in ("table", "other") for part in ("train", "test")}
    assert all(each["num_positives"] < each["num_rows"] for each in tables.values())
    assert 3 <= len(parent.data.metrics) <= 12
    assert {"strategy", "seed", "source", "generator", "budget", "learner"} <= set(parent.data.params)


def test_sources_have_short_names_that_differ() -> None:
    told = short_names(["a/table.csv", "b/table.csv", "suite:oil", "simulation:days=3", "table.csv (test_size=0.4)"])
    assert len(set(told.values())) == 5
    assert told["suite:oil"] == "oil"
    assert told["simulation:days=3"] == "simulation"
