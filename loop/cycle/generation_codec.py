"""A `Generation` as a record of plain values beside its arrays, and back.

Checkpoint, journal, MLflow and report use the same record.
A record is checked as a whole before it is used: types, ranges, shapes, and that it holds nothing else.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from loop.cycle.lanes import DELIVERABLE
from loop.data.value_grid import SINGLE, values_fault
from loop.errors import DataError
from loop.rows import Rows
from loop.support import record_checks as checks
from loop.support.plain_json import Record, plain
from loop.types import Condition, Decision, Generation, Interval, Origin, Region, Schema, Table

ARRAYS = {  # of a table: kinds of dtype, dimensions
    "X": ("f", 2),
    "y": ("iu", 1),
    "weight": ("f", 1),
    "soft": ("f", 2),
    "generation": ("iu", 1),
    "supply": ("iu", 1),
    "parents": ("iu", 2),
}
BESIDE = "arrays"  # what rows hold beside their columns is written as NUMBER/arrays/NAME
KINDS_BESIDE = "biufU"  # of dtypes: what NumPy reads without pickle
LEAST = {"y": 0, "weight": 0, "soft": 0, "generation": 1, "supply": 0, "parents": -1}
CLOSE = 1e-6  # how far from one the sum of a soft label may be

interval = checks.fields(
    {"estimate": checks.number, "low": checks.number, "high": checks.number, "level": checks.amount}
)
_condition = checks.fields(
    {
        "column": checks.count,
        "low": checks.bound,
        "high": checks.bound,
        "codes": checks.optional(checks.listed(checks.count)),
        "missing": checks.flag,
    },
)
_region = checks.fields(
    {
        "rule": checks.listed(_condition),
        "text": checks.text,
        "label": checks.optional(checks.count),
        "class": checks.optional(checks.scalar),
        "rows": checks.count,
        "positives": checks.count,
        "deficit": checks.optional(interval),
    }
)
_decision = checks.fields(
    {"kept": checks.flag, "reason": checks.text, "difference": interval, "expected": checks.number}
)
_origin = checks.fields(
    {"generation": checks.integer(1), "lane": checks.integer(-1)}
    | dict.fromkeys(("supply", "region", "label", "generator", "acquisition", "labeller"), checks.text)
)
shape = checks.fields(
    {
        "index": checks.integer(1),
        "supply": checks.text,
        "regions": checks.listed(_region),
        "requests": checks.listed(checks.listed(checks.anything, 2)),
        "counts": checks.mapped(checks.count),
        "scores": checks.mapped(interval),
        "challenger": checks.mapped(interval),
        "decision": _decision,
        "drift": checks.mapped(checks.number),
        "seconds": checks.mapped(checks.amount),
        "evaluations": checks.count,
        "n_rows": checks.count,
        "origins": checks.listed(_origin),
        "lanes": checks.count,
    }
)


def to_record(generation: Generation) -> Record:
    """Return everything of a generation except its arrays, as values that JSON can hold.

    Seed rows of regions are left out: no later generation needs them.
    """
    classes = generation.rows.schema.classes
    record: Record = plain(
        {
            "index": generation.index,
            "supply": generation.supply,
            "regions": [_region_record(region, classes) for region in generation.regions],
            "requests": generation.requests,
            "counts": generation.counts,
            "scores": {name: asdict(score) for name, score in generation.scores.items()},
            "challenger": {name: asdict(score) for name, score in generation.challenger.items()},
            "decision": asdict(generation.decision),
            "drift": generation.drift,
            "seconds": generation.seconds,
            "evaluations": generation.evaluations,
            "n_rows": len(generation.rows),
            "origins": [asdict(origin) for origin in generation.origins],
            "lanes": len(generation.lane_rows),
        }
    )
    return record


def to_arrays(generation: Generation) -> dict[str, np.ndarray]:
    """Return the arrays of a generation under names such as ``0/X``: table 0 holds its rows, the others its lanes'.

    What rows hold beside their columns comes under names such as ``0/arrays/image``.
    """
    held: dict[str, np.ndarray] = {}
    for place, table in enumerate([generation.rows, *generation.lane_rows]):
        held |= {f"{place}/{name}": getattr(table, name) for name in ARRAYS if getattr(table, name) is not None}
        held |= {f"{place}/{BESIDE}/{name}": array for name, array in table.rows.arrays.items()}
    return held


def from_record(record: Any, arrays: Mapping[str, object], schema: Schema) -> Generation:
    """Rebuild a generation from what `to_record` and `to_arrays` returned, once all of it has been checked.

    Parameters
    ----------
    record : object
        The record as read from JSON.
    arrays : mapping of str to ndarray
        Its arrays by name.
    schema : Schema
        Schema of the rows, the same as when the record was made.

    Raises
    ------
    DataError
        If anything is missing, of another type, out of range or not expected; the message names the place, the rule and
        the value, and the caller adds the file and the way out.
    """
    held = shape(record, "the record")
    regions = regions_of(held, schema)
    requests = tuple(
        (checks.text(name, "the record.requests"), checks.count(n, "the record.requests"))
        for name, n in held["requests"]
    )
    tables = _tables(arrays, schema, held)
    generation = Generation(
        index=held["index"],
        regions=regions,
        requests=requests,
        counts=held["counts"],
        scores=_intervals(held["scores"]),
        challenger=_intervals(held["challenger"]),
        decision=_decision_of(held["decision"]),
        drift=held["drift"],
        seconds=held["seconds"],
        rows=tables[0],
        origins=tuple(_built(Origin, origin) for origin in held["origins"]),
        evaluations=held["evaluations"],
        lane_rows=tuple(tables[1:]),
        supply=held["supply"],
    )
    written = to_record(generation)
    if odd := sorted(str(name) for name in {*written, *held} if written.get(name) != record.get(name)):
        raise DataError(
            f"the record must hold what goes with its arrays and nothing else, got others in {odd[0][:40]!r}"
        )
    return generation


def regions_of(held: Record, schema: Schema) -> tuple[Region, ...]:
    """Rebuild the regions of a record that `shape` has taken; raises DataError unless they fit the schema."""
    for position, region in enumerate(held["regions"]):
        _check_codes(region, schema, f"the record.regions.{position}")
    return tuple(_region_of(region) for region in held["regions"])


def _region_record(region: Region, classes: tuple[object, ...]) -> Record:
    rule = [{**vars(side), "codes": None if side.codes is None else sorted(side.codes)} for side in region.rule]
    return {
        "rule": rule,
        "text": region.text,
        "label": region.label,
        "class": None if region.label is None else classes[region.label],
        "rows": region.rows,
        "positives": region.positives,
        "deficit": None if region.deficit is None else asdict(region.deficit),
    }


def _region_of(held: Record) -> Region:
    rule = tuple(
        _built(Condition, {**side, "codes": None if side["codes"] is None else frozenset(side["codes"])})
        for side in held["rule"]
    )
    deficit = None if held["deficit"] is None else _built(Interval, held["deficit"])
    return Region(rule, held["text"], held["label"], held["rows"], held["positives"], deficit)


def _decision_of(held: Record) -> Decision:
    return Decision(held["kept"], held["reason"], _built(Interval, held["difference"]), held["expected"])


def _intervals(held: Mapping[str, Record]) -> dict[str, Interval]:
    return {name: _built(Interval, each) for name, each in held.items()}


def _built(kind: Any, held: Record) -> Any:
    """Create a dataclass from the keys that are its fields; others are found when it is written again and compared."""
    return kind(**{name: held[name] for name in kind.__dataclass_fields__})


def _check_codes(region: Record, schema: Schema, place: str) -> None:
    checks.optional(checks.integer(0, schema.n_classes - 1))(region["label"], f"{place}.label")
    for side in region["rule"]:
        checks.integer(0, len(schema.columns) - 1)(side["column"], f"{place}.rule.column")


def _tables(arrays: Mapping[str, object], schema: Schema, held: Record) -> list[Table]:
    numbers = range(held["lanes"] + 1)
    known = {f"{number}/{name}" for number in numbers for name in ARRAYS} if held["lanes"] <= len(arrays) else set()
    if unknown := sorted(name for name in set(arrays) - known if not _is_beside(name, held["lanes"])):
        raise DataError(f"arrays must be those of {held['lanes']} lanes, got {unknown[0][:40]!r} besides")
    tables = [_table(arrays, number, schema) for number in numbers]
    for place, table in enumerate(tables):
        if (table.generation != held["index"]).any():  # 0 would pass them for real rows
            raise DataError(f"{place}/generation must be {held['index']}, as in the record, in every row, and is not")
    for origin in held["origins"]:
        if (origin["generation"], origin["lane"]) != (held["index"], DELIVERABLE):
            raise DataError(f"origins must be of generation {held['index']} and lane {DELIVERABLE}, and one is not")
    if len(tables[0]) and tables[0].supply.max() >= len(held["origins"]):
        raise DataError(f"0/supply must be below {len(held['origins'])}, the origins, got {tables[0].supply.max()}")
    return tables


def _table(arrays: Mapping[str, object], number: int, schema: Schema) -> Table:
    taken = {}
    for name in ARRAYS:
        if f"{number}/{name}" in arrays:
            taken[name] = _array(arrays[f"{number}/{name}"], name, f"{number}/{name}")
        elif name != "soft":
            raise DataError(f"the array {number}/{name} must be there, and is not")
    n, widths = len(taken["X"]), {"X": len(schema.columns), "soft": schema.n_classes}
    widths["parents"] = taken["parents"].shape[1]  # of the row with the most parents
    for name, array in taken.items():
        wanted = (n, widths[name]) if name in widths else (n,)
        if array.shape != wanted:
            raise DataError(
                f"{number}/{name} must have the columns of the data and one row each, got {array.shape}"
                f" instead of {wanted}"
            )
    if n and taken["y"].max() >= schema.n_classes:
        raise DataError(f"{number}/y must be below {schema.n_classes}, the classes, got {taken['y'].max()}")
    if "soft" in taken and (np.abs(taken["soft"].sum(axis=1) - 1) > CLOSE).any():
        raise DataError(f"every row of {number}/soft must sum to 1, and one does not")
    faults = (values_fault(x, column) for x, column in zip(taken["X"].T, schema.columns, strict=True))
    if fault := next(filter(None, faults), None):
        raise DataError(f"columns of {number}/X must {fault}")
    rows = Rows(taken.pop("X"), _beside(arrays, f"{number}/{BESIDE}/", n))
    return Table(rows, schema=schema, **taken)


def _is_beside(name: str, lanes: int) -> bool:
    """Tell whether an array's name is that of one which the rows of a lane hold beside their columns."""
    number, _, rest = name.partition("/")
    folder, _, own = rest.partition("/")
    return folder == BESIDE and own != "" and number in map(str, range(lanes + 1))


def _beside(arrays: Mapping[str, object], prefix: str, n: int) -> dict[str, np.ndarray]:
    held = {}
    for place, array in arrays.items():
        if not place.startswith(prefix):
            continue
        if not isinstance(array, np.ndarray) or array.dtype.kind not in KINDS_BESIDE or array.shape[:1] != (n,):
            got = f"{array.dtype} of shape {array.shape}" if isinstance(array, np.ndarray) else type(array).__name__
            raise DataError(f"{place[:40]} must be numbers or texts with one entry for each of {n} rows, got {got}")
        held[place.removeprefix(prefix)] = array
    return held


def _array(array: object, name: str, place: str) -> np.ndarray:
    kinds, dimensions = ARRAYS[name]
    if not isinstance(array, np.ndarray) or array.dtype.kind not in kinds or array.ndim != dimensions:
        got = f"{array.ndim} dimensions of {array.dtype}" if isinstance(array, np.ndarray) else type(array).__name__
        raise DataError(
            f"{place} must be {dimensions} dimensions of {'whole ' if 'i' in kinds else ''}numbers, got {got}"
        )
    if name in LEAST and not ((array >= LEAST[name]) & (array <= SINGLE)).all():
        raise DataError(f"{place} must be finite and not below {LEAST[name]} anywhere, and is")
    return array
