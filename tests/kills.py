"""Commands in processes of their own that are killed at a chosen moment, and what they leave on disk and in MLflow.

A process dies before its k-th write: before a file or folder is created, renamed or removed in its working folder, or a
database commits. So the kills of all k are all that can be told apart on the disk, whatever the time of day.
"""

import hashlib
import json
import multiprocessing
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

STORE = "mlflow.yaml"
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_forks = multiprocessing.get_context("forkserver")  # the libraries are loaded once, and no thread of tests is copied
_forks.set_forkserver_preload(
    [
        *("experiments.cli.app", "experiments.run.run", "experiments.run.artifacts", "experiments.compare.compare"),
        *("experiments.tune.tune", "experiments.labels.questions", "loop.tracking.uplink", "mlflow.pyfunc"),
        *("mlflow.store.tracking.sqlalchemy_store", "mlflow.store.model_registry.sqlalchemy_store", "alembic.command"),
        *("torch", "skops.io", "imblearn.over_sampling", "sklearn.linear_model", "generators.resampling.neighbourhood"),
    ]
)


@dataclass(frozen=True)
class Moment:
    """When a process dies: before its ``write``-th write (from 1 on), after some seconds, or never."""

    write: int = 0
    seconds: float = 0.0


NEVER = Moment()


def command(place: Path, *words: object, dies: Moment = NEVER) -> int:
    """Run a command in a working folder; return the number of its writes, or -1 if it was killed.

    Raises
    ------
    AssertionError
        If it ended by anything else than success or the kill.
    """
    told, said = place.with_suffix(".writes"), place.with_suffix(".said")
    told.unlink(missing_ok=True)
    process = _forks.Process(target=_work, args=(place, [str(word) for word in words], dies, told, said))
    process.start()
    process.join(300)
    if process.exitcode == -signal.SIGKILL:
        return -1
    assert process.exitcode == 0, (words, process.exitcode, said.read_text()[-3000:])
    return int(told.read_text())


def apart(function: Callable[..., Any], *args: object) -> Any:
    """Call a function in a process of its own, which keeps no database open, and return its result."""
    here, there = _forks.Pipe(duplex=False)
    process = _forks.Process(target=_answer, args=(there, function, args))
    process.start()
    there.close()
    answer = here.recv()
    process.join()
    return answer


def in_mlflow(place: Path) -> Any:
    """Return what MLflow has, without times and values: runs with status, points of each metric, files, versions."""
    os.chdir(place)
    from loop.tracking import load_settings
    from loop.tracking.uplink import connect, quiet

    settings = load_settings(Path(STORE))
    client = connect(settings.tracking_uri)
    with quiet():
        experiment = client.get_experiment_by_name(settings.experiment)
        runs = client.search_runs([experiment.experiment_id], max_results=1000) if experiment else []
        names = {run.info.run_id: run.info.run_name for run in runs}
        versions = [
            (names[version.run_id], sorted(client.get_model_version(version.name, version.version).aliases))
            for version in client.search_model_versions()
        ]
        return {"runs": sorted(_told(client, run) for run in runs), "versions": sorted(versions)}


def _told(client: Any, run: Any) -> tuple[Any, ...]:
    histories = {name: client.get_metric_history(run.info.run_id, name) for name in run.data.metrics}
    points = {name: sorted(point.step for point in history) for name, history in histories.items()}
    files = Path(run.info.artifact_uri)
    held = sorted(path.relative_to(files).as_posix() for path in files.rglob("*") if path.is_file())
    inputs = sorted(each.dataset.name.split("-", 1)[-1] for each in run.inputs.dataset_inputs)
    words = sorted({**run.data.params, **dict.fromkeys(run.data.tags, "")})
    name = "trial" if run.info.run_name.startswith("trial ") else run.info.run_name  # a trial cut short has a number
    return name, run.info.status, json.dumps(points, sort_keys=True), held, inputs, words


def half_written(place: Path) -> list[str]:
    """Return what no finished command leaves behind."""
    left = [path for end in ("partial", "old") for path in place.rglob(f".*.{end}")]
    left += [path for path in place.rglob(".mlflow.db.*") if path.suffix != ".lock"]
    left += place.rglob(".artifact.uploading.*")
    return sorted(str(path.relative_to(place)) for path in left)


def digest(path: Path) -> str:
    """Return a digest of a file, or of all files of a folder with their names."""
    files = [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.is_file())
    parts = [f"{each.relative_to(path)} {hashlib.sha256(each.read_bytes()).hexdigest()}" for each in files]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def untimed(value: Any) -> Any:
    """Return plain values without those of measured time, and what is made of them."""
    if isinstance(value, dict):
        return {key: untimed(each) for key, each in value.items() if "seconds" not in key}
    return [untimed(each) for each in value] if isinstance(value, list) else value


def restore(place: Path, template: Path) -> None:
    """Make a working folder what it was, at the same place, as databases hold absolute paths."""
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(template, place)


def _answer(there: Connection, function: Callable[..., Any], args: tuple[object, ...]) -> None:
    there.send(function(*args))


def _work(place: Path, words: list[str], dies: Moment, told: Path, said: Path) -> None:
    os.chdir(place)
    output = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115 kept to the end
    from experiments.cli.app import main

    writes = _count(place, dies)
    sys.argv = ["weakspot", *words]
    try:
        main()
    except SystemExit as end:
        if end.code:
            sys.stdout.flush()
            raise
    finally:
        sys.stdout.flush()
    told.write_text(str(writes[0]))


def _count(place: Path, dies: Moment) -> list[int]:
    """Count the writes of this process, and let it die before the one of the moment."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    seen, home = [0], str(place)

    def write(*_: object) -> None:
        seen[0] += 1
        if seen[0] == dies.write:
            os.kill(os.getpid(), signal.SIGKILL)

    def hook(name: str, args: tuple[Any, ...]) -> None:
        changes = name in ("os.rename", "os.remove", "os.rmdir", "os.mkdir")
        if changes or (name == "open" and isinstance(args[2], int) and args[2] & WRITES):
            path = args[0]
            if isinstance(path, str | os.PathLike) and os.path.abspath(os.fspath(path)).startswith(home):
                write()

    sys.addaudithook(hook)
    event.listen(Engine, "commit", write)
    if dies.seconds:
        threading.Thread(target=_later, args=(dies.seconds,), daemon=True).start()
    return seen


def _later(seconds: float) -> None:
    time.sleep(seconds)
    os.kill(os.getpid(), signal.SIGKILL)
