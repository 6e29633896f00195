"""Supplies of rows from a file without labels: read and checked before any work, with what is told of them."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from experiments.config.given import TaughtRows, VotedRows
from experiments.labels.pool import Unlabelled, to_learn_from
from generators.voting.book_votes import BookVotes, Tally
from loop.cycle.parts import Parts
from loop.data.encoding import recipes, with_parts
from loop.data.intake import named
from loop.errors import DataError
from loop.seeds import stream
from loop.supplies.given import GivenRows
from loop.supplies.supply import Supply
from loop.types import Schema, Table

if TYPE_CHECKING:
    from experiments.run.inputs import RunInputs


def supply_of(entry: TaughtRows | VotedRows, inputs: "RunInputs", seed: int) -> Supply:
    """Return the supply of an entry: rows of its file that are neither training nor test rows.

    Raises
    ------
    ConfigError, DataError
        If the file cannot be read, lacks a column or holds no new row, or no row of it meets a scenario.
    """
    rows = to_learn_from(Path(entry.unlabelled), inputs, stream(seed, "given", entry.name))
    notes = list(rows.messages)
    if isinstance(entry, VotedRows):
        notes += _told_of_votes(entry.votes, entry.unlabelled, rows, inputs.train, seed)
    known = with_parts(recipes(inputs.schema), named(rows.frame))
    return entry.make(known[[*inputs.schema.names]], tuple(notes))


def notes(parts: Parts) -> Iterator[str]:
    """Yield what is told of given rows at the start of a run, a sentence each."""
    for supply in parts.supplies:
        if isinstance(supply.generator, GivenRows):
            yield from (f"{supply.name}: {note}" for note in supply.generator.notes)


def _told_of_votes(votes: BookVotes, file: str, rows: Unlabelled, train: Table, seed: int) -> Iterator[str]:
    """Tell how many rows each scenario labels, and how it does on the training rows that meet it."""
    tally, known = (votes.tally(train, each, stream(seed, "votes")) for each in (rows.rows, train.rows))
    n, labelled = len(rows.rows), int((~np.isnan(tally.proba[:, 0])).sum())
    if not labelled:
        raise DataError(
            f"rows must meet a scenario to be labelled by it, and none of {n:,} in {file} gets a label "
            f"({tally.conflicts:,} conflicts): widen what the scenarios state, or give other rows."
        )
    for number in range(len(tally.names)):
        yield _accuracy(tally, known, number, train.y, train.schema)
    conflicts = (
        f"; {tally.conflicts:,} that get different classes are left out" if tally.conflicts else "; no conflicts"
    )
    yield f"{labelled:,} of {n:,} rows get a label ({labelled / n:.1%}){conflicts}"


def _accuracy(tally: Tally, known: Tally, number: int, y: np.ndarray, schema: Schema) -> str:
    """Say how many rows meet a scenario, and how many labelled ones of these are of the class that it gives."""
    given = tally.given[number]
    code, met = int(given.argmax()), known.met[number]
    stated = f", {given[code]:.0%} is stated" if given[code] < 1 else ""
    right = int((y[met] == code).sum())
    return (
        f"scenario {tally.names[number]!r}: {tally.met[number].sum():,} rows meet it; of {met.sum():,} labelled rows "
        f"that meet it, {right:,} are of class {schema.classes[code]!r}{stated}"
    )
