"""One stress of a model: the patterns of a book and of regions, their price in false alarms, and the book's checks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from experiments.stress.cases import Case, stated, within
from experiments.stress.checks import Tried, check_fits, limit_masks, tried
from experiments.stress.regions import weak_regions
from experiments.stress.subject import Subject
from generators.rules.checks import Checks
from generators.rules.reading import read_book
from loop.errors import ConfigError, DataError
from loop.expressions.parser import parse
from loop.expressions.to_region import as_region
from loop.seeds import stream
from loop.types import Region

KEPT = 10_000  # real rows at most that are tried and kept: the false alarms of another model are counted on them


@dataclass(frozen=True)
class Asked:
    """What is asked of a model: patterns by book and regions, rows of each, and the share that must be caught."""

    content: Mapping[str, Any] | None = None  # of a rule book
    where: str | None = None
    regions: bool = False  # the weak regions that the run has recorded
    rows: int = 1000
    fail_under: float | None = None
    seed: int = 0


@dataclass(frozen=True)
class Alarms:
    """What an operating point costs: honest real rows that are alarmed."""

    share: float  # of the honest rows
    per_1000: float  # of all rows
    a_day: float | None  # None = the rows have no dates


@dataclass(frozen=True, eq=False)
class Findings:
    """What a stress has found."""

    subject: Subject
    asked: Asked
    cases: tuple[Case, ...]
    alarms: tuple[Alarms, ...]  # one for each operating point
    checks: Checks
    tried: tuple[Tried, ...]
    said: tuple[str, ...]
    kept: pd.DataFrame  # at most `KEPT` of the real rows, in random order
    checked: pd.DataFrame  # rows that the checks were tried on: those made, and the first of the kept ones

    @property
    def judged(self) -> tuple[Case, ...]:
        """Cases whose labels are known: they can fail."""
        return tuple(case for case in self.cases if case.kind != "generated")

    @property
    def holes(self) -> tuple[Case, ...]:
        """Cases of which too few rows are handled rightly at the first operating point."""
        least = self.asked.fail_under
        return () if least is None else tuple(case for case in self.judged if case.recalls[0].estimate < least)


def stress(subject: Subject, asked: Asked) -> Findings:
    """Put a model under stress.

    Parameters
    ----------
    subject : Subject
    asked : Asked

    Raises
    ------
    ConfigError
        If nothing is asked, the book or region does not fit the table, or weak regions are asked of a model alone.
    DataError
        If nothing could be judged, or the run has recorded no weak regions.
    """
    schema, checks, regions = subject.real.schema, Checks(), _regions(subject, asked)
    if asked.content is not None:
        checks = read_book(asked.content).checks
        check_fits(checks, schema)
    cases = [] if asked.content is None else list(stated(subject, asked.content, asked.rows, asked.seed))
    for name, region in regions.items():
        cases += within(subject, name, region, asked.rows, asked.seed)
    if asked.fail_under is not None and not any(case.kind != "generated" for case in cases):
        raise DataError("--fail-under needs rows of known class, and there are none here: add a scenario to --book.")
    order = stream(asked.seed, "stress", "real").permutation(len(subject.frame))[:KEPT]
    kept = subject.frame.iloc[order].reset_index(drop=True)
    checked = checked_rows(subject, cases, kept, asked.rows)
    found = tuple(tried(checks, schema, subject.scores, checked)) if checks.any else ()
    alarms = tuple(_alarms(subject, point.threshold) for point in subject.points)
    said = (*subject.said, *_missing(subject, regions, cases))
    return Findings(subject, asked, tuple(cases), alarms, checks, found, said, kept, checked)


def checked_rows(subject: Subject, cases: list[Case], kept: pd.DataFrame, rows: int) -> pd.DataFrame:
    """Return the features of the rows made, then of the first real rows kept."""
    made = [case.frame for case in cases if case.kind != "real"]
    features = list(subject.real.schema.names)
    return pd.concat([*made, kept.iloc[:rows]], ignore_index=True)[features]


def limits_of(findings: Findings, frame: pd.DataFrame) -> list[np.ndarray]:
    """Return which rows of a frame each limit of the book is about, (n,) bool each."""
    schema = findings.subject.real.schema
    return limit_masks(check_fits(findings.checks, schema), schema, frame)


def _regions(subject: Subject, asked: Asked) -> dict[str, Region]:
    """Return the regions that are asked for, by name."""
    if asked.content is None and asked.where is None and not asked.regions:
        raise ConfigError("a stress must have patterns, got none: give --book FILE, --where EXPRESSION or both.")
    regions = {} if asked.where is None else {asked.where: as_region(parse(asked.where), subject.real.schema)}
    return regions | ({region.text: region for region in weak_regions(subject)} if asked.regions else {})


def _missing(subject: Subject, regions: Mapping[str, Region], cases: list[Case]) -> list[str]:
    """Say which rows of the regions are lacking."""
    schema, said = subject.real.schema, []
    for name, region in regions.items():
        label = schema.positive if region.label is None else region.label
        kinds = {case.kind for case in cases if case.name == name}
        if "real" not in kinds:
            said.append(f"{name}: no real row of class {schema.classes[label]} is there")
        if "generated" not in kinds:
            said.append(f"{name}: no rows were generated, as no generator is saved that reaches it")
    if any(case.kind == "generated" for case in cases):
        said.append("rows generated start from training rows, and their class is not checked: they are not judged")
    return said


def _alarms(subject: Subject, threshold: float) -> Alarms:
    alarmed = (subject.score >= threshold) & subject.honest
    share = float(alarmed.mean())
    a_day = None if subject.pace is None else share * subject.pace
    return Alarms(float(alarmed[subject.honest].mean()), 1000 * share, a_day)
