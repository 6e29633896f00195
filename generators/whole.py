"""Folders that are whole or not there: written aside and swapped in, with a list of digests by which damage shows."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LIST = "files.json"  # SHA-256 of every other file


@contextmanager
def replaced(folder: Path) -> Iterator[Path]:
    """Offer an empty folder that takes the place of another one when all went well; else the other stays as it was."""
    folder = folder.resolve()  # "." has no name
    partial, old = (folder.with_name(f".{folder.name}.{ending}") for ending in ("partial", "old"))
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
    for name, digest in dict(json.loads((folder / LIST).read_text(encoding="utf-8"))).items():
        if _digest(folder / name) != digest:
            raise ValueError(f"{name} has changed")


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


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
