"""The cycle: prepare once, run generation after generation; `loop.cycle.conclusion` ends it with a model and a claim.

Only data pass between the three. ``generations`` yields one frozen record for each generation; printing,
tracking and saving are ordinary loops around it. A run is resumed by passing the records so far.
"""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from loop import seeds
from loop.cycle.lanes import Lane, lanes
from loop.cycle.parts import Parts
from loop.cycle.propose import Fitted, Proposed, propose
from loop.cycle.stopping import next_supply
from loop.cycle.training import (
    Prepared,
    Trained,
    lane_rows,
    of_surrogate,
    pooled,
    reported_scores,
    teacher_answers,
    train_surrogates,
    unseen_answers,
)
from loop.data.encoding import check_range
from loop.evaluation.drift import report as drift_report
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import resolve, score
from loop.protocols import Finite, Generator, Teacher
from loop.regions.weakness import MEASURES
from loop.rows import Rows
from loop.supplies.supply import TAUGHT, Supply
from loop.support.memory import give_back
from loop.support.timing import Clock
from loop.types import Generation, Interval, Table

EDGE_ROWS = 100_000  # most judge rows of a lane by which teacher and surrogate are compared before the first generation


def prepare(parts: Parts, table: Table, folds: np.ndarray, rng: np.random.Generator) -> Prepared:
    """Fit the teacher fold by fold and a generator for each lane.

    Parameters
    ----------
    parts : Parts
        Unfitted parts.
    table : Table, n rows
        Real training rows.
    folds : ndarray of shape (n,), int
        Fold ids, see `loop.cycle.lanes.lanes`; from `loop.cycle.lanes.deal`, `loop.data.split.folds` or
        `loop.data.split.holdout`.
    rng : numpy.random.Generator
        Root of all random streams of the run.
    """
    check_range(table.schema, table.X)
    clock, seed, ways = Clock(), seeds.root(rng), lanes(folds, table.judging)
    teacher = None
    if parts.teacher is not None:
        with clock.stage("teacher"):
            teacher = copy.deepcopy(parts.teacher).fit_folds(table, folds, seeds.stream(seed, "teacher"))
    with clock.stage("generator"):
        tables = tuple(table.take(lane.fit) for lane in ways)
        fitted = tuple(_generators(supply, tables, ways, seed) for supply in parts.supplies)
    few = tuple(of_surrogate(own, seeds.stream(seed, "few", number)) for number, own in enumerate(tables))
    give_back()
    prepared = Prepared(parts, table, ways, tables, few, seed, teacher, fitted, dict(clock.seconds))
    if teacher is None:
        return prepared
    with clock.stage("teacher"):
        acceptance = parts.acceptance.following(_edge(prepared, teacher))
    return replace(prepared, parts=replace(parts, acceptance=acceptance), seconds=dict(clock.seconds))


def _generators(supply: Supply, tables: Sequence[Table], ways: Sequence[Lane], seed: int) -> tuple[Generator, ...]:
    """Fit the generator of a supply on the table of each lane."""
    purpose = ("fit",) if supply.name == TAUGHT else ("fit", supply.name)
    return tuple(
        copy.deepcopy(supply.generator).fit(own, seeds.stream(seed, *purpose, lane.index + 1))
        for own, lane in zip(tables, ways, strict=True)
    )


def _edge(prepared: Prepared, teacher: Teacher) -> float:
    """Return by how much the teacher's score exceeds that of the surrogate on real rows alone, on judge rows."""
    metric, rng = prepared.parts.acceptance.metric, prepared.stream("edge")
    measured = [_fewer_judged(lane, rng) for lane in prepared.lanes[:-1]]
    judged = JudgeRows.of(prepared.table, np.concatenate([lane.judge for lane in measured]))
    learnt = pooled(train_surrogates(prepared, [], 0, measured))
    taught = teacher_answers(prepared, teacher, measured)
    return resolve(metric).sign * (score(metric, judged, taught) - score(metric, judged, learnt))


def _fewer_judged(lane: Lane, rng: np.random.Generator) -> Lane:
    """Return a lane with at most `EDGE_ROWS` of its judge rows, as a teacher takes long to answer about many."""
    if len(lane.judge) <= EDGE_ROWS:
        return lane
    return replace(lane, judge=np.sort(rng.choice(lane.judge, EDGE_ROWS, replace=False)))


def generations(prepared: Prepared, past: Sequence[Generation] = ()) -> Iterator[Generation]:
    """Run generations, one record for each, until there is a reason to stop.

    Parameters
    ----------
    past : sequence of Generation
        Records of an interrupted run with the same parts, table, folds and seed; the run continues after them.
    """
    history = list(past)
    latest_kept = max((generation.index for generation in history if generation.decision.kept), default=0)
    champions = train_surrogates(prepared, history, latest_kept)
    while (supply := next_supply(prepared.parts, history)) is not None:
        generation, champions = _turn(prepared, supply, history, champions)
        history.append(generation)
        yield generation


def _turn(
    prepared: Prepared, supply: Supply, history: Sequence[Generation], champions: list[Trained]
) -> tuple[Generation, list[Trained]]:
    """Run one generation, with the rows of one supply; return its record and the champions after it."""
    clock, parts, index = Clock(), prepared.parts, len(history) + 1
    with clock.stage("learner"):
        answers = unseen_answers(prepared, history, champions)
    proposed = _propose(prepared, supply, champions, answers, history)
    for each in proposed:
        clock.add(each.seconds)
    new, delivered = [each.rows for each in proposed], proposed[-1]
    challengers = train_surrogates(prepared, history, index, extra=new)
    clock.add({"learner": sum(each.seconds for each in challengers)})
    judged = JudgeRows.of(prepared.table, prepared.judged)
    old, fresh = pooled(champions[:-1]), pooled(challengers[:-1])
    with clock.stage("accept"):
        acceptance = parts.acceptance.harmless() if supply.stated else parts.acceptance
        decision = acceptance.decide(judged, old, fresh, prepared.stream("accept", index))
        decision = decision if len(delivered.rows) else replace(decision, kept=False, reason="no row was left to add")
    with clock.stage("score"):
        challenger = reported_scores(judged, fresh, prepared.stream("scores", index))
        scores = challenger if decision.kept else _last_scores(history, judged, old, prepared)
    with clock.stage("drift"):
        drift = _drift(prepared, history, delivered.rows)
    made = Generation(
        index=index,
        regions=delivered.regions,
        requests=delivered.requests,
        counts=delivered.counts,
        scores=scores,
        challenger=challenger,
        decision=decision,
        drift=drift,
        seconds=dict(clock.seconds),
        rows=delivered.rows,
        origins=delivered.origins,
        evaluations=index,
        lane_rows=tuple(new[:-1]),
        supply=supply.name,
    )
    return made, challengers if decision.kept else champions


def _propose(
    prepared: Prepared,
    supply: Supply,
    champions: Sequence[Trained],
    answers: np.ndarray,
    history: Sequence[Generation],
) -> list[Proposed]:
    """Propose rows in every lane, where its champion is weak; ``answers`` (n, K) are those of `unseen_answers`."""
    generators, index = prepared.generators_of(supply), len(history) + 1
    weakness = MEASURES[prepared.parts.settings.weakness](prepared.table.y, answers)

    def work(lane: Lane) -> Proposed:
        return propose(
            prepared.parts,
            supply,
            prepared.tables[lane.index],
            weakness[lane.fit],
            Fitted(
                lane, champions[lane.index].learner, prepared.teacher, _unused(generators[lane.index], lane, history)
            ),
            index,
            prepared.stream("propose", index, lane.index + 1),
        )

    return prepared.each(work, prepared.lanes)


def _unused(generator: Generator, lane: Lane, history: Sequence[Generation]) -> Generator:
    """Leave out given rows that a lane has kept before."""
    kept = [lane_rows(generation, lane).X for generation in history if generation.decision.kept]
    return generator.without(Rows(np.concatenate(kept))) if kept and isinstance(generator, Finite) else generator


def _drift(prepared: Prepared, history: Sequence[Generation], rows: Table) -> dict[str, float]:
    """Measure the drift of all kept rows and of new ones from the real rows."""
    kept = [generation.rows for generation in history if generation.decision.kept]
    return drift_report(prepared.table, Table.concat([*kept, rows]), prepared.stream("drift", len(history) + 1))


def _last_scores(
    history: Sequence[Generation], judged: JudgeRows, proba: np.ndarray, prepared: Prepared
) -> dict[str, Interval]:
    """Return the scores of a champion that stays: those of the last generation kept, or of real rows alone."""
    if history:
        return history[-1].scores
    return reported_scores(judged, proba, prepared.stream("scores", 0))
