"""Generations on disk, so that an interrupted run goes on where it stopped.

One file a generation: a NumPy archive that holds the arrays and, as UTF-8 bytes, the rest as JSON. It is read without
pickle, and written under a temporary name first, so a file of the final name is always whole.
"""

import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from loop.errors import DataError
from loop.types import Condition, Decision, Generation, Interval, Origin, Region, Schema, Table

ARRAYS = ("X", "y", "weight", "generation", "supply", "parents", "soft")
RECORD = "record"  # name of the JSON part


def save(generation: Generation, folder: Path) -> Path:
    """Write one generation and return its file. Of regions the seed rows are left out: no later turn needs them."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"generation-{generation.index:03d}.npz"
    tables = [generation.rows, *generation.lane_rows]
    arrays = {
        f"{number}/{name}": getattr(table, name)
        for number, table in enumerate(tables)
        for name in ARRAYS
        if getattr(table, name) is not None
    }
    record = np.frombuffer(json.dumps(_record(generation)).encode(), dtype=np.uint8)
    partial = path.with_suffix(".partial")
    try:
        with partial.open("wb") as file:
            np.savez(file, allow_pickle=False, **{RECORD: record}, **arrays)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path


def load(folder: Path, schema: Schema) -> list[Generation]:
    """Read the generations of a folder in order; none if there is no such folder.

    Parameters
    ----------
    schema
        Of the rows; the same as when they were saved.

    Raises
    ------
    DataError
        If a file cannot be read or belongs to other columns, or a generation is missing between two others.
    """
    history = [_read(path, schema) for path in sorted(folder.glob("generation-*.npz"))]
    found = [generation.index for generation in history]
    if found != list(range(1, len(found) + 1)):
        raise DataError(f"checkpoints must be numbered 1, 2, ... without a gap, got {found} in {folder}: start anew.")
    return history


def _read(path: Path, schema: Schema) -> Generation:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = dict(archive)
        record, width = json.loads(arrays.pop(RECORD).tobytes()), arrays["0/X"].shape[1]
    except (OSError, EOFError, ValueError, KeyError, IndexError, zipfile.BadZipFile) as error:
        raise DataError(f"a checkpoint must be a whole .npz file, and {path} is not ({error}): delete it.") from error
    if width != len(schema.columns):
        raise DataError(
            f"a checkpoint must have the columns of the data, got {width} instead of {len(schema.columns)} in {path}: "
            "resume with the data that the run began with."
        )
    return _generation(record, arrays, schema)


def _record(generation: Generation) -> dict[str, Any]:
    return {
        "index": generation.index,
        "regions": [_region_record(region) for region in generation.regions],
        "requests": generation.requests,
        "counts": generation.counts,
        "scores": {name: asdict(score) for name, score in generation.scores.items()},
        "challenger": {name: asdict(score) for name, score in generation.challenger.items()},
        "decision": asdict(generation.decision),
        "drift": generation.drift,
        "seconds": generation.seconds,
        "origins": [asdict(origin) for origin in generation.origins],
        "looks": generation.looks,
        "lanes": len(generation.lane_rows),
    }


def _region_record(region: Region) -> dict[str, Any]:
    rule = [
        {**vars(condition), "codes": None if condition.codes is None else sorted(condition.codes)}
        for condition in region.rule
    ]
    kept = ("text", "label", "rows", "positives")
    deficit = None if region.deficit is None else asdict(region.deficit)
    return {"rule": rule, "deficit": deficit, **{name: getattr(region, name) for name in kept}}


def _generation(record: Mapping[str, Any], arrays: Mapping[str, np.ndarray], schema: Schema) -> Generation:
    def table(number: int) -> Table:
        held = {name: arrays.get(f"{number}/{name}") for name in ARRAYS}
        return Table(schema=schema, **held)  # type: ignore[arg-type]

    return Generation(
        index=record["index"],
        regions=tuple(_region(region) for region in record["regions"]),
        requests=tuple((str(text), int(n)) for text, n in record["requests"]),
        counts=record["counts"],
        scores={name: Interval(**score) for name, score in record["scores"].items()},
        challenger={name: Interval(**score) for name, score in record["challenger"].items()},
        decision=Decision(**{**record["decision"], "difference": Interval(**record["decision"]["difference"])}),
        drift=record["drift"],
        seconds=record["seconds"],
        rows=table(0),
        origins=tuple(Origin(**origin) for origin in record["origins"]),
        looks=record["looks"],
        lane_rows=tuple(table(number) for number in range(1, record["lanes"] + 1)),
    )


def _region(record: Mapping[str, Any]) -> Region:
    rule = tuple(
        Condition(**{**side, "codes": None if side["codes"] is None else frozenset(side["codes"])})
        for side in record["rule"]
    )
    deficit = None if record["deficit"] is None else Interval(**record["deficit"])
    return Region(**{**record, "rule": rule, "deficit": deficit})
