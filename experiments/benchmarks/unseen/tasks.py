"""The tables of the benchmark: which patterns are hidden in each, and the rule book that states them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from experiments.benchmarks.unseen import simulated, subgroups, weeks
from experiments.benchmarks.unseen.cases import Case

CARD_FRAUD, SIMULATION = "card_fraud", "simulation"
TABLES = (CARD_FRAUD, *subgroups.SUBGROUPS, SIMULATION)
_BOOKS = Path(__file__).parents[2] / "configs" / "rules"


class MakesCase(Protocol):
    """Makes the rows of a part of a table."""

    def __call__(self, part: str, number: int, *, seen: bool) -> Case:
        """Return the rows of a part: a first training day, or the seed of a split.

        Parameters
        ----------
        part : str
        number : int
            Of the pattern that is measured.
        seen : bool
            Whether training rows show it.
        """
        ...


@dataclass(frozen=True)
class Task:
    """A table, its patterns by number from 1, and what is stated of them."""

    source: str  # of its rows, as `experiments.data.sources.load` names them
    book: Path
    patterns: Mapping[int, str]  # number -> scenario of the book
    case: MakesCase
    alike: bool = True  # whether training rows that show everything are the same for all patterns


def task_of(table: str, variant: str = weeks.RECORDED) -> Task:
    """Return the task of a table of `TABLES`; the variant is of card fraud alone."""
    if table == CARD_FRAUD:
        alike = variant == weeks.RECORDED
        return Task("suite:fraud_handbook", _BOOKS / "card_frauds.yaml", weeks.SCENARIOS, _weeks(variant), alike)
    if table == SIMULATION:
        return Task(SIMULATION, _BOOKS / "card_testing.yaml", {simulated.HIDDEN: simulated.SCENARIO}, _simulated)
    pattern = {subgroups.HIDDEN: subgroups.SUBGROUPS[table].scenario}
    return Task(f"suite:{table}", _BOOKS / f"{table}.yaml", pattern, _subgroup(table))


def _weeks(variant: str) -> MakesCase:
    def case(part: str, number: int, *, seen: bool) -> Case:
        return weeks.week_of(weeks.payments(number, variant), part, 0 if seen else number)

    return case


def _subgroup(table: str) -> MakesCase:
    def case(part: str, number: int, *, seen: bool) -> Case:
        return subgroups.subgroup_case(table, int(part), seen=seen)

    return case


def _simulated(part: str, number: int, *, seen: bool) -> Case:
    return simulated.simulated_case(int(part), seen=seen)
