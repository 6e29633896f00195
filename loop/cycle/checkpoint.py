"""Generations on disk, so that an interrupted run can be resumed.

One file a generation: a NumPy archive that holds the arrays and, as UTF-8 bytes, the rest as JSON. It is read without
pickle, and written under a temporary name first, so a file with its final name is always complete.
"""

import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from loop.cycle.generation_codec import from_record, to_arrays, to_record
from loop.errors import DataError
from loop.support.atomic import write_file
from loop.support.format import stamped, unstamped
from loop.support.own_files import own_file
from loop.support.plain_json import parse
from loop.types import Generation, Schema

RECORD = "record"  # name of the JSON part
RUN = "run"  # in it: the mark of the run that wrote it


def save(generation: Generation, folder: Path, run: str | None = None) -> Path:
    """Write one generation, with the mark of its run if there is one, and return its file."""
    path = folder / f"generation-{generation.index:03d}.npz"
    told = to_record(generation) | ({} if run is None else {RUN: run})
    record = np.frombuffer(json.dumps(stamped(told), allow_nan=False).encode(), dtype=np.uint8)
    write_file(path, lambda partial: _write(partial, {RECORD: record, **to_arrays(generation)}))
    return path


def load(folder: Path, schema: Schema, run: str | None = None) -> list[Generation]:
    """Read the generations of a folder in order; none if there is no such folder.

    Parameters
    ----------
    folder : Path
        Folder of the checkpoints.
    schema : Schema
        Schema of the rows, the same as when they were saved.
    run : str, optional
        Mark of the run; files without a mark, as earlier versions wrote them, are taken for its own.

    Raises
    ------
    DataError
        If a file cannot be read, was written by another version or run or belongs to other columns, or a generation is
        missing between two others.
    """
    history = [_read(path, schema, run) for path in sorted(folder.glob("generation-*.npz"))]
    found = [generation.index for generation in history]
    if found != list(range(1, len(found) + 1)):
        raise DataError(f"checkpoints must be numbered 1, 2, ... without a gap, got {found} in {folder}: start anew.")
    return history


def _write(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    with path.open("wb") as file:  # given a path, NumPy would append .npz
        np.savez(file, allow_pickle=False, **arrays)


def _read(path: Path, schema: Schema, run: str | None) -> Generation:
    arrays = _opened(path)
    record = _record(path, arrays.pop(RECORD, None))
    mark = record.pop(RUN, None) if isinstance(record, dict) else None
    if run is not None and mark not in (None, run):
        raise DataError(
            f"a checkpoint must be of the run that it is in, {path} is of another: put back its own, or delete it."
        )
    X, d = arrays.get("0/X"), len(schema.columns)
    if isinstance(X, np.ndarray) and X.ndim == 2 and X.shape[1] != d:
        raise DataError(
            f"a checkpoint must have the columns of the data, got {X.shape[1]} instead of {d} in {path}: "
            "resume with the data that the run began with."
        )
    try:
        return from_record(record, arrays, schema)
    except DataError as error:
        raise _damaged(path, error) from error


def _record(path: Path, told: object) -> object:
    """Return the JSON part of an archive, which must be of this version."""
    if not isinstance(told, np.ndarray) or told.dtype != np.uint8:
        raise _damaged(path, DataError("the record is missing"))
    try:
        record = parse(told.tobytes())
    except ValueError as error:
        raise _damaged(path, error) from error
    return unstamped(record, path, "run it again")


def _opened(path: Path) -> dict[str, object]:
    """Read all arrays of an archive; a member that is not an array is returned as bytes."""
    try:
        with own_file(path).open("rb") as file:
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise DataError("it holds a single array")
            return dict(archive)
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error, MemoryError, RuntimeError) as error:
        # numpy.load: the first three, and MemoryError for a header with a huge shape; zipfile: the next two, and
        # RuntimeError for a member that is encrypted or compressed by an unknown method
        raise _damaged(path, error) from error


def _damaged(path: Path, why: Exception) -> DataError:
    return DataError(f"a checkpoint must be a whole .npz file, and {path} is not ({why}): delete it.")
