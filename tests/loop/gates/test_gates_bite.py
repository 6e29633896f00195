"""Deliberately bad gates: each law must catch the fault it is there for."""

from collections.abc import Callable

import numpy as np
import pytest
from bites import Breaks, proofs

from loop.gates import Copies, Domain
from loop.testing import gates as laws
from loop.testing.gates import LAWS, Make
from loop.types import Table, Verdict

breaks = Breaks()


@breaks(laws.refuses_a_copied_row)
class KeepsAll:
    def judge(self, candidates: Table, reference: Table, rng: np.random.Generator) -> Verdict:
        return Verdict.refuse(np.zeros(len(candidates), dtype=bool), "never")


@breaks(laws.counts_add_up)
class RefusesWithoutReason(KeepsAll):
    def judge(self, candidates, reference, rng):
        return Verdict.refuse(np.isnan(candidates.X).any(axis=1), "")


@breaks(laws.leaves_its_inputs_alone)
class Scribbles(KeepsAll):
    def judge(self, candidates, reference, rng):
        np.nan_to_num(candidates.X, copy=False)
        return super().judge(candidates, reference, rng)


@breaks(laws.leaves_its_inputs_alone)
class ScribblesOnTheReference(KeepsAll):
    def judge(self, candidates, reference, rng):
        reference.weight[:] = 0
        return super().judge(candidates, reference, rng)


@breaks(laws.does_not_care_for_the_order_of_rows)
class RefusesTheFirst(KeepsAll):
    def judge(self, candidates, reference, rng):
        return Verdict.refuse(np.arange(len(candidates)) == 0, "too early")


@breaks(laws.refuses_as_many_duplicates_in_any_order)
class ComparesNeighboursOnly(KeepsAll):
    """Finds duplicates only where they happen to stand side by side."""

    def judge(self, candidates, reference, rng):
        equal = (candidates.X[1:, 1] == candidates.X[:-1, 1]) | (np.diff(candidates.X[:, 2]) == 0)
        return Verdict.refuse(np.append(False, equal)[: len(candidates)], "copy of a candidate")


@breaks(laws.takes_no_candidates)
class NeedsRows(KeepsAll):
    def judge(self, candidates, reference, rng):
        candidates.X.max(axis=0)
        return super().judge(candidates, reference, rng)


@breaks(laws.repeats_itself_with_the_same_seed)
class Restless(KeepsAll):
    def judge(self, candidates, reference, rng):
        return Verdict.refuse(np.random.default_rng().random(len(candidates)) < 0.5, "bad luck")


@breaks(laws.leaves_the_global_random_state_alone)
class DrawsFromTheGlobalState(KeepsAll):
    def judge(self, candidates, reference, rng):
        np.random.rand()  # noqa: NPY002
        return super().judge(candidates, reference, rng)


@breaks(laws.keeps_its_settings)
class Learns(KeepsAll):
    def __init__(self):
        self.seen = 0

    def judge(self, candidates, reference, rng):
        self.seen += len(candidates)
        return super().judge(candidates, reference, rng)


@breaks(laws.passes_real_rows)
class RefusesTheTails(Domain):
    def judge(self, candidates, reference, rng):
        return Verdict.refuse(candidates.X[:, 1] > np.quantile(reference.X[:, 1], 0.99), "out of range")


@breaks(laws.refuses_a_copied_row)
class ForgetsMissing(Copies):
    """Misses copies that hold missing values, because NaN differs from NaN."""

    def judge(self, candidates, reference, rng):
        equal = (candidates.X[:, None] == reference.X[None]).all(axis=2).any(axis=1)
        return Verdict.refuse(equal, "copy of a real row")


ALL_LAWS = (*LAWS, laws.passes_real_rows, laws.refuses_a_copied_row)
test_the_law_bites, test_every_law_is_proved_to_bite = proofs(
    breaks.pairs, ALL_LAWS, errors=(AssertionError, ValueError)
)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_the_stub_that_bad_gates_are_made_of_is_lawful(law: Callable[[Make], None]) -> None:
    law(KeepsAll)
