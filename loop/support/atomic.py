"""Atomic writing of files and folders: written under a temporary name and renamed, removed on failure.

A folder can be sealed with a list of digests, so that damage is detected.
"""

import hashlib
import json
import math
import os
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from loop.support.own_files import own_folder, own_text
from loop.support.plain_json import parse, plain

LIST = "files.json"  # SHA-256 of every other file
ENDINGS = ("partial", "old")
PRIVATE, PRIVATE_FILE = 0o700, 0o600  # rights of folders and files that hold rows: for their owner alone


def write_file(path: Path, write: Callable[[Path], object], private: bool = False) -> None:
    """Write a file under a temporary name in the same folder, which is created, and rename it.

    Parameters
    ----------
    path : Path
        Final path of the file.
    write : callable
        Writes a file at the path it is given.
    private : bool
        Whether a new file can be read by its owner alone, as one that holds rows should be. One that is replaced keeps
        its rights, whatever they are.
    """
    partial = _beside(path, "partial")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        write(partial)
        _give_rights(partial, path, PRIVATE_FILE if private else None)
        partial.replace(path)
    finally:
        with suppress(OSError):  # a name too long for the disk has already raised its error
            partial.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write text as UTF-8."""
    write_file(path, lambda partial: partial.write_text(text, encoding="utf-8"))


def write_json(path: Path, value: object) -> None:
    """Write plain values as JSON; non-finite numbers become text, see `loop.support.plain_json.plain`."""
    write_text(path, json.dumps(plain(value), indent=1, allow_nan=False) + "\n")


@contextmanager
def replaced(folder: Path) -> Iterator[Path]:
    """Yield an empty folder that replaces another one on success; on an error the other stays as it was.

    A new one is open to its owner alone; one that is replaced keeps its rights.
    """
    folder = folder.resolve()  # "." has no name
    partial, old = _beside(folder, "partial"), _beside(folder, "old")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        _give_rights(partial, folder, PRIVATE)
        yield partial
        _swap(partial, folder, old)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def sweep(folder: Path, still: float = 0.0) -> None:
    """Remove what writes left unfinished when their process was killed, at any depth.

    A folder that was moved aside, and whose successor did not come, takes its place again. Where others may write now,
    only what has not changed for ``still`` seconds is removed.
    """
    latest = time.time() - still if still else math.inf
    for left in sorted(folder.rglob(".*.*"), reverse=True):  # the deepest first
        name, _, ending = left.name[1:].rpartition(".")
        name, _, process = name.rpartition(".")
        if not (name and process.isdigit() and ending in ENDINGS) or left.lstat().st_mtime > latest:
            continue
        if ending == "old" and not left.with_name(name).exists():
            left.rename(left.with_name(name))
        else:
            remove(left)


def remove(path: Path) -> None:
    """Remove a file, a link or a folder with all that is in it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def seal(folder: Path) -> None:
    """Write the digests of all files of a folder into a file, which is written last."""
    digests = {path.relative_to(folder).as_posix(): _digest(path) for path in folder.rglob("*") if path.is_file()}
    (folder / LIST).write_text(json.dumps(digests, indent=1), encoding="utf-8")


def check(folder: Path) -> None:
    """Compare all files listed by `seal` with their digests.

    Raises
    ------
    ValueError, OSError
        If a file or the list is missing or has changed, or one is no regular file inside the folder.
    """
    listed = parse(own_text(own_folder(folder) / LIST))
    if not isinstance(listed, dict):
        raise ValueError(f"{LIST} holds no digests")
    home = folder.resolve()
    for name, digest in listed.items():
        if not (home / name).resolve().is_relative_to(home) or _digest(home / name) != digest:
            raise ValueError(f"{name[:80]} has changed")


def _swap(partial: Path, folder: Path, old: Path) -> None:
    """Replace the old folder by the new one; restore the old one if that fails."""
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


def _give_rights(new: Path, place: Path, otherwise: int | None) -> None:
    """Give a file or folder the rights of the one whose place it takes, or others if there is none."""
    rights = stat.S_IMODE(place.stat().st_mode) if place.exists() else otherwise
    if rights is not None:
        new.chmod(rights)


def _beside(path: Path, ending: str) -> Path:
    """Return a temporary path beside a file, unique as another process may write the same file."""
    return path.with_name(f".{path.name}.{os.getpid()}.{ending}")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
