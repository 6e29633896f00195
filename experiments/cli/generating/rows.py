"""Rows of a region and class from a fitted generator: what may be asked for, what came, and where it goes."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd

from experiments.data.arrays.text import with_texts
from experiments.data.columns import check_date_parts
from experiments.data.files import Reading
from experiments.data.sources import load
from experiments.report.progress import steps_shown
from experiments.storage import run_folder
from generators.common.persistence import Savable, name_of
from generators.rules.rules import Rules
from loop.data.encoding import check_range, decode, encode
from loop.data.schema import infer
from loop.errors import ConfigError, DataError
from loop.expressions.parser import parse
from loop.expressions.to_region import as_region
from loop.protocols import Gate
from loop.seeds import stream
from loop.types import Region, Request, Samples, Schema, Table

MOST_ROWS = 10_000_000
ROUNDS, LEAST_SHARE = 20, 0.02  # most rounds of replacing refused rows; least accepted share assumed
REPEATED = 0.1  # share of repeated rows above which a warning is given
BOOKS = (".yaml", ".yml")  # suffixes of rule books
DEFAULT = "tree_chain"  # its rows need no teacher to label them
UNLABELLED = ("neighbourhood", "imblearn")  # generators whose labels are copied and not checked
SAMPLING_METHODS = {
    "native": "drawn there by the generator itself",
    "seeds": "made from real rows",
    "importance": "weighted and drawn again",
    "rejection": "others thrown away",
}


@dataclass(frozen=True, eq=False)
class Delivery:
    """The rows as a frame, and how they were made."""

    frame: pd.DataFrame
    samples: Samples
    seconds: float
    refused: Mapping[str, int] = field(default_factory=dict)  # rows by the constraint that they broke first
    unchecked: bool = False  # labels come from the request or from parent rows, unchecked
    groups: tuple[str, ...] = ()  # what came for each group that was short of rows, a line each

    @property
    def summary(self) -> str:
        """How many rows were delivered, and how they were made, in one line."""
        samples, n = self.samples, len(self.frame)
        refused = f"; constraints refused {told(self.refused)}" if self.refused else ""
        return (
            f"{n:,} of {samples.request.n:,} rows of region {samples.request.region.text!r}, "
            f"{SAMPLING_METHODS[samples.sampling_method]}; "
            f"{samples.acceptance:.1%} of {samples.tried:,} drawn rows delivered, {self.seconds:.2f} seconds{refused}"
        )

    @property
    def warnings(self) -> list[str]:
        """Sentences about groups, missing rows, repeated rows, and labels that may be wrong."""
        labels = (
            "Warning: rows of this generator are proposals for a teacher to label, and their labels here are not "
            f"checked: where labels count, fit another one (--data FILE --generator {DEFAULT})."
        )
        return [*self.groups, *self._lacking(), *self._repeated(), *([labels] if self.unchecked else [])]

    def _repeated(self) -> list[str]:
        distinct, n = len(self.frame.drop_duplicates()), len(self.frame)
        if distinct >= (1 - REPEATED) * n:
            return []
        if distinct == 1:
            return [f"Warning: all {n:,} rows are equal: ask for a wider region, or use another --generator."]
        return [f"Warning: {distinct:,} of {n:,} rows are distinct, the others repeat them: ask for a wider region."]

    def _lacking(self) -> list[str]:
        if not self.samples.shortfall:
            return []
        shares = ", and classes may have other shares than in the region" if self.samples.request.label is None else ""
        lacking = f"Warning: {self.samples.shortfall:,} rows are lacking{shares}"
        if not self.refused:
            return [f"{lacking}: ask for fewer, or for a wider region."]
        return [f"{lacking}, constraints refused {told(self.refused)}: ask for fewer, or for another region."]


def told(refused: Mapping[str, int]) -> str:
    """Write how many rows broke which constraint."""
    return ", ".join(f"{count:,} by {rule!r}" for rule, count in refused.items())


def table_of(
    source: str,
    target: str | None,
    say: Callable[[str], None],
    reading: Reading | None = None,
    date_parts: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> Table:
    """Load all rows of a file or named source, and report the columns that are no features.

    Raises
    ------
    WeakspotError
        If the table breaks a rule.
    """
    reading = reading or Reading()
    dataset = with_texts(load(source, target, reading=reading), list(reading.text))
    roles = {"time column": dataset.time, "group column": dataset.group}
    aside = {column: role for role, column in roles.items() if column is not None}
    named = {"target": dataset.target, "time": dataset.time, "group": dataset.group}
    check_date_parts(dataset.frame, dataset.name, date_parts, named, reading.drop)
    schema = infer(
        dataset.frame,
        dataset.target,
        positive=dataset.positive,
        aside=aside,
        date_parts=date_parts,
        encoders=dataset.encoders,
    )
    for sentence in dataset.said:
        say(sentence)
    for column, reason in schema.excluded:
        say(f"excluded {column}: {reason}")
    table = encode(schema, dataset.frame)
    check_range(schema, table.X)
    return table


def of_book(book: Path, n: int, where: str | None, label: str | None, seed: int) -> pd.DataFrame:
    """Make a whole data set of n rows from a rule book alone.

    Raises
    ------
    ConfigError
        If the book breaks a rule, n is out of range, or a region or class is asked for.
    """
    check_n(n)
    if where is not None or label is not None:
        raise ConfigError(
            "a rule book alone makes whole data sets, got --where or --label: aim with --data FILE --generator BOOK."
        )
    return Rules(str(book)).generate(n, stream(seed, "generate"))


def check_n(n: int) -> None:
    """Raise ConfigError unless n is a number of rows that can be asked for."""
    if not 1 <= n <= MOST_ROWS:
        raise ConfigError(f"--n must be between 1 and {MOST_ROWS:,} rows, got {n:,}: choose another number.")


def request_of(schema: Schema, n: int, where: str | None, label: str | None) -> Request:
    """Make the request of a user.

    Parameters
    ----------
    schema : Schema
    n : int
        Rows wanted, 1 to `MOST_ROWS`.
    where : str or None
        Expression that describes a region; None = anywhere.
    label : str or None
        Name of a class; None = classes as they occur in the region.

    Raises
    ------
    ConfigError
        If n is out of range, or the expression describes no region of the schema.
    DataError
        If there is no such class.
    """
    check_n(n)
    names = [str(name) for name in schema.classes]
    if label is not None and label not in names:
        raise DataError(
            f"--label must be a class of {schema.target!r}, got {label!r}: choose one of {', '.join(names)}."
        )
    region = Region() if where is None else as_region(parse(where), schema)
    return Request(region, None if label is None else names.index(label), n)


def gate_of(folder: Path) -> Gate | None:
    """Return the gate of the constraints that a run was configured with, None if it has none.

    Parameters
    ----------
    folder : Path
        Of the run, or of the generator in it. A generator that was copied elsewhere has no constraints.

    Raises
    ------
    DataError
        If a run lacks its configuration.
    """
    folder = folder.resolve()
    within_run = folder.name == run_folder.GENERATOR and (folder.parent / run_folder.MARKER).is_file()
    config = (folder.parent if within_run else folder) / run_folder.CONFIG
    if not config.is_file():
        if within_run or (folder / run_folder.MARKER).is_file():
            raise DataError(f"a run must hold its {run_folder.CONFIG}, and {config} is not there: put it back.")
        return None
    from experiments.config.constraints import constraints
    from experiments.config.reader import load_config
    from experiments.config.run_config import RunConfig  # imported here: it loads the libraries of all learners

    entries = load_config(RunConfig, config).constraints
    return constraints(entries) if entries else None


def deliver(generator: Savable, request: Request, schema: Schema, seed: int, gate: Gate | None = None) -> Delivery:
    """Sample rows; those that a gate refuses are drawn again.

    Values that must be unique are checked among the new rows only, since the real rows are not available here.

    Parameters
    ----------
    generator : Savable
        A fitted generator.
    request : Request
    schema : Schema
        To decode the rows.
    seed : int
    gate : Gate, optional
        None = no row is refused.

    Raises
    ------
    DataError
        If not a single row could be delivered.
    """
    started, refused = time.perf_counter(), Counter[str]()
    rng = stream(seed, "generate")
    with steps_shown("drawing"):
        samples = generator.sample(request, rng) if gate is None else _obeying(generator, request, gate, rng, refused)
    if not len(samples.table) and refused:
        raise DataError(
            f"rows must obey the constraints of the run, and of region {request.region.text!r} none did "
            f"({told(refused)}): ask for a region that they leave room in, or change the constraints."
        )
    if not len(samples.table):
        raise DataError(
            f"a region must be one that the generator can reach, and it delivered 0 of {request.n:,} rows of "
            f"{request.region.text!r} after {samples.tried:,} draws: widen --where or ask for another --label."
        )
    unchecked = name_of(type(generator)) in UNLABELLED
    frame = decode(schema, samples.table)
    made = {name for each in schema.arrays if each.column in frame for name in each.names}
    frame = frame.drop(columns=[name for name in frame if name in made])  # constant ones are no features
    return Delivery(frame, samples, time.perf_counter() - started, refused, unchecked)


def _obeying(
    generator: Savable, request: Request, gate: Gate, rng: np.random.Generator, refused: Counter[str]
) -> Samples:
    """Replace refused rows, for at most `ROUNDS` rounds, and count the refusals.

    The more the gate refuses, the more rows a round draws. Classes keep the shares of the first draw, since a rule may
    refuse rows of one class more often than those of another.
    """

    def judged(rows: Table) -> Table:
        verdict = gate.judge(rows, rows.take(np.arange(0)), rng)
        refused.update(verdict.counts())
        kept = np.flatnonzero(verdict.keep)
        place = pd.Series(rows.y[kept]).groupby(rows.y[kept]).cumcount().to_numpy()
        return rows.take(kept[place < wanted[rows.y[kept]]])

    samples = generator.sample(request, rng)
    method, tried, kept = samples.sampling_method, samples.tried, samples.table
    drawn = np.bincount(kept.y, minlength=kept.n_classes)
    wanted = np.diff(np.round(np.cumsum(drawn) * request.n / max(len(kept), 1)), prepend=0).astype(np.int64)
    kept = judged(kept)
    for _ in range(ROUNDS):
        found = np.bincount(kept.y, minlength=kept.n_classes)
        asked = np.ceil((wanted - found) / np.maximum(found / np.maximum(drawn, 1), LEAST_SHARE)).astype(np.int64)
        if not asked.any():
            break
        for label in np.flatnonzero(asked).tolist():
            samples = generator.sample(replace(request, label=label, n=min(MOST_ROWS, int(asked[label]))), rng)
            tried, drawn[label] = tried + samples.tried, drawn[label] + len(samples.table)
            kept = Table.concat([kept, samples.table])
        kept = judged(kept)
    return Samples(kept.take(rng.permutation(len(kept))), request, tried, method)
