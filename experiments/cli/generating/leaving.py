"""Rows that leave: written, described, and noted where they come from."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from experiments.cli.generating import arrays
from experiments.cli.output import write
from experiments.trust import card
from experiments.trust.provenance.leaving import describe_rows, home_of, note, provenance_of
from experiments.trust.provenance.record import Terms
from loop.support import atomic
from loop.tracking.records import rows_marks
from loop.types import Table

NOT_TRIED = "This was not tried: see weakspot audit."


def leave(  # Wide: what made the rows, then where they go
    model: Path | None,
    data: str | None,
    out: Path | None,
    settings: Mapping[str, object],
    frame: pd.DataFrame,
    safe: bool,
    protected: bool = False,
    target: str = "",
    how: Sequence[str] = (),
    audit: str | None = None,
    made: Table | None = None,
    terms: Terms = Terms(),  # noqa: B008  (frozen)
) -> list[str | None]:
    """Write rows; to a file with description and data card beside it. Return what is to be said.

    A folder holds them in a file, and the arrays that rows have beside their columns as files of their own kind.
    """
    if out is None:
        return [write(frame, None, safe)]
    held = list[Path]()
    if not out.suffix and made is not None:
        held, out = arrays.write(made, out), out / arrays.ROWS
    made_from = provenance_of(model, data, settings, protected, terms)
    formulas = write(frame, out, safe, rows_marks(made_from.tags))
    beside = [describe_rows(out, frame, made_from, settings), out.with_name(out.name + card.ENDING)]
    told = card.card_of(f"{out.name}: synthetic rows", frame, target, made_from, how, audit or NOT_TRIED)
    atomic.write_text(beside[1], told.markdown)
    return [formulas, note(home_of(model), [out, *beside, *held], "generate")]
