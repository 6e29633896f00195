"""What the machine lacks, told by any library, is one sentence; a reader that has gone ends a command quietly."""

import errno
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import typer
from small_runs import content, frame, write, write_config

from experiments.cli.errors import USER_FAULT, one_sentence
from loop.support.memory import lacks_memory


class XGBoostError(ValueError):
    """As the library's own."""


def _from(cause: Exception) -> Exception:
    error = ValueError("a part failed")
    error.__cause__ = cause
    return error


MEMORY = [
    MemoryError(),
    np._core._exceptions._ArrayMemoryError((10**9,), np.dtype(float)),  # type: ignore[attr-defined]
    OSError(errno.ENOMEM, "Cannot allocate memory"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:117] err == 0. DefaultCPUAllocator: can't allocate memory: you tried"),
    XGBoostError("[10:00:00] src/x.cc:1: std::bad_alloc"),
    ImportError("libtorch.so: failed to map segment from shared object"),
    _from(MemoryError()),
]
OTHERS = [
    RuntimeError("allocate more budget"),
    ValueError("out of memory"),
    KeyError("memory"),
    OSError(errno.EIO, "x"),
]


def told(error: BaseException, capsys: pytest.CaptureFixture[str]) -> str:
    def fails() -> None:
        raise error

    with pytest.raises(typer.Exit) as ended:
        one_sentence(fails)()
    assert ended.value.exit_code == USER_FAULT
    sentence = capsys.readouterr().err
    assert sentence.count("\n") == 1
    return sentence


@pytest.mark.parametrize("error", MEMORY, ids=lambda error: type(error).__name__)
def test_too_little_memory_is_one_sentence(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    assert "memory" in told(error, capsys)
    assert "--resume" in told(error, capsys)


@pytest.mark.parametrize("error", OTHERS, ids=str)
def test_other_faults_are_not_taken_for_it(error: Exception) -> None:
    assert not lacks_memory(error)


@pytest.mark.parametrize(
    "error",
    [
        shutil.Error([("a", "b", "[Errno 28] No space left on device: 'b'"), ("c", "d", "e")]),
        shutil.Error("Cannot move a directory 'a' into itself 'a/b'."),
        shutil.SameFileError("a and a are the same file"),
    ],
)
def test_copies_that_fail_are_told(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    assert "make room or name another place" in told(error, capsys)


def test_a_name_that_the_disk_refuses_draws_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    sentence = told(OSError(errno.ENAMETOOLONG, "File name too long", "\x1b[31m" + "n" * 10**6), capsys)
    assert "\x1b" not in sentence
    assert len(sentence) <= 301


def test_a_run_without_memory_can_be_resumed(tmp_path: Path) -> None:
    """The limit comes when the teacher has been fitted, so that a folder is there; resumed, the run ends."""
    config = write_config(tmp_path, content(write(tmp_path, frame()), tmp_path / "out", generations=1))
    code = (
        "import resource, sys; from experiments.cli.app import app; import experiments.run.run as run\n"
        "before = run.new_folder\n"
        "def limited(*given):\n"
        "    made = before(*given)\n"
        "    pages = int(open('/proc/self/statm').read().split()[0])\n"
        "    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize(), resource.RLIM_INFINITY))\n"
        "    run.np.ones(2**28)\n"
        "    return made\n"
        "run.new_folder = limited\n"
        "app(['run', sys.argv[1]])"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(config)], capture_output=True, text=True)
    assert ended.returncode == USER_FAULT, ended.stderr
    assert ended.stderr.count("\n") == 1, ended.stderr
    assert "memory must hold the work" in ended.stderr
    (folder,) = (tmp_path / "out").iterdir()
    again = [sys.executable, "-c", "from experiments.cli.app import main; main()", "run", "--resume", str(folder)]
    assert subprocess.run(again, capture_output=True).returncode == 0
    assert (folder / "done.json").is_file()


@pytest.mark.parametrize(
    "words", [["schema"], ["generate", "BOOK", "--n", "200000"], ["--help"], ["predict", "--help"]]
)
def test_a_reader_that_has_gone_ends_a_command_quietly(tmp_path: Path, words: list[str]) -> None:
    book = tmp_path / "book.yaml"
    book.write_text("target: y\ncolumns:\n  a: {from: normal, mean: 0, sd: 1}\n  y: a > 0\n")
    words = [str(book) if word == "BOOK" else word for word in words]
    command = [sys.executable, "-c", "from experiments.cli.app import main; main()", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
    assert "Traceback" not in said
    assert "Exception" not in said
