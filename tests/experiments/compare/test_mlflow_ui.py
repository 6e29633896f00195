"""A comparison in MLflow's own pages, in a browser: the parent, its children, and the curves of the loops."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import mlflow
import pytest
import yaml
from mlflow_serving import free_port, mlflow_server
from rich.console import Console
from small_runs import content, frame, write

from experiments.compare.compare import compare
from experiments.config.run_config import CompareConfig
from loop.tracking import MlflowSettings, runs_page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--window-size=1500,1000"),
    *("--virtual-time-budget=30000", "--dump-dom"),
)
SEEDS = (0,)

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Run a small comparison; return the database that holds it."""
    place = tmp_path_factory.mktemp("ui")
    uri = f"sqlite:///{place / 'mlflow.db'}"
    tracking = {"tracking_uri": uri, "artifact_root": str(place / "artifacts"), "registered_model": None}
    (place / "mlflow.yaml").write_text(yaml.safe_dump(tracking))
    settings = content(write(place, frame()), place / "out")
    data = settings.pop("data")
    settings |= {"sources": [data], "strategies": ["targeted"], "seeds": SEEDS, "tracking": str(place / "mlflow.yaml")}
    compare(CompareConfig.model_validate(settings), Console(quiet=True))
    return uri


@pytest.fixture(scope="module")
def address(store: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the database as ``weakspot ui`` does."""
    with mlflow_server(free_port(), tmp_path_factory.mktemp("server"), store) as served:
        yield served


def shown(url: str, profile: Path) -> str:
    command = [str(CHROMIUM), *OPTIONS, f"--user-data-dir={profile}", url]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


def test_a_comparison_is_a_parent_with_children_and_curves(store: str, address: str, tmp_path: Path) -> None:
    client = mlflow.MlflowClient(store)
    (experiment,) = [each for each in client.search_experiments() if each.name == "weakspot"]
    runs = client.search_runs([experiment.experiment_id])
    (parent,) = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    loop = next(run for run in runs if run.data.tags.get("arm") == "loop: targeted")
    table = f"{address}/#/experiments/{experiment.experiment_id}/runs"
    everything = shown(table, tmp_path / "profile")
    assert parent.info.run_name in everything
    assert f"<strong>{len(runs)}</strong> matching" in everything  # children are folded under their parent
    only_smote = quote('tags.arm = "SMOTE"')
    filtered = shown(f"{table}?searchFilter={only_smote}", tmp_path / "profile")
    assert f"<strong>{len(SEEDS) + 1}</strong> matching" in filtered  # MLflow counts their parent, too
    page = shown(f"{table}/{loop.info.run_id}/model-metrics", tmp_path / "profile")
    assert loop.info.run_name in page
    words = re.sub(r"<!--.*?-->|<[^>]+>", "", page)
    assert re.search(r"Model metrics\s*\([1-9]\d?\)", words)  # charts, of a number that one can look through
    assert len(client.get_metric_history(loop.info.run_id, "judge_average_precision")) > 1


def test_the_page_says_at_once_what_is_best_and_opens_on_runs(store: str, address: str, tmp_path: Path) -> None:
    client = mlflow.MlflowClient(store)
    settings = MlflowSettings(store)
    page = shown(runs_page(settings, address), tmp_path / "profile")
    assert "matching runs" in page  # not MLflow's view of chats
    (experiment,) = [each for each in client.search_experiments() if each.name == "weakspot"]
    runs = client.search_runs([experiment.experiment_id])
    (parent,) = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    base = f"{address}/#/experiments/{experiment.experiment_id}/runs/{parent.info.run_id}"
    words = re.sub(r"<!--.*?-->|<[^>]+>", "", shown(f"{base}?workflowType=machine_learning", tmp_path / "other"))
    assert f"Best on average, {parent.data.tags['best']}" in words


def test_the_charts_that_compare_children_are_not_empty(store: str, address: str, tmp_path: Path) -> None:
    client = mlflow.MlflowClient(store)
    (experiment,) = [each for each in client.search_experiments() if each.name == "weakspot"]
    runs = client.search_runs([experiment.experiment_id], "params.arm LIKE '%'")
    listed = quote(json.dumps([run.info.run_id for run in runs]))
    page = shown(f"{address}/#/compare-runs?runs={listed}&experiments={quote(json.dumps(['1']))}", tmp_path / "profile")
    assert f"Comparing {len(runs)} Runs" in page
    drawn = page[page.index("parcoords") :]  # Plotly's drawing, then the table
    for word in ("arm", "test_average_precision", "loop: targeted"):
        assert word in drawn
    assert all(run.info.run_name in page for run in runs)
