"""The usual parts for one kind of array: what the loop trains, what teaches it, makes rows, and must be beaten."""

from dataclasses import dataclass
from importlib import import_module
from typing import cast

from experiments.arms.kind import Kind
from loop.catalogue import ENCODERS
from loop.protocols import Generator, Learner
from loop.types import Schema

LANES = 3  # of rows with arrays, unless others are given: their learners take long to fit
KINDS = {"pixels": "images", "curves": "series", "words": "text"}  # by the encoder; each has a file beside this one


@dataclass(frozen=True, eq=False)
class Form:
    """Unfitted parts for rows whose first array has one kind of encoder."""

    learner: Learner
    members: tuple[Learner, ...]  # of the teacher's committee
    generator: Generator
    kinds: tuple[Kind, ...]  # plain models on real rows alone, with what others would use instead of the loop


def form_of(schema: Schema) -> Form | None:
    """Return the usual parts for the rows of a schema; None = they are columns alone, or their arrays are unknown."""
    kind = kind_of(schema)
    return None if kind is None else cast(Form, import_module(f"experiments.arms.forms.{kind}").form())


def kind_of(schema: Schema) -> str | None:
    """Return what the first array of rows is: images, series or text; None = they have none that is known."""
    names = (ENCODERS.name_of(type(array.encoder)) for array in schema.arrays[:1])
    return next((KINDS[name] for name in names if name in KINDS), None)
