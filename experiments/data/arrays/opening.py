"""Which reader a source needs: what holds images, series or texts is told from a table by names and first bytes."""

from collections.abc import Iterator, Sequence
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from loop.errors import DataError

if TYPE_CHECKING:
    from experiments.data.sources import Dataset


class Reader(Protocol):
    """Reads what holds arrays or texts; rows to be predicted need no labels."""

    def __call__(self, path: Path, target: str | None = None, *, labelled: bool = True) -> "Dataset":
        """Return the rows, with unfitted encoders."""
        ...


# By the ending of files that lie in a folder for each class.
OF_FILES = {".png": "images", ".jpg": "images", ".jpeg": "images", ".wav": "series", ".txt": "text"}
LOOKED_AT = 1_000  # entries of a folder that tell what it holds
IN_NPZ = ("images", "series")


def reader_of(path: Path) -> Reader | None:
    """Return what reads a file or folder of arrays or texts; None = it is a table, or nothing that is known.

    Raises
    ------
    DataError
        If it is a folder of files of several kinds, or an NPZ file that holds neither images nor series.
    """
    kind = _of_folder(path) if path.is_dir() else _of_file(path)
    if kind is None:
        return None
    reader: Reader = import_module(f"experiments.data.arrays.{kind}").load
    return reader


def _of_file(path: Path) -> str | None:
    name = path.name.lower()
    if not path.is_file():
        return None
    if name.endswith(".ts"):
        return "series"
    if name.endswith(".npz"):
        return _of_npz(path)
    return "series" if name.endswith(".parquet") and _has_lists(path) else None


def _of_npz(path: Path) -> str:
    import zipfile

    try:
        with zipfile.ZipFile(path) as archive:
            held = {name.removesuffix(".npy") for name in archive.namelist()}
    except (OSError, zipfile.BadZipFile) as error:
        raise DataError(f"An NPZ file must be readable, and {path} is not ({error}): save it again.") from error
    found = [name for name in IN_NPZ if name in held]
    if len(found) != 1:
        raise DataError(
            f"An NPZ file must hold one array named {' or '.join(IN_NPZ)}, and {path.name} holds "
            f"{', '.join(sorted(held))[:80]}: save it with np.savez(file, images=..., label=...)."
        )
    return found[0]


def _has_lists(path: Path) -> bool:
    """Tell whether a Parquet file has columns of lists; one that cannot be read is left to the reader of tables."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        types = pq.read_schema(path).types
    except (OSError, pa.ArrowException):
        return False
    return any(pa.types.is_list(each) or pa.types.is_large_list(each) for each in types)


def _of_folder(path: Path) -> str | None:
    """Tell what a folder holds by the files in its folders, one for each class."""
    found = {kind for file in islice(_below(path), LOOKED_AT) if (kind := OF_FILES.get(file.suffix.lower()))}
    if len(found) > 1:
        raise DataError(f"A folder must hold files of one kind, and {path} has {' and '.join(sorted(found))}: part it.")
    return next(iter(found), None)


def _below(path: Path) -> Iterator[Path]:
    """Yield a few files of each folder of a folder, or of itself if it has none."""
    classes: Sequence[Path] = sorted(each for each in path.iterdir() if each.is_dir())
    for folder in classes[:LOOKED_AT] or [path]:
        yield from islice((each for each in folder.iterdir() if each.is_file()), 20)


def stamp_of_arrays(path: Path) -> list[int] | None:
    """Return size in bytes and latest modification time in ns of the files of a folder by class; None = it is none."""
    if _of_folder(path) is None:
        return None
    told = [each.stat() for each in (*path.glob("*"), *path.glob("*/*")) if each.is_file()]
    return [sum(each.st_size for each in told), max(each.st_mtime_ns for each in told)]
