"""What has been tried is not tried again, and what a cap makes alike is told."""

import json
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState
from small_runs import content, frame, write
from typer.testing import CliRunner

from experiments.cli.app import app
from experiments.config.reader import load_config
from experiments.run.inputs import gather
from experiments.tune import trial as tune_trial
from experiments.tune.config import TuneConfig
from experiments.tune.repeats import caps
from experiments.tune.trial import Lanes, Objective
from loop.errors import WeakspotError


def config_of(folder: Path, space: dict[str, object], **loop: object) -> TuneConfig:
    settings = content(write(folder, frame()), folder / "out", generations=1, **loop)
    return load_config(TuneConfig, None, {"sources": [settings.pop("data")], "space": space, **settings})


def objective(config: TuneConfig) -> Objective:
    inputs = gather(config.sources[0], config.loop)
    return Objective(config, [Lanes(inputs.train, inputs.folds)])


def study_with(*params: dict[str, object]) -> optuna.Study:
    study = optuna.create_study(directions=["maximize", "minimize"])
    for each in params:
        study.enqueue_trial(each)
    return study


def test_the_same_configuration_has_the_answer_of_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = config_of(tmp_path, {"loop.strategy": ["targeted", "untargeted"]})
    runs = []
    real = tune_trial.run_loop
    monkeypatch.setattr(tune_trial, "run_loop", lambda *told: runs.append(1) or real(*told))
    names = ["targeted", "untargeted", "untargeted", "targeted", "untargeted"]
    study = study_with(*({"loop.strategy": name} for name in names))
    study.optimize(objective(config), n_trials=5)
    assert len(runs) == 2 + 1  # the start is always run: the others are measured by it
    trials = study.trials
    assert [trial.user_attrs.get("same_as") for trial in trials] == [None, None, 1, None, 1]
    assert trials[2].values == trials[1].values == trials[4].values
    assert trials[2].user_attrs["scores"] == trials[1].user_attrs["scores"]


def test_budgets_that_a_cap_makes_alike_are_the_same(tmp_path: Path) -> None:
    config = config_of(tmp_path, {"loop.budget": {"low": 0.1, "high": 2.0}}, most_rows=20)
    study = study_with(*({"loop.budget": budget} for budget in (0.5, 0.9, 1.5, 0.1, 2.0)))
    study.optimize(objective(config), n_trials=5)
    assert [trial.user_attrs.get("same_as") for trial in study.trials] == [None, 0, 0, None, 0]
    assert np.ptp([trial.values[0] for trial in study.trials if trial.number != 3]) == 0


def test_what_failed_or_fell_behind_does_so_again_at_once(tmp_path: Path) -> None:
    space = {"loop.strategy": ["targeted", "guided"], "generator.name": ["neighbourhood", "resample"]}
    config = config_of(tmp_path, space)
    broken = {"loop.strategy": "guided", "generator.name": "resample"}
    study = study_with(broken, broken)
    study.optimize(objective(config), n_trials=2, catch=(WeakspotError,))
    first, second = study.trials
    assert (first.state, second.state) == (TrialState.FAIL, TrialState.FAIL)
    assert second.user_attrs["error"] == first.user_attrs["error"]
    assert second.user_attrs["same_as"] == 0


def test_a_search_counts_what_it_repeats_and_says_what_is_capped(tmp_path: Path) -> None:
    settings = content(write(tmp_path, frame()), tmp_path / "out", generations=1, most_rows=10)
    space = {"loop.budget": [0.5, 1.0]}
    path = tmp_path / "tune.yaml"
    path.write_text(json.dumps({"sources": [settings.pop("data")], "space": space, "trials": 4, **settings}))
    result = CliRunner().invoke(app, ["tune", str(path)])
    assert result.exit_code == 0, result.output
    assert "loop.most_rows caps a generation at 10 rows" in result.stdout
    assert "the same as trial 0, not tried again" in result.stdout
    assert json.loads(result.stdout.splitlines()[-1])["repeated"] >= 1
    alone = CliRunner().invoke(app, ["tune", str(path), "--json"])
    assert json.loads(alone.stdout)["trials"] == 4


def test_a_cap_beyond_all_budgets_is_not_told(tmp_path: Path) -> None:
    config = config_of(tmp_path, {"loop.budget": {"low": 0.1, "high": 2.0}})
    assert caps(config, [[168, 84]]) == []
    assert len(caps(config, [[16_800, 8_400]])) == 1
    assert caps(config_of(tmp_path, {"loop.pool": [2, 4]}), [[10**6]]) == []
