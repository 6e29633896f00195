"""Fitting learners lane by lane, and predicting rows that they have not seen."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from loop import seeds
from loop.cycle.lanes import Lane
from loop.cycle.parts import Parts
from loop.data.thinning import weighted_sample
from loop.evaluation.bootstrap import intervals
from loop.evaluation.judge_rows import JudgeRows
from loop.protocols import Generator, Learner, Teacher
from loop.supplies.supply import Supply
from loop.support.parallel.side_by_side import side_by_side
from loop.support.timing import Clock
from loop.types import Generation, Interval, Table

Result = TypeVar("Result")
SURROGATE_ROWS = 200_000
AT_ONCE = 200_000  # rows copied and answered together
# Name of the random streams of learners between generations; another name would draw other numbers.
SURROGATE_STREAM = "scout"
REPORTED = ("average_precision", "recall_at_fpr_01", "brier", "log_loss")


@dataclass(frozen=True, eq=False)
class Prepared:
    """Everything that is the same in all generations."""

    parts: Parts
    table: Table  # the real training rows
    lanes: tuple[Lane, ...]  # the deliverable lane last
    tables: tuple[Table, ...]  # the fit rows of each lane
    few: tuple[Table, ...]  # those that its surrogate is fitted on, see `of_surrogate`
    seed: int
    teacher: Teacher | None
    generators: tuple[tuple[Generator, ...], ...]  # of each supply, one a lane
    seconds: dict[str, float]

    @property
    def judged(self) -> np.ndarray:  # (j,)
        """Positions of the pooled judge rows in the table, in the order of the lanes."""
        return np.concatenate([lane.judge for lane in self.lanes[:-1]])

    def generators_of(self, supply: Supply) -> tuple[Generator, ...]:
        """Return the fitted generators of a supply, one a lane."""
        return self.generators[[each.name for each in self.parts.supplies].index(supply.name)]

    def stream(self, *purpose: int | str) -> np.random.Generator:
        """Return the random stream of a purpose, see `loop.seeds.stream`."""
        return seeds.stream(self.seed, *purpose)

    def final_stream(self, *, kept: bool) -> np.random.Generator:
        """Return the stream of the learner that is delivered, with kept rows or on real rows alone."""
        return self.stream("final", int(kept), self.lanes[-1].index + 1)

    def each(self, work: Callable[[Lane], Result], of: Sequence[Lane]) -> list[Result]:
        """Do the same work in several lanes in parallel; return results in the order of the lanes."""
        return side_by_side(work, of, self.parts.settings.jobs)


@dataclass(frozen=True, eq=False)
class Trained:
    """A fitted learner of one lane and its predicted probabilities of the lane's judge rows."""

    learner: Learner
    proba: np.ndarray  # (j, K)
    seconds: float


def train(
    prepared: Prepared,
    learner_for: Callable[[Table], Learner],
    history: Sequence[Generation],
    purpose: str,
    number: int,
    of: Sequence[Lane] | None = None,
    extra: Sequence[Table] = (),
    real: Sequence[Table] | None = None,
) -> list[Trained]:
    """Fit a copy of the learner in each lane on real and kept rows, and predict the judge rows.

    Parameters
    ----------
    prepared : Prepared
    learner_for : callable
        Chooses the unfitted learner for a lane's table: `Parts.learner_for` or `Parts.surrogate_for`.
    history : sequence of Generation
        Generations whose rows are used if they were kept.
    purpose, number : str and int
        Name of the random stream.
    of : sequence of Lane, optional
        Lanes to fit in; None = all.
    extra : sequence of Table
        One more table of rows for each lane, not yet in the history.
    real : sequence of Table, optional
        The real rows of each lane to fit on; None = all.
    """
    tables = prepared.tables if real is None else real

    nothing = np.empty((0, prepared.table.n_classes))

    def fit(lane: Lane) -> Trained:
        clock = Clock()
        rows = [lane_rows(generation, lane) for generation in history if generation.decision.kept]
        rows += [extra[lane.index]] if extra else []
        table = Table.concat([tables[lane.index], *rows]) if rows else tables[lane.index]
        with clock.stage("learner"):
            learner = copy.deepcopy(learner_for(table)).fit(table, prepared.stream(purpose, number, lane.index + 1))
            proba = answers_at(learner, prepared.table, lane.judge) if len(lane.judge) else nothing
        return Trained(learner, proba, clock.seconds["learner"])

    return prepared.each(fit, prepared.lanes if of is None else of)


def train_surrogates(
    prepared: Prepared,
    history: Sequence[Generation],
    number: int,
    of: Sequence[Lane] | None = None,
    extra: Sequence[Table] = (),
) -> list[Trained]:
    """Fit the surrogate in each lane, see `train`."""
    parts = prepared.parts
    return train(prepared, parts.surrogate_for, history, SURROGATE_STREAM, number, of, extra, prepared.few)


def of_surrogate(real: Table, rng: np.random.Generator, within: np.ndarray | None = None) -> Table:
    """Return the real rows that a surrogate is fitted on: of large tables some, since it aims and is not delivered.

    ``within`` are the positions (m,) of the rows that may be used, None = all.
    """
    return weighted_sample(real, SURROGATE_ROWS, rng, within)


def answers_at(learner: Learner, table: Table, at: np.ndarray) -> np.ndarray:
    """Return the probabilities (m, K) of the rows at some positions; many are copied and answered in pieces."""
    pieces = np.split(at, range(AT_ONCE, len(at), AT_ONCE))
    return np.concatenate([learner.predict_proba(table.rows.take(piece)) for piece in pieces])


def lane_rows(generation: Generation, lane: Lane) -> Table:
    """Return the rows that a generation made in one lane."""
    return generation.rows if lane.delivers else generation.lane_rows[lane.index]


def unseen_answers(prepared: Prepared, history: Sequence[Generation], champions: Sequence[Trained]) -> np.ndarray:
    """Return out-of-fold probabilities (n, K): every training row is predicted by a learner that has not seen it.

    With k lanes these are the probabilities of the judge rows. A hold-out lane predicts its judge rows only; its fit
    rows are split in two halves, and a learner fitted on one half predicts the other.
    """
    table, judging = prepared.table, prepared.lanes[:-1]
    answers = np.full((len(table), table.n_classes), np.nan)
    for lane, champion in zip(judging, champions, strict=False):
        answers[lane.judge] = champion.proba
        if len(lane.aside):
            answers[lane.aside] = answers_at(champion.learner, table, lane.aside)
    missing = np.flatnonzero(np.isnan(answers[:, 0]))
    if len(missing):
        rng = prepared.stream("halves", len(history))
        half = rng.permutation(len(missing)) % 2
        for side in (0, 1):  # on real rows only: new rows come from rows of both halves
            other = of_surrogate(table, rng, missing[half != side])
            learner = copy.deepcopy(prepared.parts.surrogate_for(other)).fit(other, rng)
            own = missing[half == side]
            answers[own] = answers_at(learner, table, own)
    return answers


def teacher_answers(prepared: Prepared, teacher: Teacher, of: Sequence[Lane] | None = None) -> np.ndarray:
    """Return the teacher's probabilities (j, K) of the judge rows of some lanes, by members that have not seen them.

    ``of`` are the judging lanes, None = all.
    """
    rows = prepared.table.rows
    return np.concatenate(
        [
            teacher.views(rows.take(lane.judge), None)[0] if lane.without is None else teacher.oof_[lane.judge]
            for lane in of or prepared.lanes[:-1]  # no member was fitted on the judge rows of a hold-out
        ]
    )


def pooled(trained: Sequence[Trained]) -> np.ndarray:
    """Stack the probabilities of all judge rows, lane after lane, (j, K)."""
    return np.concatenate([each.proba for each in trained])


def reported_scores(judged: JudgeRows, proba: np.ndarray, rng: np.random.Generator) -> dict[str, Interval]:
    """Return the scores that every record holds, with their intervals, from probabilities (j, K)."""
    return intervals(REPORTED, judged, proba, rng, replicates=200)
