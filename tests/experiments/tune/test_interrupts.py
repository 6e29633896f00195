"""A signal stops a computation at once, and a database call never."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
from small_runs import content, frame, write

from experiments.config.reader import load_config
from experiments.run.inputs import gather
from experiments.tune.config import TuneConfig
from experiments.tune.interrupts import Interrupts
from experiments.tune.trial import Lanes, Objective

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise")


def strike() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def interrupted(work: Callable[[Interrupts], object]) -> None:
    """Run some work while signals are handled; it must end by an interrupt."""
    interrupts = Interrupts()
    with pytest.raises(KeyboardInterrupt), interrupts.listening(signal.SIGTERM):
        work(interrupts)


def test_a_signal_is_raised_where_it_is_allowed() -> None:
    before, done = signal.getsignal(signal.SIGTERM), list[str]()

    def work(interrupts: Interrupts) -> None:
        with interrupts.allowed():
            strike()
            done.append("after")

    interrupted(work)
    assert done == []
    assert signal.getsignal(signal.SIGTERM) is before


def test_what_is_held_comes_to_its_end() -> None:
    done = list[str]()

    def work(interrupts: Interrupts) -> None:
        with interrupts.allowed():
            with interrupts.held():
                strike()
                done.append("held")
            done.append("after")

    interrupted(work)
    assert done == ["held"]


def test_a_signal_between_computations_is_raised_by_the_next() -> None:
    done = list[str]()

    def work(interrupts: Interrupts) -> None:
        strike()
        done.append("between")
        with interrupts.allowed():
            done.append("computed")

    interrupted(work)
    assert done == ["between"]


def test_a_signal_that_no_computation_has_raised_is_raised_at_the_end() -> None:
    done = list[str]()

    def work(interrupts: Interrupts) -> None:
        strike()
        done.append("to the end")

    interrupted(work)
    assert done == ["to the end"]


def test_a_second_signal_acts_at_once() -> None:
    done = list[str]()

    def work(interrupts: Interrupts) -> None:
        for each in ("first", "second"):
            strike()
            done.append(each)

    interrupted(work)
    assert done == ["first"]


def test_other_threads_work_on_without_handlers() -> None:
    done = list[bool]()

    def work() -> None:
        interrupts = Interrupts()
        with interrupts.listening(signal.SIGTERM), interrupts.allowed():
            done.append(interrupts.noted)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [False]


def test_a_trial_that_is_stopped_while_it_reads_the_study_is_written_down_as_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exception inside a call of the database would leave its lock behind, and the trial could not be ended."""
    settings = content(write(tmp_path, frame()), tmp_path / "out", generations=1)
    space = {"loop.budget": {"low": 0.2, "high": 1.0}}
    config = load_config(TuneConfig, None, {"sources": [settings.pop("data")], "space": space, "trials": 3, **settings})
    inputs, reads = gather(config.sources[0], config.loop), list[str]()
    study = optuna.create_study(directions=["maximize", "minimize"])
    study.enqueue_trial({"loop.budget": 0.3})
    get_trials = optuna.Study.get_trials

    def slow(self: optuna.Study, *args: Any, **options: Any) -> Any:
        reads.append("begun")
        strike()
        reads.append("ended")
        return get_trials(self, *args, **options)

    def search(interrupts: Interrupts) -> None:
        objective = Objective(config, [Lanes(inputs.train, inputs.folds)], interrupts)
        with monkeypatch.context() as patch:
            patch.setattr(optuna.Study, "get_trials", slow)
            study.optimize(objective, n_trials=1)

    interrupted(search)
    assert reads[:2] == ["begun", "ended"]
    assert [trial.state.name for trial in study.get_trials()] == ["FAIL"]
    assert "running" in study.get_trials()[0].user_attrs
