"""Which rows of a run are shown beside each other: real ones of weak regions, those kept, and those rolled back.

Rows that a gate refused are counted and not kept, so none is shown.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from experiments.arms.forms.form import kind_of
from experiments.report import figure_style
from loop.support import atomic
from loop.support.plain_json import Record
from loop.support.record_checks import listed, mapped, text
from loop.types import Generation, Region, Table

MOST = 12  # rows of a group
PICTURE, RECORDS = "samples.png", "samples.json"
check = listed(mapped(text))  # of records: strings by the titles of columns
Groups = Mapping[str, tuple[np.ndarray, Sequence[str]]]  # title -> entries (m, ...) and their captions


def show(train: Table, history: Sequence[Generation], regions: Sequence[Region], folder: Path) -> None:
    """Write a picture, or of texts records, of some rows into a folder of pictures; nothing for columns alone.

    Parameters
    ----------
    train : Table
        Real training rows.
    history : sequence of Generation
    regions : sequence of Region
        Weak regions, from which real rows are shown; none = from all.
    folder : Path
    """
    kind = kind_of(train.schema)
    if kind is None:
        return
    groups = dict(_groups(train, history, regions))
    if kind == "text":
        records: list[Record] = import_module(f"experiments.report.arrays.{kind}").samples(groups)
        atomic.write_json(folder / RECORDS, records)
        return
    figure: Figure = import_module(f"experiments.report.arrays.{kind}").figure(groups)
    figure_style.save(figure, folder / PICTURE)


def inlined(path: Path) -> str | None:
    """Return a picture as an address that holds it; None if there is none."""
    if not path.is_file() or path.is_symlink():
        return None
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"


def _groups(
    train: Table, history: Sequence[Generation], regions: Sequence[Region]
) -> Iterator[tuple[str, tuple[np.ndarray, Sequence[str]]]]:
    inside = np.zeros(len(train), dtype=bool)
    for region in regions:
        inside |= region.contains(train.rows)
    where = "real rows of weak regions" if inside.any() else "real rows"
    yield where, _some(train.take(inside if inside.any() else ~inside))
    for title, kept in (("new rows, kept", True), ("new rows, rolled back", False)):
        tables = [turn.rows for turn in history if turn.decision.kept == kept and len(turn.rows)]
        if tables:
            yield title, _some(Table.concat(tables))


def _some(table: Table) -> tuple[np.ndarray, Sequence[str]]:
    """Take rows spread over a table, half of the class to catch, with their classes."""
    order = np.argsort(table.y != table.schema.positive, kind="stable")
    half = min(MOST // 2, int((table.y == table.schema.positive).sum()))
    rest = order[half:]
    chosen = [*order[:half], *rest[np.linspace(0, len(rest) - 1, min(MOST - half, len(rest))).astype(int)]]
    few = table.take(np.sort(np.array(chosen, dtype=np.int64)))
    array = few.rows.arrays[table.schema.arrays[0].column]
    return array, [str(table.schema.classes[code]) for code in few.y]
