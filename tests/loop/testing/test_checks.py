"""One function for each kind of part: sound parts pass, of others the broken law is named, and -O is refused."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import loop.testing
from generators import Resample
from learners import Committee, ExtraTrees
from loop.gates import Copies
from loop.protocols import Tracker
from loop.regions import TreeFinder
from loop.rows import Rows
from loop.supplies.acquisition import Gap
from loop.supplies.labelling import ByTeacher
from loop.supplies.pool import Pool
from loop.testing import (
    check_acquisition,
    check_finder,
    check_gate,
    check_generator,
    check_labeller,
    check_learner,
    check_teacher,
    check_tracker,
)
from loop.testing.finders import BOXES
from loop.testing.held import hold
from loop.tracking import JsonlTracker, NullTracker
from loop.types import Generation, Region, Request, Samples, Table, Verdict

ROOT = Path(__file__).parents[3]


class Relabels(Resample):
    def sample(self, request: Request, rng: np.random.Generator) -> Samples:
        samples = super().sample(request, rng)
        return replace(samples, table=replace(samples.table, y=np.zeros_like(samples.table.y)))


class SeedOnly(Resample):
    def sample(self, request: Request, rng: np.random.Generator) -> Samples:
        samples = super().sample(request, rng)
        return replace(samples, table=replace(samples.table, parents=np.full_like(samples.table.parents, -1)))


class Unnormalised(ExtraTrees):
    def predict_proba(self, rows: Rows) -> np.ndarray:
        return 2 * super().predict_proba(rows)


class Silent:
    def find(self, table: Table, weakness: np.ndarray, rng: np.random.Generator) -> tuple[Region, ...]:
        return ()


class Grumpy(Copies):
    def judge(self, candidates: Table, reference: Table, rng: np.random.Generator) -> Verdict:
        verdict = super().judge(candidates, reference, rng)
        return replace(verdict, reason=np.where(verdict.keep, "no", verdict.reason))


class Negative(Gap):
    def score(self, pool: Pool, rng: np.random.Generator) -> np.ndarray:
        return -super().score(pool, rng)


class Mislabels(ByTeacher):
    def label(self, pool: Pool, rng: np.random.Generator) -> Table:
        return replace(super().label(pool, rng), y=np.full(len(pool.table), 2))


class Scribbler(NullTracker):
    def record(self, generation: Generation) -> None:
        np.nan_to_num(generation.rows.X, copy=False)


class Forgetful(JsonlTracker):
    def record(self, generation: Generation) -> None:
        """Keep nothing."""


class AnswersTwice(Committee):
    def views(self, rows: Rows, without: int | None) -> tuple[np.ndarray, np.ndarray]:
        proba, variance = super().views(rows, without)
        return 2 * proba, variance


def teacher() -> Committee:
    return Committee(members=(ExtraTrees(trees=20),), jobs=1)


def scribbler(folder: Path) -> Tracker:
    return Scribbler()


def test_sound_parts_pass() -> None:
    check_generator(Resample, copies=True)
    check_learner(lambda: ExtraTrees(trees=30))
    check_gate(Copies)
    check_acquisition(Gap)
    check_labeller(ByTeacher)
    check_teacher(teacher)
    check_tracker(lambda folder: NullTracker())
    check_tracker(JsonlTracker, journal=True)


def test_a_sound_finder_passes() -> None:
    check_finder(TreeFinder, {"numeric": BOXES["numeric"]})


@pytest.mark.slow
def test_sound_parts_pass_slow_laws() -> None:
    check_generator(Resample, slow=True)
    check_finder(TreeFinder, {"numeric": BOXES["numeric"]}, slow=True)


@pytest.mark.parametrize(
    ("check", "make", "law", "seen"),
    [
        (check_generator, Relabels, "gives_the_label_asked_for", "assert (made.y == label).all(), label = 1"),
        (check_learner, Unnormalised, "check_probabilities_are_valid", "Not equal to tolerance"),
        (check_finder, Silent, "planted_region_is_found", "found the planted region in 0 of 10 seeds"),
        (check_gate, Grumpy, "counts_add_up", "a row has a reason if and only if it is refused"),
        (check_acquisition, Negative, "scores_are_finite_and_not_negative", "scores are negative"),
        (check_labeller, Mislabels, "labels_are_codes_of_classes", "a label is the code of no class"),
        (check_tracker, scribbler, "check_leaves_records_alone", "not so: assert [plain_rows(kept)"),
    ],
    ids=lambda part: getattr(part, "__name__", ""),
)
def test_the_broken_law_is_named(check, make, law: str, seen: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(AssertionError) as breach:
        check(make)
    assert str(breach.value).startswith(f"the law {law} is broken: ")
    assert seen in str(breach.value)


def test_an_unsound_teacher_is_found() -> None:
    with pytest.raises(AssertionError, match="the law views_are_probabilities_and_variances is broken"):
        check_teacher(lambda: AnswersTwice(members=(ExtraTrees(trees=20),), jobs=1))


def test_laws_of_some_parts_are_held_where_they_are_asked_for() -> None:
    with pytest.raises(AssertionError, match="the law check_journal_holds_all is broken"):
        check_tracker(Forgetful, journal=True)
    with pytest.raises(AssertionError, match="the law check_models is broken"):
        check_tracker(JsonlTracker, models=True)


def test_errors_of_a_part_pass_through() -> None:
    def law(part: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        hold((law,), None)


def test_every_check_is_public() -> None:
    assert all(callable(getattr(loop.testing, name)) for name in loop.testing.__all__)
    with pytest.raises(AttributeError, match="check_nothing"):
        loop.testing.check_nothing  # noqa: B018


def test_laws_refuse_to_run_where_assertions_are_stripped() -> None:
    done = subprocess.run(
        [sys.executable, "-O", "-c", "import loop; from loop.testing import gates"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "RuntimeError: loop.testing needs assertions, and python -O strips them: run without -O and PYTHONOPTIMIZE."
    )
