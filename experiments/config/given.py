"""Entries of ``supplies`` whose rows are given in a file without labels."""

import math
from pathlib import Path
from typing import Literal, Self

import pandas as pd
from pydantic import Field, model_validator

from experiments.config.part_sections import Line, Section
from generators.voting.book_votes import BookVotes
from loop.catalogue import ACQUISITIONS, LABELLERS
from loop.gates import Copies, Domain
from loop.supplies.given import GivenRows
from loop.supplies.supply import Supply

# A file has values beyond the range of the training rows, as real rows do; copies of a candidate are refused.
GATES = (Domain(margin=math.inf), Copies())
DOUBT = "doubt"


class TaughtRows(Section):
    """Rows of a file without labels: chosen by an acquisition, labelled by the teacher."""

    unlabelled: str  # path of a table with the columns of the data
    rows: int = Field(default=2000, ge=1, le=10_000_000)  # in the whole run
    acquisition: Literal["gap", "doubt", "random"] = "gap"
    licence: Line = None
    origin: Line = None

    @property
    def name(self) -> str:
        """Name of the supply."""
        return f"taught: {Path(self.unlabelled).name}"

    def make(self, frame: pd.DataFrame, notes: tuple[str, ...] = ()) -> Supply:
        """Return the supply of these rows of the file, with what is told of them."""
        return Supply(
            generator=GivenRows(frame, notes=notes),
            acquisition=ACQUISITIONS.make("entropy" if self.acquisition == DOUBT else self.acquisition),
            labeller=LABELLERS.make("teacher"),
            gates=GATES,
            name=self.name,
            rows=self.rows,
        )


class VotedRows(Section):
    """Rows of a file without labels that meet scenarios of a rule book, which label them."""

    book: str  # path of a rule book
    unlabelled: str  # path of a table with the columns of the data
    rows: int = Field(default=400, ge=1, le=10_000_000)  # in the whole run
    licence: Line = None
    origin: Line = None

    @model_validator(mode="after")
    def _readable(self) -> Self:
        _ = self.votes
        return self

    @property
    def name(self) -> str:
        """Name of the supply."""
        return f"stated: {Path(self.book).name} in {Path(self.unlabelled).name}"

    @property
    def votes(self) -> BookVotes:
        """What labels the rows."""
        return BookVotes(self.book)

    def make(self, frame: pd.DataFrame, notes: tuple[str, ...] = ()) -> Supply:
        """Return the supply of these rows of the file, with what is told of them."""
        return Supply(
            generator=GivenRows(frame, label=self.votes, notes=notes),
            acquisition=ACQUISITIONS.make("random"),
            labeller=LABELLERS.make("condition"),
            gates=GATES,
            name=self.name,
            rows=self.rows,
            aimed=False,
            stated=True,
        )
