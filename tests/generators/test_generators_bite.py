"""Deliberately bad generators: each law must catch the fault it is there for."""

import pickle
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from bites import proofs

from generators import Neighbourhood, Resample
from loop.rows import Rows
from loop.testing.generators import (
    COPYING_LAWS,
    LAWS,
    SLOW_LAWS,
    Make,
    conditioning,
    honesty,
    learning,
    reproducibility,
    values,
)
from loop.types import Region, Request, Samples, Table


@dataclass
class Tampered(Resample):
    """A good generator whose rows pass through ``tamper`` before they are delivered."""

    def sample(self, request, rng):
        samples = super().sample(request, rng)
        return replace(samples, table=self.tamper(samples.table, request))

    def tamper(self, rows: Table, request: Request) -> Table:
        return rows


class IgnoresRegion(Resample):
    def sample(self, request, rng):
        return replace(super().sample(replace(request, region=Region()), rng), request=request)


class ConditionsOnFirstColumnOnly(Resample):
    """The fault of a well-known conditional network."""

    def sample(self, request, rng):
        first = tuple(condition for condition in request.region.rule if condition.column == 0)
        return replace(super().sample(replace(request, region=Region(first)), rng), request=request)


class DeliversNothing(Tampered):
    def tamper(self, rows, request):
        return rows.take(np.arange(0))


class IgnoresLabel(Resample):
    def sample(self, request, rng):
        return replace(super().sample(replace(request, label=None), rng), request=request)


class BalancesClasses(Resample):
    """The fault of drawing classes by their log frequency."""

    def sample(self, request, rng):
        label = int(rng.integers(2)) if request.label is None else request.label
        half = super().sample(replace(request, label=label), rng)
        if request.label is not None:
            return half
        other = super().sample(replace(request, label=1 - label, n=request.n // 2), rng)
        keep = np.arange(request.n - request.n // 2)
        return Samples(Table.concat([half.table.take(keep), other.table]), request, request.n)


class LosesRareClasses(Tampered):
    def tamper(self, rows, request):
        return rows if request.label is not None else replace(rows, y=np.zeros_like(rows.y))


class ConditionsOnFirstDiscreteColumnOnly(Resample):
    """The fault of the same network, where the first discrete column is not the first of all."""

    def sample(self, request, rng):
        early = tuple(condition for condition in request.region.rule if condition.column < 5)
        return replace(super().sample(replace(request, region=Region(early)), rng), request=request)


class RejectsWithoutTryingAgain(Resample):
    def sample(self, request, rng):
        drawn = super().sample(replace(request, region=Region()), rng)
        return replace(drawn, table=drawn.table.take(request.region.contains(drawn.table.rows)), request=request)


class LabelsByThePrior(Tampered):
    """Rows inside, labels from anywhere."""

    def tamper(self, rows, request):
        prior = self.table_.y[: len(rows)]
        return rows if request.label is not None else replace(rows, y=prior)


@dataclass
class SaysItWent(Resample):
    sampling_method: str = "by magic"

    def sample(self, request, rng):
        return replace(super().sample(request, rng), sampling_method=self.sampling_method)


class CopiesOneRow(Tampered):
    def tamper(self, rows, request):
        return rows.take(np.zeros(len(rows), dtype=int))


class LoadsHalf(Resample):
    @classmethod
    def load(cls, folder):
        table = super().load(folder).table_
        return cls().fit(table.take(np.arange(len(table) // 2)), np.random.default_rng(0))


class ForgetsRowNumbers(Resample):
    @classmethod
    def load(cls, folder):
        table = super().load(folder).table_
        return cls().fit(Table.real(table.X, table.y, table.schema), np.random.default_rng(0))


class Pickles(Resample):
    def save(self, folder):
        folder.write_bytes(pickle.dumps(self.table_))

    @classmethod
    def load(cls, folder):
        return cls().fit(pickle.loads(folder.read_bytes()), np.random.default_rng(0))


class DeliversTooMany(Tampered):
    def tamper(self, rows, request):
        return Table.concat([rows, rows])


class ForgetsHowManyItTried(Resample):
    def sample(self, request, rng):
        return replace(super().sample(request, rng), tried=0)


class DrawsItsOwnSeed(Resample):
    def sample(self, request, rng):
        return super().sample(request, np.random.default_rng())


class StoresItsSeed(Resample):
    def sample(self, request, rng):
        return super().sample(request, np.random.default_rng(0))


class DrawsPrivateNoiseFromItsSeed(Resample):
    """Who knows the seed could take the noise off again."""

    def fit(self, table, rng):
        rng.random()
        return super().fit(table, rng)

    def privacy(self):
        return "private"


class UsesGlobalState(Resample):
    def sample(self, request, rng):
        return super().sample(request, np.random.default_rng(np.random.randint(2**31)))  # noqa: NPY002


class HashesStrings(Resample):
    """Strings hash differently in each process."""

    def sample(self, request, rng):
        return super().sample(request, np.random.default_rng(abs(hash("resample"))))


class OneSeedForAllClasses(Resample):
    """The fault of an integer seed in imbalanced-learn."""

    def sample(self, request, rng):
        rows = np.flatnonzero(self.table_.y == request.label)
        return Samples(self.table_.take(rng.choice(rows, size=request.n)), request, request.n)


class FillsInPlace(Resample):
    def fit(self, table, rng):
        table.X[np.isnan(table.X)] = 0
        return super().fit(table, rng)


class HandsOutViews(Resample):
    def sample(self, request, rng):
        return Samples(replace(self.table_, rows=Rows(self.table_.X[:])), request, len(self.table_))


class LearnsFromEverything(Resample):
    def fit(self, table, rng):
        return super().fit(replace(table, generation=np.zeros_like(table.generation)), rng)


class FitsNothing(Resample):
    def fit(self, table, rng):
        self.table_ = table
        return self


class CountsSeedsAmongRealRows(Resample):
    """Seeds are positions in the table given to fit, not in its real part."""

    def fit(self, table, rng):
        return super().fit(table.take(table.is_real), rng)


class IgnoresSeedWeight(Resample):
    def sample(self, request, rng):
        region = replace(request.region, seed_weight=None)
        return replace(super().sample(replace(request, region=region), rng), request=request)


@dataclass
class Shifts(Tampered):
    """Adds to one column: whole numbers, codes and ranges break."""

    column: int = 0
    step: float = 0.001

    def tamper(self, rows, request):
        X = rows.X.copy()
        X[:, self.column] += self.step
        return replace(rows, rows=Rows(X))


class InventsMissingValues(Tampered):
    def tamper(self, rows, request):
        X = rows.X.copy()
        X[:5, 1] = np.nan
        return replace(rows, rows=Rows(X))


class DropsRareCategories(Tampered):
    def tamper(self, rows, request):
        return rows.take(rows.X[:, 5] != 3)


class FillsEmptyColumns(Tampered):
    def tamper(self, rows, request):
        return replace(rows, rows=Rows(np.nan_to_num(rows.X)))


class NeedsTwoRowsSilently(Tampered):
    def tamper(self, rows, request):
        return replace(rows, y=np.zeros_like(rows.y)) if request.label == 2 else rows


class AlwaysDeliversOne(Resample):
    def sample(self, request, rng):
        return super().sample(replace(request, n=max(request.n, 1)), rng)


class ShiftsByWhateverIsThere(Tampered):
    def tamper(self, rows, request):
        shift = sum(array.mean() for array in self.table_.rows.arrays.values())
        return replace(rows, rows=Rows(rows.X + shift))


class DropsArraysOfSomeAnswers(Resample):
    def sample(self, request, rng):
        samples = super().sample(request, rng)
        return replace(samples, table=replace(samples.table, rows=Rows(samples.table.X))) if request.n else samples


class TriesForEver(Resample):
    def sample(self, request, rng):
        return replace(super().sample(request, rng), tried=10**9)


class NamesPositionsAsParents(Tampered):
    def tamper(self, rows, request):
        return replace(rows, parents=rows.parents - 100)


class NamesSomebodyElse(Tampered):
    def tamper(self, rows, request):
        return replace(rows, parents=np.roll(rows.parents, 1, axis=0))


class NamesTheSeedOnly(Neighbourhood):
    def sample(self, request, rng):
        samples = super().sample(request, rng)
        return replace(samples, table=replace(samples.table, parents=samples.table.parents[:, :1]))


class ClaimsAGeneration(Tampered):
    def tamper(self, rows, request):
        return replace(rows, generation=np.ones_like(rows.generation))


class PassesForReal(Tampered):
    def tamper(self, rows, request):
        return replace(rows, generation=np.zeros_like(rows.generation))


class KeepsWeights(Tampered):
    def tamper(self, rows, request):
        return replace(rows, weight=rows.weight * 2)


@dataclass
class RewritesSettings(Resample):
    options: dict = field(default_factory=dict)

    def fit(self, table, rng):
        self.options["fitted"] = True
        return super().fit(table, rng)


BAD: list[tuple[Make, object]] = [
    (IgnoresRegion, conditioning.delivers_inside_a_region_on_each_column),
    (ConditionsOnFirstColumnOnly, conditioning.delivers_inside_a_region_on_each_column),
    (DeliversNothing, conditioning.delivers_inside_a_region_on_each_column),
    (IgnoresRegion, conditioning.beats_unconditional_sampling_on_each_column),
    (ConditionsOnFirstColumnOnly, conditioning.beats_unconditional_sampling_on_each_column),
    (IgnoresLabel, conditioning.gives_the_label_asked_for),
    (BalancesClasses, conditioning.keeps_the_prior_when_no_label_is_asked),
    (BalancesClasses, conditioning.keeps_the_share_of_a_rare_class),
    (LosesRareClasses, conditioning.keeps_the_share_of_a_rare_class),
    (ConditionsOnFirstDiscreteColumnOnly, conditioning.conditions_on_later_discrete_columns),
    (RejectsWithoutTryingAgain, conditioning.conditions_on_later_discrete_columns),
    (IgnoresRegion, conditioning.serves_label_and_region_together),
    (IgnoresLabel, conditioning.serves_label_and_region_together),
    (RejectsWithoutTryingAgain, conditioning.serves_label_and_region_together),
    (LabelsByThePrior, conditioning.keeps_the_labels_of_the_region),
    (SaysItWent, honesty.says_which_way_was_taken),
    (lambda: SaysItWent("rejection"), honesty.says_which_way_was_taken),
    (ForgetsHowManyItTried, honesty.says_which_way_was_taken),
    (CopiesOneRow, values.does_not_repeat_one_row),
    (LoadsHalf, reproducibility.saves_and_loads),
    (ForgetsRowNumbers, reproducibility.saves_and_loads),
    (Pickles, reproducibility.saves_and_loads),
    (ShiftsByWhateverIsThere, reproducibility.ignores_arrays_it_does_not_know),
    (DropsArraysOfSomeAnswers, reproducibility.ignores_arrays_it_does_not_know),
    (DeliversTooMany, honesty.reports_what_it_delivered),
    (ForgetsHowManyItTried, honesty.reports_what_it_delivered),
    (DrawsItsOwnSeed, reproducibility.repeats_itself_with_the_same_seed),
    (DrawsPrivateNoiseFromItsSeed, reproducibility.repeats_itself_with_the_same_seed),
    (HashesStrings, reproducibility.repeats_itself_in_another_process),
    (StoresItsSeed, reproducibility.follows_the_generator_it_is_given),
    (UsesGlobalState, reproducibility.leaves_the_global_random_state_alone),
    (OneSeedForAllClasses, reproducibility.draws_differently_for_different_classes),
    (FillsInPlace, reproducibility.leaves_the_table_alone),
    (HandsOutViews, reproducibility.leaves_the_table_alone),
    (LearnsFromEverything, learning.learns_from_real_rows_only),
    (FitsNothing, learning.refuses_a_table_without_real_rows),
    (LearnsFromEverything, learning.starts_from_real_seeds_only),
    (CountsSeedsAmongRealRows, learning.starts_from_real_seeds_only),
    (IgnoresSeedWeight, learning.starts_in_proportion_to_the_seed_weight),
    (lambda: Shifts(column=0), values.keeps_values_that_columns_can_hold),
    (lambda: Shifts(column=2, step=0.5), values.keeps_values_that_columns_can_hold),
    (lambda: Shifts(column=4, step=1), values.keeps_values_that_columns_can_hold),
    (lambda: Shifts(column=5, step=0.5), values.keeps_values_that_columns_can_hold),
    (InventsMissingValues, values.keeps_values_that_columns_can_hold),
    (DropsRareCategories, values.keeps_rare_categories),
    (FillsEmptyColumns, values.keeps_constant_and_empty_columns),
    (lambda: Shifts(column=7), values.keeps_constant_and_empty_columns),
    (NeedsTwoRowsSilently, learning.copes_with_a_class_of_one_row),
    (AlwaysDeliversOne, honesty.answers_zero_with_an_empty_table),
    (IgnoresRegion, honesty.gives_up_on_an_impossible_region),
    (TriesForEver, honesty.gives_up_on_an_impossible_region),
    (NamesPositionsAsParents, honesty.names_parents_that_exist),
    (NamesSomebodyElse, honesty.names_every_parent_of_a_discrete_value),
    (NamesTheSeedOnly, honesty.names_every_parent_of_a_discrete_value),
    (PassesForReal, honesty.marks_rows_as_synthetic),
    (ClaimsAGeneration, honesty.marks_rows_as_synthetic),
    (KeepsWeights, honesty.marks_rows_as_synthetic),
    (RewritesSettings, reproducibility.leaves_its_settings_alone),
]


test_the_law_bites, test_every_law_is_proved_to_bite = proofs(BAD, (*LAWS, *COPYING_LAWS, *SLOW_LAWS))


@pytest.mark.parametrize("law", [*LAWS, *COPYING_LAWS], ids=lambda law: law.__name__)
def test_an_honest_copy_passes(law):
    law(Tampered)
