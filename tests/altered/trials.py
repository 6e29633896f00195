"""Commands on altered folders, each in a child process with a time limit: it may end as it likes, and that is told.

The children are forks of one worker that has loaded every library, so that a case takes as long as its command.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

LONGEST_SENTENCE = 360  # 300 beside paths
SECONDS, MEMORY = 60, 6 * 2**30  # that a command may take, of the processor
PATIENCE = 5 * SECONDS  # on a busy machine, and for what waits for ever
HANGS = ("hang", "SIGXCPU")
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ending:
    """How a command ended."""

    code: int | None  # None = it did not end by itself
    sentence: str  # on stderr
    fault: str = ""  # the last lines of a traceback, "hang", or the name of a signal

    @property
    def kind(self) -> str:
        """One word: harmless, refused, or what must not be."""
        if self.fault:
            return "hang" if self.fault in HANGS else "crash" if self.fault.startswith("SIG") else "traceback"
        if self.code == 0:
            return "harmless"
        lines = [line for line in self.sentence.splitlines() if line]
        told = self.code == 2 and len(lines) >= 1 and len(lines[-1]) <= LONGEST_SENTENCE
        return "refused" if told else "unclear"


class Worker:
    """A process that runs commands in forks of itself."""

    def __init__(self) -> None:
        paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
        self._process = subprocess.Popen(
            [sys.executable, "-m", "altered.trials"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "COLUMNS": "100000"},
            cwd=ROOT,
            text=True,
        )

    def end_of(self, words: Sequence[object], folder: Path) -> Ending:
        """Run a command in a folder; it is given the words after ``weakspot``."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([[str(word) for word in words], str(folder)]) + "\n")
        self._process.stdin.flush()
        return Ending(**json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


@contextmanager
def worker() -> Iterator[Worker]:
    """Yield a worker, which ends with the block."""
    made = Worker()
    try:
        yield made
    finally:
        made.close()


def _load() -> None:
    """Load what commands load, so that forks need not."""
    import loop.tracking  # noqa: F401
    from generators import GENERATORS, WRAPPERS
    from learners import LEARNERS
    from learners import WRAPPERS as OTHERS

    for catalogue in (GENERATORS, WRAPPERS, LEARNERS, OTHERS):
        for name in catalogue.names():
            catalogue.kind(name)
    for library in ("catboost", "lightgbm", "mlflow", "skops.io", "sqlalchemy"):
        __import__(library)


def _run(words: Sequence[str], folder: str, told: int) -> None:
    """Run a command in this process, which is a fork, and write how it ended."""
    import traceback

    from typer.testing import CliRunner

    from experiments.cli.app import app

    os.chdir(folder)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 5))
    result = CliRunner().invoke(app, list(words))
    error, fault = result.exception, ""
    if error is not None and not isinstance(error, SystemExit):
        where = traceback.extract_tb(error.__traceback__)
        own = [f"{Path(each.filename).name}:{each.lineno}" for each in where if str(ROOT) in each.filename]
        fault = f"{type(error).__name__}: {str(error)[:200]} at {' < '.join(own[:-5:-1])}"
    elif "Traceback" in result.output:
        fault = f"printed: {result.output[-300:]}"
    ending = {"code": result.exit_code, "sentence": result.stderr[-2000:], "fault": fault}
    os.write(told, json.dumps(ending).encode())


def _forked(words: Sequence[str], folder: str) -> dict[str, object]:
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        try:
            os.setpgid(0, 0)
            _run(words, folder, write)
        finally:
            os._exit(0)
    os.close(write)
    before, status = time.monotonic(), None
    while status is None and time.monotonic() - before < PATIENCE:
        ended, code = os.waitpid(child, os.WNOHANG)
        status = code if ended else None
        time.sleep(0 if ended else 0.005)
    if status is None:
        os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
    with os.fdopen(read, "rb") as pipe:
        content = pipe.read()
    if status is None:
        return {"code": None, "sentence": "", "fault": "hang"}
    if os.WIFSIGNALED(status):
        return {"code": None, "sentence": "", "fault": signal.Signals(os.WTERMSIG(status)).name}
    fault = "SIGNONE: it ended without a word"
    return json.loads(content) if content else {"code": None, "sentence": "", "fault": fault}


def main() -> None:
    """Answer each line of the standard input, a command and its folder, by a line that tells how it ended."""
    answers = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what libraries print must not come between
    _load()
    for line in sys.stdin:
        words, folder = json.loads(line)
        os.write(answers, (json.dumps(_forked(words, folder)) + "\n").encode())


if __name__ == "__main__":
    main()
