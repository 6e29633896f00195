"""The Python environment in which a peer such as AutoGluon is installed, and the steps of its worker there."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from loop.errors import DataError

WORKER = Path(__file__).with_name("worker.py")
NAME = "autogluon.tabular"
INSTALL = "python3.11 -m venv agenv && agenv/bin/pip install 'autogluon.tabular[all]'"
FAMILIES = ("catboost", "fastai", "lightgbm", "torch")  # of models, by the library that they need
LONGEST = 40  # characters of the folder of Ray, whose sockets below it must have paths of at most 107
PATIENCE = 30  # seconds that an interrupted step may take to end


@dataclass(frozen=True)
class Peer:
    """A peer, as the script that runs it and the sentences of its refusals know it."""

    title: str
    needed: tuple[str, ...]  # packages
    install: str  # commands that make an environment
    worker: Path


AUTOGLUON = Peer("AutoGluon", (NAME,), INSTALL, WORKER)


@dataclass(frozen=True)
class Environment:
    """An interpreter whose environment has a peer."""

    python: str
    versions: dict[str, str]  # of the peer and the libraries that it can use, by name
    peer: Peer = AUTOGLUON

    @classmethod
    def of(cls, python: Path, peer: Peer = AUTOGLUON) -> Self:
        """Find the interpreter and ask it which versions it has.

        Raises
        ------
        DataError
            If it is missing, is no interpreter of Python, or lacks the peer.
        """
        program = shutil.which(str(python))  # not resolved: an environment is known by the path of its link
        if program is None:
            raise DataError(
                f"--python must be an interpreter, and {python} is no program: make one with {peer.install}."
            )
        with tempfile.TemporaryDirectory(prefix="weakspot-") as folder:
            versions = cls(program, {}, peer).run("versions", Path(folder))
        missing = [name for name in peer.needed if name not in versions]
        if missing:
            raise DataError(
                f"--python must be an interpreter with {peer.title}, and {python} has no {missing[0]}: make one with "
                f"{peer.install}."
            )
        return cls(program, versions, peer)

    @property
    def sentence(self) -> str:
        """Which version runs, and which of its models cannot."""
        missing = [name for name in FAMILIES if name not in self.versions]
        without = f"; it has no {', no '.join(missing)}, so no models of these" if missing else ""
        return f"AutoGluon {self.versions[NAME]}{without}."

    def run(self, step: str, folder: Path) -> dict[str, Any]:
        """Run a step of the worker on a folder, and return what it wrote there.

        The interpreter is isolated (``-I``), and nothing of this process's Python is passed on: neither the working
        folder nor that of the worker is searched for modules.

        Raises
        ------
        DataError
            If the step fails or leaves no answer.
        """
        command = [self.python, "-I", "-W", "ignore", str(self.peer.worker), step, str(folder)]
        own = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        if len(str(folder)) <= LONGEST:
            own["RAY_TMPDIR"] = str(folder)  # so that the files of Ray, which AutoGluon starts, go with the folder
        try:
            code, log = finished(command, own, folder / "log.txt")
        except OSError as error:
            raise self._refused(step, f"it does not start ({error.strerror})") from error
        if code:
            raise self._refused(step, f"it says {(log.strip().splitlines() or [f'exit code {code}'])[-1]!r}")
        try:
            answer: dict[str, Any] = json.loads((folder / f"{step}.json").read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError) as error:
            raise self._refused(step, "it leaves no answer") from error
        return answer

    def _refused(self, step: str, why: str) -> DataError:
        return DataError(
            f"--python must run {self.peer.title}, and at the step {step!r} of {self.python} {why}: correct that, then "
            "run the same command to go on."
        )


def finished(command: list[str], environment: dict[str, str], log: Path) -> tuple[int, str]:
    """Run a command to its end; return its exit code and what it wrote to stderr, which goes through a file.

    If this process is interrupted, so is the command, and it has time to end its own helper processes.
    """
    with log.open("wb") as errors:
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,  # the terminal's Ctrl-C would interrupt it a second time, while it ends
        )
    try:
        code = process.wait()
    except KeyboardInterrupt:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        raise
    return code, log.read_text(encoding="utf-8", errors="replace")
