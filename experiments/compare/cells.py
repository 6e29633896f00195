"""The files of a comparison's cells: their names, and what they must hold to count as finished."""

from collections.abc import Mapping
from functools import partial
from importlib.metadata import version
from pathlib import Path

from experiments.arms.names import REAL_ONLY, is_loop
from experiments.arms.scoring import METRICS
from experiments.config.run_config import CompareConfig, RunConfig
from experiments.data.sources import stamp_of
from experiments.storage.result_cache import Records, digest, found
from loop.errors import DataError
from loop.support import record_checks as checks
from loop.support.plain_json import Record

CELLS = "cells"  # folder that comparisons share
DATASET = checks.fields(
    {
        **dict.fromkeys(("name", "digest", "source", "context"), checks.text),
        "columns": checks.mapped(checks.text),
        "profile": checks.mapped(checks.count),
    },
    known_only=True,
)
NO_METRICS: Mapping[str, checks.Check] = {  # keys of a row that are not metrics
    **dict.fromkeys(("source", "table", "arm", "note", "split"), checks.text),
    **dict.fromkeys(("cheap", "plain"), checks.flag),
    "seed": checks.count,
    "generations": checks.listed(checks.number),
    "datasets": checks.listed(DATASET),
}
NEEDED = ("source", "table", "arm", "note", "split", "seed", "seconds_fit", *METRICS)


def identity_of(config: RunConfig) -> Record:
    """Return all settings that the rows of a cell depend on."""
    content: Record = config.model_dump(mode="json", exclude={"tracking", "out"})
    return content | {"version": version("weakspot"), "file": stamp_of(config.data.source), "files": config.files()}


def cell_file(out: Path, config: RunConfig) -> Path:
    """Return the file in which the rows of a cell are kept under ``out``."""
    return out / CELLS / f"{digest(identity_of(config))}.json"


def finished(out: Path, config: RunConfig) -> Records | None:
    """Return the rows of a finished cell, None if its file is missing or does not hold them."""
    return found(cell_file(out, config), partial(check, config=config))


def cells_left(config: CompareConfig) -> tuple[list[RunConfig], int]:
    """Return the cells of a comparison that are still to be run, and how many are finished."""
    runs = config.runs()
    left = [run for run in runs if finished(config.out, run) is None]
    return left, len(runs) - len(left)


def check(rows: Records, config: RunConfig) -> None:
    """Refuse rows that a cell of this configuration cannot have made.

    Raises
    ------
    DataError
        If a row lacks a key, a value has another type, an arm is there twice, or the loop or real rows alone are not.
    """
    for number, row in enumerate(rows):
        row_checks = {name: NO_METRICS.get(name, checks.optional(checks.number)) for name in {*row, *NEEDED}}
        checks.fields(row_checks)(row, f"row {number}")
        if (row["source"], row["seed"]) != (config.data.source, config.loop.seed):
            raise DataError(f"row {number} must be of this source and seed")
    arms = [row["arm"] for row in rows]
    if len(set(arms)) < len(arms) or REAL_ONLY not in arms or not any(map(is_loop, arms)):
        raise DataError("a cell must hold each arm once, real rows alone and a loop among them")
