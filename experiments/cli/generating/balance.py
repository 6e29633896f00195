"""Rows for the smallest groups of some columns, and what came of the shares asked for."""

import time

from experiments.cli.generating.fit import Fitted
from experiments.cli.generating.rows import UNLABELLED, Delivery
from experiments.report.progress import steps_shown
from experiments.trust.fairness.balance import balanced
from generators.common.persistence import name_of
from loop.data.encoding import decode
from loop.errors import ConfigError, DataError
from loop.seeds import stream
from loop.types import Region, Request, Samples


def deliver_balanced(fitted: Fitted, columns: str, request: Request, seed: int) -> Delivery:
    """Make rows so that real and new ones together spread over the groups as evenly as the number allows.

    Parameters
    ----------
    fitted : Fitted
        With the real rows behind it, whose groups are counted.
    columns : str
        Their names, by commas.
    request : Request
        How many rows, and of which class; anywhere.
    seed : int

    Raises
    ------
    ConfigError
        If the real rows are protected.
    DataError
        If a column makes no groups, or not a single row came.
    """
    if fitted.table is None:
        raise ConfigError(
            "--balance must count the real rows of each group, and those of private_tree are protected: leave it out, "
            "and ask for groups with --where."
        )
    started, names = time.perf_counter(), [name.strip() for name in columns.split(",") if name.strip()]
    if len(set(names)) < len(names) or not names:
        raise ConfigError(f"--balance must name each column once, got {columns!r}: write sex,race, say.")
    with steps_shown("drawing"):
        made = balanced(
            fitted.generator, fitted.table, names, request.n, request.label, stream(seed, "generate", "balance")
        )
    if not len(made.rows):
        raise DataError(f"rows must come for one group at least, and none came for those of {columns}: name others.")
    region = Region((), f"the smallest groups of {', '.join(names)}")
    samples = Samples(made.rows, Request(region, request.label, request.n), request.n)
    unchecked = name_of(type(fitted.generator)) in UNLABELLED
    frame = decode(fitted.schema, made.rows)
    return Delivery(frame, samples, time.perf_counter() - started, {}, unchecked, tuple(made.lines))
