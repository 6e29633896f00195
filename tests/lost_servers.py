"""Commands in processes of their own in the middle of which a server or they themselves are killed."""

import importlib
import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import kills
import yaml
from postgres_server import PostgresServer
from small_runs import content, frame, write
from typer.testing import CliRunner

Function = tuple[str, str]  # module, and name in it


def working_folder(place: Path, tracking: str | None, **changes: Any) -> Path:
    """Fill a working folder with a table, a configuration and, perhaps, where runs are tracked."""
    place.mkdir(parents=True)
    write(place, frame())
    made = {**content(Path("table.csv"), Path("out")), "deliver": "loop", **changes}
    if tracking is not None:
        where = {"tracking_uri": tracking, "artifact_root": str(place.parent / "artifacts")}
        (place / kills.STORE).write_text(yaml.safe_dump(where))
        made["tracking"] = kills.STORE
    (place / "config.yaml").write_text(yaml.safe_dump({key: each for key, each in made.items() if each is not None}))
    return place


def together(calls: list[Callable[[], Any]]) -> list[Any]:
    """Call functions side by side; return their results in order."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(lambda call: call(), calls))


def call(place: Path, *words: str) -> tuple[int, str]:
    """Call a command in a working folder; return its exit code and all that it said."""
    os.chdir(place)
    from experiments.cli.app import app

    result = CliRunner().invoke(app, list(words))
    assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
    return result.exit_code, result.output


def call_killing(place: Path, victim: int | None, at: Function, times: int, *words: str) -> tuple[int, str]:
    """Call a command; a process, None = this one, is killed when a function is called for the so many-th time."""
    owner, _, name = at[1].rpartition(".")
    module = importlib.import_module(at[0])
    holder, calls = getattr(module, owner) if owner else module, iter(range(1, 1000))
    original = getattr(holder, name)

    def wrapped(*args: Any) -> Any:
        if next(calls) == times:
            _kill(victim)
        return original(*args)

    setattr(holder, name, wrapped)
    return call(place, *words)


def call_losing(server: PostgresServer, place: Path, at: Function, times: int, *words: str) -> tuple[int, str]:
    """Call a command in a process of its own; the server is killed in the middle of it."""
    code, said = kills.apart(call_killing, place, server.pid, at, times, *words)
    server.kill()
    return code, said


def _kill(victim: int | None) -> None:
    if victim is None:
        os.kill(os.getpid(), signal.SIGKILL)
        return
    os.kill(victim, signal.SIGQUIT)
    command = Path(f"/proc/{victim}/cmdline")
    while command.exists() and command.read_bytes():  # one that has ended has no command, even if nobody has asked yet
        time.sleep(0.01)
