"""A program that is told to end leaves no process behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
CHILD = "import signal, time; {deaf}print('up', flush=True); time.sleep(60)"
PARENT = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", {child!r}], stdout=subprocess.PIPE)
child.stdout.readline()
print(os.getpid(), child.pid, flush=True)
{then}
"""
COMMAND = "import os, sys; from experiments.cli.children import run_to_end; sys.exit(run_to_end({words!r}, os.environ))"


@contextmanager
def begun(then: str, deaf: str = "") -> Iterator[tuple["subprocess.Popen[str]", list[int]]]:
    """Begin a program with a child; yield it and the processes below it, which are to end."""
    words = [sys.executable, "-c", PARENT.format(child=CHILD.format(deaf=deaf), then=then)]
    code = COMMAND.format(words=words)
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        below = [int(pid) for pid in process.stdout.readline().split()]
        assert len(below) == 2
        yield process, below
    assert soon(lambda: all(map(gone, below)))


def gone(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status")
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return status.is_file() and "State:\tZ" in status.read_text()


def soon(holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + 20
    while not holds() and time.monotonic() < until:
        time.sleep(0.05)
    return holds()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_program_and_its_children(number: signal.Signals) -> None:
    with begun("time.sleep(60)") as (process, _):
        process.send_signal(number)
        assert process.wait(30) == 128 + number


def test_a_program_that_ends_by_itself_leaves_no_child() -> None:
    with begun("sys.exit(3)") as (process, _):
        assert process.wait(30) == 3


def test_a_child_that_does_not_listen_is_ended_by_force() -> None:
    with begun("time.sleep(60)", deaf="signal.signal(signal.SIGTERM, signal.SIG_IGN); ") as (process, below):
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 128 + signal.SIGTERM
        assert soon(lambda: all(map(gone, below)))
