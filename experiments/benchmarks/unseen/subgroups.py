"""Public tables that are no card fraud: the positives of one subgroup, nearly all of which is positive, are hidden.

The subgroups were chosen by their plain meaning and by their share of positives, before any model was fitted.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from experiments.benchmarks.unseen.cases import NONE, OTHER, Case
from experiments.data.sources import load
from experiments.data.split import Split

TARGET = "target"
_ASIDE = "split"  # column of adult that says to which of its published parts a row belongs


@dataclass(frozen=True)
class Subgroup:
    """Rows that are nearly all positive."""

    scenario: str  # that states them, in the rule book of the table
    where: str  # as `DataFrame.eval` reads it


SUBGROUPS: Mapping[str, Subgroup] = {
    "adult": Subgroup("capital_gain", "capital_gain >= 7000"),  # 2,055 rows, 99 % positive
    "shoppers": Subgroup("valuable_pages", "PageValues >= 50"),  # 408 rows, 81 % positive
}
HIDDEN = 1  # number of the pattern


def subgroup_case(table: str, seed: int, *, seen: bool) -> Case:
    """Split a table 60/40 at random and stratified; without ``seen``, training lacks the positives of the subgroup.

    Raises
    ------
    DataError
        If the table is missing.
    """
    told = load(f"suite:{table}", TARGET)
    dataset = replace(told, frame=told.frame.drop(columns=_ASIDE, errors="ignore"))
    positive = (dataset.frame[TARGET] == 1).to_numpy()
    inside = np.asarray(dataset.frame.eval(SUBGROUPS[table].where), dtype=bool)
    kind = np.where(positive, np.where(inside, HIDDEN, OTHER), NONE)
    whole = Split.of(dataset, seed)
    return Case.at(dataset, whole.train.row_number, whole.test.row_number, kind, NONE if seen else HIDDEN)


def split_of(table: str, seed: int) -> Split:
    """Return a split of a table whose training rows lack the positives of the subgroup."""
    return subgroup_case(table, seed, seen=False).split
