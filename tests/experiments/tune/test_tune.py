"""A search over the loop's choices: begun with what stands, shared, resumed, and blind to the test rows."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import TrialState, create_trial
from rich.console import Console
from small_runs import content, frame, write

from experiments.arms.names import PLAIN_KINDS, REAL_ONLY
from experiments.config.reader import load_config
from experiments.config.run_config import RunConfig
from experiments.run.inputs import RunInputs, gather
from experiments.run.run import run
from experiments.run.verdict import NOTE
from experiments.tune import sealed_test
from experiments.tune import trial as tune_trial
from experiments.tune import tune as module
from experiments.tune.config import TuneConfig
from experiments.tune.report import changes_in_words, front_in_markdown, headline, started, winner
from experiments.tune.sealed_test import open_test
from experiments.tune.space import CAPACITY, COMMON, Choices, Range, default_space, read_dimension
from experiments.tune.study import (
    enqueue_start,
    fail_stale,
    finished,
    how_workers_died,
    open_study,
    place_of,
    work_side_by_side,
)
from experiments.tune.trial import PLACE, Lanes, Objective, behind
from experiments.tune.tune import tune
from loop.cycle.driver import LoopRun, run_loop
from loop.errors import ConfigError, DataError, WeakspotError
from loop.tracking.jsonl import read_records
from loop.types import Interval, Schema, Table

SPACE: dict[str, object] = {"loop.budget": {"low": 0.2, "high": 1.0}, "loop.strategy": ["targeted", "untargeted"]}
CONFIGS = Path(__file__).parents[3] / "experiments" / "configs"


def quiet_console() -> Console:
    return Console(file=StringIO(), width=150)


def search_of(place: Path, **changes: object) -> dict[str, object]:
    settings = content(write(place, frame()), place / "out", generations=1)
    return {"sources": [settings.pop("data")], "space": SPACE, "trials": 3, **settings, **changes}


def config_of(place: Path, **changes: object) -> TuneConfig:
    return load_config(TuneConfig, None, search_of(place, **changes))


def study_of(config: TuneConfig) -> optuna.Study:
    (folder,) = config.out.iterdir()
    return open_study(config, folder, folder.name.removeprefix("tune-"))


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> TuneConfig:
    return config_of(tmp_path_factory.mktemp("tune"))


@pytest.fixture(scope="module")
def result(config: TuneConfig) -> module.Headline:
    return tune(config, quiet_console())


class TestSearch:
    def test_the_configuration_as_it_stands_is_trial_0(self, result: module.Headline, config: TuneConfig) -> None:
        first = study_of(config).trials[0]
        assert config.values(first.params) == config.start == {"loop.budget": 0.5, "loop.strategy": "targeted"}
        assert result["default_judge"] == round(first.values[0], 4)

    def test_the_winner_is_never_worse_on_judge_rows(self, result: module.Headline) -> None:
        assert result["best_judge"] >= result["default_judge"]
        assert (result["trials"], result["pruned"]) == (3, 0)

    def test_the_tables_of_search_and_trials_have_counts(self, result: module.Headline, config: TuneConfig) -> None:
        (folder,) = config.out.iterdir()
        told = [each for each in read_records(folder / "journal") if each["kind"] in ("start", "child")]
        rows = len(gather(config.sources[0], config.loop).train)
        assert len(told) >= 4
        for record in told:
            assert [each["profile"]["num_rows"] for each in record["datasets"]] == [rows]

    def test_its_page_says_which_trial_won_and_every_trial_what_it_changes(
        self, result: module.Headline, config: TuneConfig
    ) -> None:
        (folder,) = config.out.iterdir()
        records = list(read_records(folder / "journal"))
        study = study_of(config)
        best = winner(study, config)
        tags = {name: text for each in records if each["kind"] == "tags" for name, text in each["values"].items()}
        assert tags["best"].startswith(f"trial {best.number} ({best.values[0]:.3f}); changes: ")
        assert front_in_markdown(study, config, best) in tags[NOTE]
        changes = [each["tags"]["changes"] for each in records if each["kind"] == "child"]
        assert changes[0] == "none"
        first = next(each for each in records if each["kind"] == "child")
        assert next(iter(first["metrics"])) == "judge_average_precision"  # what MLflow's comparison draws unasked
        assert {"budget", "strategy"} < set(first["params"])
        assert not {"loop.budget", "loop.strategy"} & set(first["params"])  # an axis each, not two
        assert sorted(changes) == sorted(changes_in_words(each, config) for each in study.trials)

    def test_optimism_is_what_the_test_rows_do_not_bear_out(self, result: module.Headline) -> None:
        judged = result["best_judge"] - result["default_judge"]
        assert result["optimism"] == pytest.approx(judged - result["test_gain"], abs=2e-4)

    def test_the_winner_is_a_configuration_that_runs(
        self, result: module.Headline, config: TuneConfig, tmp_path: Path
    ) -> None:
        (folder,) = config.out.iterdir()
        won = load_config(RunConfig, folder / "winner.yaml", {"out": str(tmp_path), "arms.run": False})
        assert run(won, quiet_console()).status == "finished"

    def test_a_trial_repeats_to_the_digit(self, result: module.Headline, config: TuneConfig) -> None:
        inputs = gather(config.sources[0], config.loop)
        again = optuna.create_study(directions=["maximize", "minimize"])
        trials = study_of(config).trials
        for trial in trials:
            again.enqueue_trial(trial.params)
        again.optimize(Objective(config, [Lanes(inputs.train, inputs.folds)]), n_trials=len(trials))
        assert [each.values[0] for each in again.trials] == [each.values[0] for each in trials]

    def test_more_trials_go_on_with_the_same_study(self, result: module.Headline, config: TuneConfig) -> None:
        before = [trial.datetime_complete for trial in study_of(config).trials]
        more = tune(config.model_copy(update={"trials": 5}), quiet_console())
        after = study_of(config).trials
        assert more["trials"] == len(after) == 5
        assert [trial.datetime_complete for trial in after[:3]] == before
        (folder,) = config.out.iterdir()
        children = [each["name"] for each in read_records(folder / "journal") if each["kind"] == "child"]
        assert sorted(children) == [f"trial {number}" for number in range(5)]  # each recorded once


def test_where_the_start_wins_the_test_rows_stay_sealed(
    config: TuneConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = config.model_copy(update={"out": tmp_path, "trials": 1})
    monkeypatch.setattr(module, "gather", lambda *args: replace(gather(*args), test=Sealed()))
    assert tune(elsewhere, quiet_console())["test_gain"] == 0


@pytest.mark.slow
def test_two_workers_share_one_study(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = config_of(tmp_path, trials=4, storage=f"sqlite:///{tmp_path / 'elsewhere.db'}")
    result = tune(config, quiet_console(), workers=2)
    trials = study_of(config).trials
    assert 4 <= len(trials) <= 5
    assert {trial.state for trial in trials} == {TrialState.COMPLETE}
    assert result["trials"] == len(trials)
    assert len({str(trial.params) for trial in trials}) == len(trials)  # workers draw differently
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == result


def test_a_rule_that_a_trial_breaks_is_that_trials_failure(tmp_path: Path) -> None:
    space = {"loop.strategy": ["targeted", "guided"], "generator.name": ["neighbourhood", "resample"]}
    config = config_of(tmp_path, space=space, generator={"name": "neighbourhood"}, trials=6)
    assert tune(config, quiet_console())["trials"] == 6
    trials = study_of(config).trials
    failed = [trial for trial in trials if trial.state == TrialState.FAIL]
    assert {trial.params["loop.strategy"] for trial in failed} == {"guided"}
    assert all("steer needs a generator" in trial.user_attrs["error"] for trial in failed)
    assert any(trial.state == TrialState.COMPLETE for trial in trials[1:])


def test_a_start_that_breaks_a_rule_ends_the_search(tmp_path: Path) -> None:
    config = config_of(tmp_path, loop={"strategy": "guided", "generations": 1}, generator={"name": "resample"})
    with pytest.raises(ConfigError, match="steer needs a generator"):
        tune(config, quiet_console())


class Sealed:
    """Test rows that must not be looked at."""

    def __getattribute__(self, name: str) -> object:
        raise AssertionError(f"the search asked the test rows for {name}")

    def __len__(self) -> int:
        raise AssertionError("the search counted the test rows")


def test_test_rows_never_reach_the_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With test rows that bite, all trials finish; the first touch is that of the report on a better winner."""
    config = config_of(tmp_path)

    def sealed(*args: object) -> RunInputs:
        return replace(gather(*args), test=Sealed())  # type: ignore[arg-type]

    monkeypatch.setattr(module, "gather", sealed)
    monkeypatch.setattr(module, "winner", lambda study, _: study.trials[1])
    with pytest.raises(AssertionError, match="test rows"):
        tune(config, quiet_console())
    assert {trial.state for trial in study_of(config).trials} == {TrialState.COMPLETE}
    assert len(study_of(config).trials) == 3


def test_ctrl_c_keeps_what_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config, console, calls = config_of(tmp_path), quiet_console(), iter(range(3))

    def interrupted(*args: object) -> LoopRun:
        if next(calls) == 2:
            raise KeyboardInterrupt
        return run_loop(*args)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(tune_trial, "run_loop", interrupted)
        with pytest.raises(KeyboardInterrupt):
            tune(config, console)
    assert "2 trials are kept" in console.file.getvalue()  # type: ignore[attr-defined]
    assert not list(config.out.rglob("done.json"))
    assert tune(config, quiet_console())["trials"] == 3  # the one that was under way does not count
    assert [trial.state.name for trial in study_of(config).trials] == ["COMPLETE", "COMPLETE", "FAIL", "COMPLETE"]


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise")
def test_a_killed_worker_is_told_from_one_that_met_an_error(tmp_path: Path) -> None:
    def kill() -> None:
        for process in multiprocessing.active_children():
            process.kill()

    with pytest.raises(WeakspotError, match="2 of 2 died by signal 9: give them more memory or start fewer; run"):
        work_side_by_side(config_of(tmp_path), [], tmp_path, "any", 2, None, kill)
    assert "1 of 3 died with exit code 1: fix the error shown above; run" in how_workers_died([1], 3)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise")
def test_a_ctrl_c_that_is_swallowed_where_it_strikes_ends_the_search_all_the_same(tmp_path: Path) -> None:
    def swallow() -> None:
        with suppress(KeyboardInterrupt):  # as Python does in finalisers
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.01)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        work_side_by_side(config_of(tmp_path), [], tmp_path, "any", 1, None, swallow)
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise")
def test_ctrl_c_ends_workers_too(tmp_path: Path) -> None:
    config = config_of(tmp_path, trials=500)
    (tmp_path / "search.json").write_text(json.dumps(search_of(tmp_path, trials=500)))
    code = (
        "import json; from pathlib import Path; from rich.console import Console\n"
        "from experiments.tune.tune import tune; from experiments.tune.config import TuneConfig\n"
        "if __name__ == '__main__':\n"
        "    tune(TuneConfig(**json.loads(Path('search.json').read_text())), Console(), workers=2)\n"
    )
    (tmp_path / "search.py").write_text(code)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3]), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "search.py"]
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True) as process:
        lines = iter(process.stdout or ())
        next(line for line in lines if line.startswith("trial 2"))
        process.send_signal(signal.SIGINT)
        said = "".join(lines)
    assert process.returncode != 0
    assert "the same command goes on with them" in said
    study = study_of(config)
    assert len(finished(study)) >= 3
    assert TrialState.RUNNING not in {trial.state for trial in study.trials}
    assert len(study.trials) - len(finished(study)) <= 2  # those that were under way


def test_a_trial_that_falls_behind_ends_and_keeps_its_numbers(config: TuneConfig) -> None:
    """Among finished trials of impossible scores every other trial is behind, but never the start."""
    study = optuna.create_study(directions=["maximize", "minimize"])
    for _ in range(config.prune_after):
        study.add_trial(create_trial(values=[2.0, 1.0], user_attrs={"running": {"1.1": 2.0}}))
    for budget in (0.5, 0.6):
        study.enqueue_trial({"loop.budget": budget, "loop.strategy": "targeted"})
    inputs = gather(config.sources[0], config.loop)
    study.optimize(Objective(config, [Lanes(inputs.train, inputs.folds)]), n_trials=2)
    start, other = study.trials[-2:]
    assert (start.state, other.state) == (TrialState.COMPLETE, TrialState.PRUNED)
    assert 0 < other.user_attrs["running"]["1.1"] < 2
    assert other.user_attrs["seconds"] > 0


def test_behind_is_below_the_median_of_enough_others() -> None:
    assert behind(0.4, [0.3, 0.5, 0.6], 3)
    assert not behind(0.5, [0.3, 0.5, 0.6], 3)
    assert not behind(0.0, [0.3, 0.5], 3)


def test_the_winner_is_the_best_that_is_not_too_dear(config: TuneConfig) -> None:
    study = optuna.create_study(directions=["maximize", "minimize"])
    one = config.model_copy(update={"space": {"loop.budget": SPACE["loop.budget"]}})
    distribution = {"loop.budget": FloatDistribution(0.2, 1.0)}
    for budget, score, seconds in ((0.5, 0.6, 10.0), (0.6, 0.9, 20.1), (0.7, 0.8, 20.0), (0.8, 0.8, 15.0)):
        values, attributes = [score, seconds], {"running": {}, "seconds": seconds}
        study.add_trial(
            create_trial(
                params={"loop.budget": budget}, distributions=distribution, values=values, user_attrs=attributes
            )
        )
    fresh = TuneConfig.model_validate(one.model_dump(mode="json"))
    assert winner(study, fresh).number == 3
    assert winner(study, fresh.model_copy(update={"most_cost": 1.0})).number == 0


def of_two_trials(config: TuneConfig, second: float) -> tuple[optuna.Study, TuneConfig]:
    """A study of a start that scored 0.6 and of another trial, cheaper, with its configuration."""
    study = optuna.create_study(directions=["maximize", "minimize"])
    distribution = {"loop.budget": FloatDistribution(0.2, 1.0)}
    for budget, score, seconds in ((0.5, 0.6, 10.0), (0.6, second, 4.0)):
        values, attributes = [score, seconds], {"running": {}, "seconds": seconds}
        params = {"loop.budget": budget}
        study.add_trial(create_trial(params=params, distributions=distribution, values=values, user_attrs=attributes))
    one = config.model_copy(update={"space": {"loop.budget": SPACE["loop.budget"]}})
    return study, TuneConfig.model_validate(one.model_dump(mode="json"))


@pytest.mark.parametrize(("positives", "word"), [(19, "No proven gain"), (20, "Proven gain")])
def test_few_test_rows_of_a_class_prove_nothing(
    config: TuneConfig, positives: int, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, fresh = of_two_trials(config, 0.7)
    levels: list[float] = []

    def difference(before: object, after: object, inputs: object, seed: int, level: float) -> Interval:
        levels.append(level)
        return Interval(0.5, 0.2, 0.8)

    monkeypatch.setattr(sealed_test, "_looped", lambda *_: None)
    monkeypatch.setattr(sealed_test, "_difference", difference)
    y = np.repeat([0, 1], [100, positives])
    inputs = SimpleNamespace(test=Table.real(np.zeros((len(y), 1)), y, Schema((), ("no", "yes"))))
    found = (started(study, fresh), winner(study, fresh))
    optimism = open_test(study, fresh, [inputs] * len(fresh.sources), *found)  # type: ignore[list-item]
    assert optimism.sentences[0].startswith(f"{word} of the winner over the start")
    assert levels == pytest.approx([1 - 0.05 / len(levels)] * len(fresh.sources))  # each source is one evaluation
    study.set_user_attr(sealed_test.OPENED, [77])  # a winner of before: twice as many evaluations
    again = open_test(study, fresh, [inputs] * len(fresh.sources), *found)  # type: ignore[list-item]
    assert levels[-1] == pytest.approx(1 - 0.05 / (2 * len(fresh.sources)))
    assert f"corrected for {2 * len(fresh.sources)} evaluations of test rows" in again.sentences[0]


def test_a_tie_with_the_start_opens_no_test_rows(config: TuneConfig) -> None:
    study, fresh = of_two_trials(config, 0.6)
    best = winner(study, fresh)
    assert best.number == 0
    optimism = open_test(study, fresh, [], best, best)  # without any inputs, so nothing can be opened
    assert optimism.test_gain == 0
    assert "stay sealed" in optimism.sentences[0]


def test_the_front_is_a_table_with_the_winner_in_bold(config: TuneConfig) -> None:
    study, fresh = of_two_trials(config, 0.7)
    table = front_in_markdown(study, fresh, winner(study, fresh)).splitlines()
    assert table[2:] == [
        "| **1** | **winner** | **0.7000** | **4.0** | **budget 0.6** |",
        "| 0 | start | 0.6000 | 10.0 | none |",
    ]


def test_the_winner_is_compared_with_the_best_plain_model(config: TuneConfig) -> None:
    study, fresh = of_two_trials(config, 0.7)
    arms = fresh.arms.model_copy(update={"plain": True, "plain_seconds": 1e-9})  # the learner and one kind
    fresh = fresh.model_copy(update={"arms": arms})
    inputs = gather(fresh.sources[0], fresh.loop)
    optimism = open_test(study, fresh, [inputs], started(study, fresh), winner(study, fresh))
    (gain,) = optimism.gains
    assert gain.sentence in optimism.sentences
    assert gain.against in (*PLAIN_KINDS, REAL_ONLY)
    assert optimism.over_best_plain == gain.difference.estimate
    best = winner(study, fresh)
    assert headline(study, fresh, best, optimism)["test_gain_over_best_plain"] == round(gain.difference.estimate, 4)
    run_alone = run(fresh.run_of(fresh.values(best.params), fresh.sources[0]), quiet_console()).report
    assert run_alone is not None
    assert run_alone.gain["sentence"] == gain.sentence


class TestConfig:
    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"trails": 3}, "'trails'"),
            ({"most_cost": 0.5}, "most_cost"),
            ({"storage": "no url"}, "storage must be a database URL"),
            ({"storage": "sqlite://"}, "SQLite in memory is private, got 'sqlite://': name a file"),
            ({"storage": "sqlite:///:memory:"}, "SQLite in memory is private"),
            ({"storage": "sqlite+pysqlite:///file:x?mode=memory&cache=shared&uri=true"}, "SQLite in memory is private"),
            ({"seconds": float("inf")}, "seconds must be a finite number"),
            ({"space": {"loop.budgte": [0.1, 0.2]}}, "got 'budgte' in space: did you mean budget?"),
            ({"space": {"learner.settings.tres": [1, 2]}}, "'tres'"),
            ({"space": {"data.source": ["a", "b"]}}, "'data.source'"),
            ({"space": {"loop.seed": [1, 2]}}, "loop.seed"),
            ({"space": {"loop.budget": {"low": -1, "high": 2}}}, "loop.budget must be above 0, got -1.0"),
            ({"space": {"loop.budget": {"low": 2, "high": 1}}}, "from a low to a higher"),
            ({"space": {"loop.budget": {"low": 0, "high": 1, "log": True}}}, "above 0 if log"),
            ({"space": {"loop.budget": {"low": 0.1, "high": float("inf")}}}, "both finite"),
            ({"space": {"loop.budget": {"low": float("nan"), "high": 1}}}, "both finite"),
            ({"space": {"loop.budget": [0.1, float("inf")]}}, "loop.budget must be a finite number"),
            (
                {
                    "space": {"loop.share_anywhere": {"low": 0.1, "high": 1.0, "log": True}},
                    "loop": {"share_anywhere": 0.0},
                },
                "space.loop.share_anywhere must begin from above 0 if log, got 0.0: set",
            ),
            ({"space": {"loop.budget": {"lo": 0, "high": 1}}}, "low, high"),
            ({"space": {"loop.budget": []}}, "must list different values"),
            ({"space": {"loop.budget": [0.1, 0.1]}}, "must list different values"),
            ({"space": {"loop.budget": [{"a": 1}]}}, "must list different values"),
            ({"space": {"loop.budget": 0.3}}, "list of choices"),
            ({"space": {"loop.share_anywhere": {"low": 0.0, "high": 1.0}}}, "begin from a number, got None"),
            ({"space": {"loop.strategy": ["targeted", "magic"]}}, "'magic'"),
        ],
    )
    def test_faults_are_refused_before_any_work(self, tmp_path: Path, changes: dict[str, object], words: str) -> None:
        with pytest.raises(ConfigError, match=words) as caught:
            config_of(tmp_path, **changes)
        assert "\n" not in str(caught.value)

    def test_a_learner_of_ones_own_has_the_common_space(self) -> None:
        assert set(default_space("mine")) == set(COMMON)

    @pytest.mark.parametrize("learner", CAPACITY)
    def test_every_default_space_holds_values_that_a_run_takes(self, tmp_path: Path, learner: str) -> None:
        config = config_of(tmp_path, learner={"name": learner}, augmented_learner={}, space={})
        assert set(config.dimensions) == set(default_space(learner))
        assert config.values(config.start) == config.start  # type: ignore[arg-type]

    def test_the_configuration_that_ships_is_valid(self) -> None:
        load_config(TuneConfig, CONFIGS / "tune.yaml")

    def test_the_start_belongs_to_every_dimension(self, tmp_path: Path) -> None:
        space = {"loop.budget": {"low": 1, "high": 2}, "loop.pool": [8, 16]}
        dimensions = config_of(tmp_path, space=space).dimensions
        assert dimensions == {"loop.budget": Range(0.5, 2), "loop.pool": Choices((4, 8, 16))}

    def test_lists_are_choices_too(self, tmp_path: Path) -> None:
        config = config_of(tmp_path, space={"teacher.members": [["linear"], ["linear", "forest"]]})
        values = config.values({"teacher.members": "linear, forest"})
        assert config.run_of(values, config.sources[0]).teacher.members == ("linear", "forest")

    def test_whole_ends_make_whole_numbers(self) -> None:
        trial = optuna.create_study().ask()
        assert isinstance(read_dimension("loop.pool", {"low": 2, "high": 16}).suggest("loop.pool", trial), int)

    def test_a_range_stays_what_its_ends_say_wherever_the_search_begins(self, tmp_path: Path) -> None:
        space = {"learner.settings.C": {"low": 1.5, "high": 10}}
        config = config_of(
            tmp_path, learner={"name": "linear", "settings": {"C": 1}}, augmented_learner={}, space=space
        )
        assert config.dimensions == {"learner.settings.C": Range(1, 10, whole=False)}
        trials = [optuna.create_study().ask() for _ in range(5)]
        drawn = [config.dimensions["learner.settings.C"].suggest("learner.settings.C", trial) for trial in trials]
        assert any(value != round(value) for value in drawn)  # type: ignore[arg-type, operator]

    def test_a_range_with_fractions_is_refused_where_whole_numbers_are_needed(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match=r"loop\.generations"):
            config_of(tmp_path, space={"loop.generations": {"low": 1, "high": 3.0}})

    def test_only_what_changes_scores_changes_the_study(self, config: TuneConfig) -> None:
        same = {"trials": 9, "seconds": 5.0, "tracking": "none", "storage": "sqlite:///x.db", "most_cost": 3.0}
        assert config.model_copy(update=same).identity() == config.identity()
        other = config.model_copy(update={"loop": config.loop.model_copy(update={"seed": 9})})
        assert other.identity() != config.identity()

    def test_files_are_those_that_a_generator_is_given(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        for name in ("doubt", "one.yaml", "other.yaml"):  # the first is but a word of the space
            Path(name).write_text("columns: {age: 40}")
        space = {"loop.strategy": ["targeted", "doubt"], "generator.settings.book": ["one.yaml", "other.yaml"]}
        rules = {"name": "rules", "settings": {"book": "one.yaml"}}
        assert list(config_of(tmp_path, generator=rules, space=space).identity()["files"]) == ["one.yaml", "other.yaml"]

    def test_an_unreachable_storage_is_one_sentence_without_password(self, tmp_path: Path) -> None:
        config = config_of(tmp_path, storage=f"sqlite:///{tmp_path}/no/such/folder/x.db")
        with pytest.raises(ConfigError, match="storage must be a database that can be reached"):
            tune(config, quiet_console())
        secret = config_of(tmp_path, storage="postgresql://me:hidden@nowhere.invalid/x")
        with pytest.raises(ConfigError) as caught:
            tune(secret, quiet_console())
        assert "hidden" not in str(caught.value)
        assert not any("hidden" in path.read_text() for path in secret.out.rglob("config.yaml"))

    def test_a_port_that_is_no_number_shows_no_password(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="storage must be a database URL") as caught:
            config_of(tmp_path, storage="postgresql://me:hidden@host:port/x")
        assert "hidden" not in str(caught.value)

    def test_a_file_of_sqlite_is_a_storage(self, tmp_path: Path) -> None:
        assert config_of(tmp_path, storage="sqlite:///study.db").storage == "sqlite:///study.db"


@pytest.mark.filterwarnings("ignore:Heartbeat of storage:UserWarning")  # trials are asked for without a search
def test_trials_that_a_kill_left_running_are_ended_where_the_lock_proves_it(tmp_path: Path) -> None:
    own, shared = config_of(tmp_path), config_of(tmp_path, storage=f"sqlite:///{tmp_path / 'shared.db'}")
    for config, ended in ((own, 2), (shared, 0)):
        study = open_study(config, tmp_path, "search")
        trials = [study.ask(), study.ask()]
        assert fail_stale(open_study(config, tmp_path, "search"), config, tmp_path) == ended
        states = [each.state for each in study.get_trials(states=(TrialState.RUNNING,))]
        assert len(states) == len(trials) - ended
        assert finished(study) == []  # they do not count as tried


@pytest.mark.filterwarnings("ignore:Heartbeat of storage:UserWarning")
def test_in_a_shared_storage_those_of_the_own_folder_are_ended_alone(tmp_path: Path) -> None:
    config = config_of(tmp_path, storage=f"sqlite:///{tmp_path / 'shared.db'}")
    study = open_study(config, tmp_path, "search")
    for folder in (tmp_path / "here", tmp_path / "there"):
        study.ask().set_user_attr(PLACE, place_of(folder))
    assert fail_stale(study, config, tmp_path / "here") == 1
    assert [each.state for each in study.trials] == [TrialState.FAIL, TrialState.RUNNING]


@pytest.mark.filterwarnings("ignore:Heartbeat of storage:UserWarning")
def test_a_point_that_a_kill_cut_short_is_tried_again_but_not_for_ever(tmp_path: Path) -> None:
    config, points = config_of(tmp_path), list[dict[str, object]]()
    for _ in range(4):  # killed each time
        study = open_study(config, tmp_path, "search")
        fail_stale(study, config, tmp_path)
        study = open_study(config, tmp_path, "search")
        trial = study.ask()
        points.append({key: dimension.suggest(key, trial) for key, dimension in config.dimensions.items()})
    assert points[0] == points[1]
    assert points[1] != points[2] != points[3]


@pytest.mark.filterwarnings("ignore:Heartbeat of storage:UserWarning")
def test_a_start_that_a_kill_left_in_line_is_tried_once(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    for _ in range(3):  # killed each time before it ran
        enqueue_start(open_study(config, tmp_path, "search"), config)
    waiting = open_study(config, tmp_path, "search").get_trials(states=(TrialState.WAITING,))
    assert len(waiting) == 1
    study = open_study(config, tmp_path, "search")
    trial = study.ask()
    assert {key: each.suggest(key, trial) for key, each in config.dimensions.items()} == config.start
    enqueue_start(study, config)  # that one is under way: it may be cut short, too
    assert len(study.get_trials(states=(TrialState.WAITING,))) == 1


def test_a_search_lies_in_its_folder_whatever_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "why? #b 100%20 'q\""
    folder.mkdir()
    config = config_of(folder)
    study = open_study(config, folder, "search")
    study.enqueue_trial({})
    assert [path.name for path in folder.glob("*.db")] == ["study.db"]
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]
    assert len(open_study(config, folder, "search").get_trials()) == 1


def test_a_trial_without_a_parameter_is_told(config: TuneConfig) -> None:
    with pytest.raises(DataError, match=r"all parameters of space, and one of the study lacks "):
        config.values({})
