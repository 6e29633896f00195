"""Files that a run, a model or a generator left in its folder: regular, inside it, and of a size one would expect.

Another hand may have put a device, a pipe or a link there: to open one could hang, fill the memory, or hand out a file
of somebody else.
"""

import stat
from pathlib import Path

from loop.errors import DataError

LARGEST_TEXT = 2**28  # bytes of a JSON file or a journal


def own_file(path: Path, home: Path | None = None, most: int | None = None) -> Path:
    """Return a path if it is a regular file, not larger than ``most`` bytes, and links do not lead out of ``home``.

    Parameters
    ----------
    path : Path
    home : Path, optional
        The folder it belongs to; None = the one that it is in.
    most : int, optional
        Most bytes, None = any number.

    Raises
    ------
    FileNotFoundError
        If there is none.
    ValueError
        If it is something else, lies outside, or is larger.
    """
    told = path.stat()
    if not stat.S_ISREG(told.st_mode):
        raise ValueError(f"{path.name[:80]} is no regular file")
    if not path.resolve().is_relative_to((home or path.parent).resolve()):
        raise ValueError(f"{path.name[:80]} leads out of its folder")
    if most is not None and told.st_size > most:
        raise ValueError(f"{path.name[:80]} is larger than {most:,} bytes")
    return path


def own_name(path: Path, home: Path) -> str:
    """Return the name of a path as seen from its folder, which tables, reports and JSON must be able to hold.

    Raises
    ------
    DataError
        If it is no UTF-8: Python then keeps its bytes as lone surrogates, which nothing can write.
    """
    name = str(path.relative_to(home))
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise DataError(f"names of files and folders must be UTF-8, and {name[-60:]!r} is not: rename it.") from error
    return name


def own_text(path: Path) -> str:
    """Return what a text file of ours holds; errors are those of `own_file`, and UnicodeDecodeError (a ValueError)."""
    return own_file(path, most=LARGEST_TEXT).read_text(encoding="utf-8")


def own_folder(folder: Path) -> Path:
    """Return a folder if all that lies in it, at any depth, is a folder or a file as `own_file` wants it.

    Raises
    ------
    FileNotFoundError
        If there is none, or a link in it leads nowhere.
    ValueError
        If something else lies in it.
    """
    for path in folder.rglob("*"):
        if not path.is_dir() or path.is_symlink():
            own_file(path, folder)
    return folder
