"""Files and folders that are whole or not there: written under a temporary name and renamed, removed on failure.

A folder can be sealed with a list of digests by which damage shows.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from loop.support.plain_json import parse, plain

LIST = "files.json"  # SHA-256 of every other file


def write_file(path: Path, write: Callable[[Path], object]) -> None:
    """Have a file written under a temporary name in the same folder, which is made, and rename it.

    Parameters
    ----------
    write
        Writes a file at the path it is given.
    """
    partial = _beside(path, "partial")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        write(partial)
        partial.replace(path)
    finally:
        with suppress(OSError):  # a name too long for the disk has told so already
            partial.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write text as UTF-8."""
    write_file(path, lambda partial: partial.write_text(text, encoding="utf-8"))


def write_json(path: Path, value: object) -> None:
    """Write plain values as JSON; numbers it has no word for become text, see `loop.support.plain_json.plain`."""
    write_text(path, json.dumps(plain(value), indent=1, allow_nan=False) + "\n")


@contextmanager
def replaced(folder: Path) -> Iterator[Path]:
    """Offer an empty folder that takes the place of another one when all went well; else the other stays as it was."""
    folder = folder.resolve()  # "." has no name
    partial, old = _beside(folder, "partial"), _beside(folder, "old")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        yield partial
        _swap(partial, folder, old)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def seal(folder: Path) -> None:
    """List the digests of all files of a folder, in a file that is written last."""
    digests = {path.relative_to(folder).as_posix(): _digest(path) for path in folder.rglob("*") if path.is_file()}
    (folder / LIST).write_text(json.dumps(digests, indent=1), encoding="utf-8")


def check(folder: Path) -> None:
    """Compare all files that `seal` has listed with their digests; no file is read in any other way.

    Raises
    ------
    ValueError, OSError
        If a file is missing or has changed, or the list itself.
    """
    listed = parse((folder / LIST).read_text(encoding="utf-8"))
    if not isinstance(listed, dict):
        raise ValueError(f"{LIST} holds no digests")
    home = folder.resolve()
    for name, digest in listed.items():
        if not (home / name).resolve().is_relative_to(home) or _digest(home / name) != digest:
            raise ValueError(f"{name[:80]} has changed")


def _swap(partial: Path, folder: Path, old: Path) -> None:
    """Rename the new folder to the place of the old one, which is put back if that fails."""
    shutil.rmtree(old, ignore_errors=True)
    with suppress(FileNotFoundError):
        folder.rename(old)
    try:
        partial.rename(folder)
    except BaseException:
        with suppress(FileNotFoundError):
            old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _beside(path: Path, ending: str) -> Path:
    """Name a temporary neighbour; another process may write the same file."""
    return path.with_name(f".{path.name}.{os.getpid()}.{ending}")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
