"""The script that runs in the environment of the peers: what it may import, and which labels it lets a way see."""

import ast
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tiny import rare_table

from experiments.benchmarks.labels.cells import LEARNERS
from experiments.benchmarks.labels.peers import worker
from experiments.benchmarks.labels.peers.exchange import PEER, write
from learners import ExtraTrees


def test_the_worker_stands_alone() -> None:
    tree = ast.parse(PEER.worker.read_text())
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    packages = {"numpy", "sklearn", "skactiveml", "modAL", "cleanlab"}
    assert {name.split(".")[0] for name in names} <= {*sys.stdlib_module_names, *packages}


def test_its_learner_has_the_settings_of_ours() -> None:
    ours, own = LEARNERS["extra trees"][0], worker.forest(3)
    assert isinstance(ours, ExtraTrees)
    settings = (own.n_estimators, own.min_samples_leaf, own.max_features, own.bootstrap, own.random_state)
    assert settings == (ours.trees, ours.min_leaf, ours.max_features, False, 3)


def test_a_way_sees_only_labels_that_were_bought(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table, seen = rare_table(60), []

    def last_ones(X: Any, y: Any, pool: Any, test: Any, n: int, state: int) -> tuple[Any, Any]:
        seen.append((X, y, pool, state))
        return test[:, 0], np.arange(len(pool) - n, len(pool))

    monkeypatch.setitem(worker.WAYS, "last ones", last_ones)
    arrays = {"train_X": table.X, "train_y": table.y, "pool": np.arange(20, 60), "test_X": table.X[:5]}
    write(arrays, {"way": "last ones", "batches": [4, 6, 1], "seed": 5}, tmp_path)
    worker.main("buy", tmp_path)
    rounds = json.loads((tmp_path / "buy.json").read_text())["rounds"]
    assert [each["bought"] for each in rounds] == [[56, 57, 58, 59], [50, 51, 52, 53, 54, 55], [49]]
    assert [each["known"] for each in rounds] == [20, 24, 30]
    known = np.arange(20)
    for each, (X, y, pool, _) in zip(rounds, seen, strict=True):
        np.testing.assert_array_equal(X, table.X[known])
        np.testing.assert_array_equal(y, table.y[known])
        np.testing.assert_array_equal(pool, table.X[np.setdiff1d(np.arange(60), known)])
        assert each["proba"] == pytest.approx(table.X[:5, 0])
        known = np.concatenate([known, each["bought"]])
    assert [state for *_, state in seen] == [5, 6, 7]


def test_cleanlab_gets_out_of_fold_probabilities(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table, asked = rare_table(150, noise=True), {}

    def find_label_issues(labels: Any, pred_probs: Any, **settings: Any) -> np.ndarray:
        asked.update(labels=labels, proba=pred_probs, settings=settings)
        return np.array([9, 2])

    fake = SimpleNamespace(find_label_issues=find_label_issues)
    monkeypatch.setitem(sys.modules, "cleanlab", SimpleNamespace(filter=fake))
    monkeypatch.setitem(sys.modules, "cleanlab.filter", fake)
    write({"X": table.X, "y": table.y}, {"seed": 1}, tmp_path)
    worker.main("check", tmp_path)
    answer = json.loads((tmp_path / "check.json").read_text())
    assert answer["listed"] == [9, 2]
    assert answer["proba"] == pytest.approx(asked["proba"][:, 1])
    np.testing.assert_array_equal(asked["labels"], table.y)
    assert set(asked["settings"]) == {"return_indices_ranked_by", "n_jobs"}, "which rows it lists is up to its defaults"
    positive = np.array(answer["proba"])[table.y == 1]
    assert positive.mean() < 0.25, "on noise a model that has seen the row would know its label"
