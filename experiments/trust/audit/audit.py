"""One audit: likeness, utility and privacy of a synthetic table, from its evidence."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from experiments.trust.audit.evidence import Evidence, Target, thinned
from experiments.trust.audit.likeness import Likeness, likeness
from experiments.trust.audit.privacy.copies import Copies, copies
from experiments.trust.audit.privacy.judging import Attacked, attacked
from experiments.trust.audit.utility import Utility, utility
from loop.errors import DataError
from loop.evaluation.drift import detection_auc
from loop.seeds import root, stream
from loop.types import Table

MOST = 20_000  # rows of each table that are looked at
LEAST = 20  # rows of each table
DIFFERENT = 0.05  # AUC above 0.5 by which members and controls must not differ by themselves, beside chance
SURE = 3.5  # standard errors of that AUC


@dataclass(frozen=True, eq=False)
class Findings:
    """What an audit found."""

    rows: tuple[tuple[str, int], ...]  # name of each table -> its rows
    likeness: Likeness
    utility: Utility | None  # None = not measured
    copies: Copies
    attacked: Attacked | None  # None = membership could not be tried
    differ: float | None  # AUC of trees that tell members from controls, if they differ by themselves
    said: tuple[str, ...]  # what the reader has to know of the rows, a sentence each


def audit(
    evidence: Evidence, rng: np.random.Generator, *, most: int = MOST, by: int | None = None, trained: bool = True
) -> Findings:
    """Audit a synthetic table.

    Parameters
    ----------
    evidence : Evidence
    rng : numpy.random.Generator
    most : int
        Rows of each table that are looked at; more are thinned at random, and that is said.
    by : int, optional
        Position of a column whose commonest values make groups, in which utility is told, too.
    trained : bool
        Whether models are trained to measure utility.

    Raises
    ------
    DataError
        If a table has fewer than `LEAST` rows.
    """
    seed = root(rng)
    tables = dict(_named(evidence))
    for name, table in tables.items():
        if len(table) < LEAST:
            raise DataError(f"an audit needs at least {LEAST} rows of each table, got {len(table)} {name}: add rows.")
    few = {name: thinned(table, most, stream(seed, "thinned", name)) for name, table in tables.items()}
    known, held_out, synthetic = (few[name] for name in ("real rows", "held-out rows", "synthetic rows"))
    target = None if evidence.target is None else _thinned(evidence.target, most, seed)
    cut = [
        f"{len(few[name]):,} of the {len(table):,} {name}" for name, table in tables.items() if table is not few[name]
    ]
    said = (*evidence.said, *([f"Only {', '.join(cut)}, drawn at random, are looked at."] if cut else []))
    return Findings(
        tuple((name, len(table)) for name, table in tables.items()),
        likeness(known, synthetic, stream(seed, "likeness")),
        utility(synthetic, known, held_out, stream(seed, "utility"), by) if trained else None,
        copies(known, held_out, synthetic, stream(seed, "copies")),
        None if target is None else attacked(target, stream(seed, "attacked")),
        None if target is None else _difference(target, stream(seed, "difference")),
        said,
    )


def _named(evidence: Evidence) -> Iterator[tuple[str, Table]]:
    yield "real rows", evidence.known
    yield "held-out rows", evidence.held_out
    yield "synthetic rows", evidence.synthetic
    if evidence.target is not None:
        for name in ("members", "controls", "reference"):
            yield name, getattr(evidence.target, name)


def _thinned(target: Target, most: int, seed: int) -> Target:
    names = ("members", "controls", "reference", "synthetic")
    return Target(*(thinned(getattr(target, name), most, stream(seed, "target", name)) for name in names))


def _difference(target: Target, rng: np.random.Generator) -> float | None:
    """Return how well trees tell members from controls without any synthetic row, if they do: then it is no leak."""
    rows = [np.column_stack([side.X, side.y]) for side in (target.members, target.controls)]
    found = detection_auc(rows[0], rows[1], rng)
    error = np.sqrt(sum(1 / min(len(side), 1_000) for side in rows) / 12)
    return found if found - 0.5 > max(DIFFERENT, SURE * float(error)) else None
