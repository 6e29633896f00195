"""The laws of trackers must fail for trackers that break them."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from loop.protocols import Child
from loop.testing import trackers as laws
from loop.tracking import JsonlTracker, NullTracker
from loop.types import Generation, LoopVerdict


@pytest.fixture
def attached(tmp_path: Path) -> Path:
    path = tmp_path / "report.txt"
    path.write_text("no proven gain")
    return path


class Incomplete:
    def start(self, run: Mapping[str, object]) -> None: ...


class Scribbler(NullTracker):
    def record(self, generation: Generation) -> None:
        np.nan_to_num(generation.rows.X, copy=False)


class Forgetful(JsonlTracker):
    def record(self, generation: Generation) -> None:
        if generation.decision.kept:
            super().record(generation)


class Optimist(JsonlTracker):
    def finish(self, verdict: LoopVerdict | None, status: str) -> None:
        super().finish(verdict, "finished")


class Chatterbox(JsonlTracker):
    def finish(self, verdict: LoopVerdict | None, status: str) -> None:
        self._open = True
        super().finish(verdict, status)


class Emptier(JsonlTracker):
    def attach(self, path: Path, folder: str = "") -> None:
        super().attach(path, folder)
        (self.folder / "files" / folder / path.name).write_text("")


class Flattener(JsonlTracker):
    def child(self, child: Child) -> None:
        super().child(replace(child, curves={}))


class Moaner(NullTracker):
    def complaints(self) -> tuple[str, ...]:
        return ("the server is down\nand out",)


class Hoarder(NullTracker):
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep_model(
        self, write: Callable[[Path], object], description: str = "", tags: Mapping[str, str] | None = None
    ) -> None:
        write(self.folder / "model")


def test_an_unfounded_complaint_and_one_without_a_way_out_are_found() -> None:
    laws.check_has_nothing_to_complain_of(NullTracker())
    with pytest.raises(AssertionError):
        laws.check_has_nothing_to_complain_of(Moaner())
    for words in ("down", "up"):
        with pytest.raises(AssertionError):
            laws.check_complains(Moaner(), words)


@pytest.mark.parametrize("kept", [True, False])
def test_a_model_that_is_left_behind_is_found(kept: bool, tmp_path: Path, attached: Path) -> None:
    with pytest.raises(AssertionError):
        laws.check_models(Hoarder(tmp_path), kept, attached, tmp_path)


def test_a_missing_method_is_found() -> None:
    with pytest.raises(AssertionError):
        laws.check_fits_the_protocol(Incomplete())  # type: ignore[arg-type]


def test_changed_records_are_found(attached: Path) -> None:
    with pytest.raises(AssertionError):
        laws.check_leaves_records_alone(Scribbler(), attached)


@pytest.mark.parametrize("bad", [Forgetful, Optimist, Chatterbox, Emptier, Flattener])
def test_a_wrong_journal_is_found(bad: type[JsonlTracker], tmp_path: Path, attached: Path) -> None:
    with pytest.raises(AssertionError):
        laws.check_journal_holds_all(bad(tmp_path / "run"), tmp_path / "run", attached)


@pytest.mark.parametrize("fault", ["status", "child missing", "metric missing", "tag missing", "no time", "no input"])
def test_wrong_runs_are_found(fault: str) -> None:
    runs = good_runs()
    laws.check_runs_mirror_the_run(runs, "FINISHED")
    if fault == "status":
        runs[0].info.status = "RUNNING"
    elif fault == "child missing":
        runs.pop()
    elif fault == "metric missing":
        del runs[1].data.metrics["expected"]
    elif fault == "no time":
        runs[-1].info.start_time = runs[-1].info.end_time
    elif fault == "no input":
        runs[0].inputs.dataset_inputs.clear()
    else:
        del runs[1].data.tags["data"]
    with pytest.raises(AssertionError):
        laws.check_runs_mirror_the_run(runs, "FINISHED")


def good_runs() -> list[SimpleNamespace]:
    keys = [f"judge_{name}" for name in ("ap", "proven", "difference", "difference_low", "difference_high")]
    keys.append("generations_kept")
    params = {key: str(value) for key, value in laws.RUN["params"].items()}
    parent = a_run("cards", keys, {**laws.TOLD, "judge_verdict": laws.VERDICT.sentence}, params)
    tags = {**laws.RUN["tags"], "mlflow.parentRunId": "cards"}
    shown = [name for name in laws.GENERATION_METRICS if "/" not in name]
    turns = [a_run(f"generation-00{i}", shown, tags, {"seed": "7", "generation": str(i)}) for i in (1, 2)]
    for turn in turns:
        turn.info.end_time = 1750
    return [parent, *turns, *(a_run(name, ["ap", "score/ap"], tags, {}) for name, _ in laws.ARMS)]


def a_run(name: str, metrics: object, tags: dict[str, str], params: dict[str, str]) -> SimpleNamespace:
    info = SimpleNamespace(run_name=name, run_id=name, status="FINISHED", start_time=0, end_time=2500)
    data = SimpleNamespace(metrics=dict.fromkeys(metrics, 0.0), tags=dict(tags), params=params)
    tables = [SimpleNamespace(dataset=SimpleNamespace(name="cards"))]
    return SimpleNamespace(info=info, data=data, inputs=SimpleNamespace(dataset_inputs=tables))
