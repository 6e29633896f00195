"""The cycle: prepare once, run generation after generation, conclude with a model and a verdict.

Only data pass between the three functions. ``generations`` yields one frozen record for each generation; printing,
tracking and saving are ordinary loops around it. A run is resumed by passing the records so far.
"""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from loop import seeds
from loop.cycle.acceptance import Acceptance
from loop.cycle.held_back import Caught, caught
from loop.cycle.lanes import Lane, lanes, training_spread
from loop.cycle.ledger import Ledger
from loop.cycle.parts import Parts
from loop.cycle.propose import Fitted, Proposed, propose
from loop.cycle.stopping import next_supply
from loop.cycle.training import Prepared, Trained, teacher_answers, train, unseen_answers
from loop.data.encoding import check_range
from loop.evaluation.bootstrap import intervals
from loop.evaluation.drift import report as drift_report
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import resolve, score
from loop.protocols import Generator, Learner, Teacher
from loop.regions.weakness import MEASURES
from loop.supplies.supply import TAUGHT, Supply
from loop.support.timing import Clock
from loop.types import Generation, Interval, LoopVerdict, Origin, Table

# Name of the random streams of learners between generations; another name would draw other numbers.
SURROGATE_STREAM = "scout"
REPORTED = ("average_precision", "recall_at_fpr_01", "brier", "log_loss")


@dataclass(frozen=True, eq=False)
class Outcome:
    """Result of a finished loop."""

    learner: Learner  # fitted on all real rows and the kept rows of the deliverable lane
    verdict: LoopVerdict
    synthetic: Table  # kept rows of the deliverable lane; `supply` indexes `origins`
    origins: tuple[Origin, ...]
    baseline: dict[str, Interval]  # real rows alone, on the pooled judge rows
    scores: dict[str, Interval]  # of the champion
    judged: np.ndarray  # (j,) positions of the judge rows in the training table
    proba: np.ndarray  # (j, K) out-of-fold probabilities of the champion for them
    proba_real_only: np.ndarray  # (j, K) the same of the learner on real rows alone
    caught: tuple[Caught, ...]  # of each stated pattern, whether its rows were kept or not
    seconds: dict[str, float]

    @property
    def known(self) -> tuple[Caught, ...]:
        """The stated patterns whose rows the learner was fitted on."""
        used = {self.origins[number].supply for number in np.unique(self.synthetic.supply)}
        return tuple(each for each in self.caught if each.supply in used)


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
    clock, seed, ways = Clock(), seeds.root(rng), lanes(folds)
    teacher = None
    if parts.teacher is not None:
        with clock.stage("teacher"):
            teacher = copy.deepcopy(parts.teacher).fit_folds(table, folds, seeds.stream(seed, "teacher"))
    with clock.stage("generator"):
        fitted = tuple(_generators(supply, table, ways, seed) for supply in parts.supplies)
    prepared = Prepared(parts, table, ways, seed, teacher, fitted, dict(clock.seconds))
    if teacher is None:
        return prepared
    with clock.stage("teacher"):
        acceptance = parts.acceptance.following(_edge(prepared, teacher))
    return replace(prepared, parts=replace(parts, acceptance=acceptance), seconds=dict(clock.seconds))


def _generators(supply: Supply, table: Table, ways: Sequence[Lane], seed: int) -> tuple[Generator, ...]:
    """Fit the generator of a supply in each lane."""
    purpose = ("fit",) if supply.name == TAUGHT else ("fit", supply.name)
    return tuple(
        copy.deepcopy(supply.generator).fit(table.take(lane.fit), seeds.stream(seed, *purpose, lane.index + 1))
        for lane in ways
    )


def _edge(prepared: Prepared, teacher: Teacher) -> float:
    """Return by how much the teacher's score exceeds that of the surrogate on real rows alone, on the judge rows."""
    judged, metric = JudgeRows.of(prepared.table, prepared.judged), prepared.parts.acceptance.metric
    learnt = _pooled(train(prepared, prepared.parts.surrogate_for, [], SURROGATE_STREAM, 0, prepared.lanes[:-1]))
    taught = teacher_answers(prepared, teacher)
    return resolve(metric).sign * (score(metric, judged, taught) - score(metric, judged, learnt))


def generations(prepared: Prepared, past: Sequence[Generation] = ()) -> Iterator[Generation]:
    """Run generations, one record for each, until there is a reason to stop.

    Parameters
    ----------
    past : sequence of Generation
        Records of an interrupted run with the same parts, table, folds and seed; the run continues after them.
    """
    history = list(past)
    latest_kept = max((generation.index for generation in history if generation.decision.kept), default=0)
    champions = train(prepared, prepared.parts.surrogate_for, history, SURROGATE_STREAM, latest_kept)
    while (supply := next_supply(prepared.parts, history)) is not None:
        generation, champions = _turn(prepared, supply, history, champions)
        history.append(generation)
        yield generation


def conclude(prepared: Prepared, history: Sequence[Generation]) -> Outcome:
    """Fit the final learner with and without the kept rows, compare both on the judge rows and return the outcome.

    If the final learner scores worse on the judge rows, the synthetic rows are dropped: first all that a teacher has
    labelled, and the stated ones too if they alone are proven to do harm.
    """
    clock, parts = Clock(), prepared.parts
    judged = JudgeRows.of(prepared.table, prepared.judged)
    with clock.stage("learner"):
        trained = _final(prepared, [])
    before = after = _pooled(trained)
    kept, chosen, verdict = list[Generation](), trained, parts.acceptance.nothing_kept()
    for candidates, acceptance in _final_choices(prepared, history):
        with clock.stage("learner"):
            challengers = _final(prepared, candidates)
        with clock.stage("accept"):
            claim = {"kept": len(candidates), "evaluations": len(history) + 1}
            spread, rng = training_spread(prepared.lanes[:-1]), prepared.stream("verdict")
            evidence = judged.copies_together(prepared.table.X[prepared.judged])
            told, decision = acceptance.verdict(evidence, before, _pooled(challengers), rng, **claim, spread=spread)
        if decision.kept:
            kept, chosen, after, verdict = candidates, challengers, _pooled(challengers), told
            break
        verdict = acceptance.nothing_kept(decision)
    with clock.stage("score"):
        patterns = caught(prepared, trained, chosen)
    with clock.stage("learner"):
        (final,) = train(prepared, parts.learner_for, kept, "final", int(bool(kept)), prepared.lanes[-1:])
    with clock.stage("score"):
        baseline = _scores(judged, before, prepared.stream("baseline scores"))
        scores = _scores(judged, after, prepared.stream("final scores")) if kept else baseline
    ledger = Ledger.of(kept, prepared.table)
    return Outcome(
        learner=final.learner,
        verdict=verdict,
        synthetic=ledger.rows,
        origins=ledger.origins,
        baseline=baseline,
        scores=scores,
        judged=prepared.judged,
        proba=after,
        proba_real_only=before,
        caught=patterns,
        seconds=dict(clock.seconds),
    )


def _final_choices(prepared: Prepared, history: Sequence[Generation]) -> Iterator[tuple[list[Generation], Acceptance]]:
    """Yield what the final learner may keep, in order: all kept generations, and the stated ones of them alone."""
    acceptance, stated = prepared.parts.acceptance, {each.name for each in prepared.parts.supplies if each.stated}
    kept = [generation for generation in history if generation.decision.kept]
    knowledge = [generation for generation in kept if generation.supply in stated]
    if kept and len(knowledge) < len(kept):
        yield kept, acceptance
    if knowledge:
        yield knowledge, acceptance.harmless()


def _final(prepared: Prepared, kept: Sequence[Generation]) -> list[Trained]:
    """Fit the final learner in the judging lanes, on real rows and the kept ones."""
    number = int(bool(kept))
    return train(prepared, prepared.parts.learner_for, kept, "final", number, prepared.lanes[:-1])


def _pooled(trained: Sequence[Trained]) -> np.ndarray:
    """Stack the probabilities of all judge rows, lane after lane, (j, K)."""
    return np.concatenate([each.proba for each in trained])


def _turn(
    prepared: Prepared, supply: Supply, history: Sequence[Generation], champions: list[Trained]
) -> tuple[Generation, list[Trained]]:
    """Run one generation, with the rows of one supply; return its record and the champions after it."""
    clock, parts, index = Clock(), prepared.parts, len(history) + 1
    with clock.stage("learner"):
        answers = unseen_answers(prepared, history, champions)
    proposed = _propose(prepared, supply, champions, answers, index)
    for each in proposed:
        clock.add(each.seconds)
    new, delivered = [each.rows for each in proposed], proposed[-1]
    challengers = train(prepared, parts.surrogate_for, history, SURROGATE_STREAM, index, extra=new)
    clock.add({"learner": sum(each.seconds for each in challengers)})
    judged = JudgeRows.of(prepared.table, prepared.judged)
    old, fresh = _pooled(champions[:-1]), _pooled(challengers[:-1])
    with clock.stage("accept"):
        acceptance = parts.acceptance.harmless() if supply.stated else parts.acceptance
        decision = acceptance.decide(judged, old, fresh, prepared.stream("accept", index))
        decision = decision if len(delivered.rows) else replace(decision, kept=False, reason="no row was left to add")
    with clock.stage("score"):
        challenger = _scores(judged, fresh, prepared.stream("scores", index))
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
    prepared: Prepared, supply: Supply, champions: Sequence[Trained], answers: np.ndarray, index: int
) -> list[Proposed]:
    """Propose rows in every lane, where its champion is weak; ``answers`` (n, K) are those of `unseen_answers`."""
    generators = prepared.generators_of(supply)
    weakness = MEASURES[prepared.parts.settings.weakness](prepared.table.y, answers)

    def work(lane: Lane) -> Proposed:
        return propose(
            prepared.parts,
            supply,
            prepared.table.take(lane.fit),
            weakness[lane.fit],
            Fitted(lane, champions[lane.index].learner, prepared.teacher, generators[lane.index]),
            index,
            prepared.stream("propose", index, lane.index + 1),
        )

    return prepared.each(work, prepared.lanes)


def _drift(prepared: Prepared, history: Sequence[Generation], rows: Table) -> dict[str, float]:
    """Measure the drift of all kept rows and of new ones from the real rows."""
    kept = [generation.rows for generation in history if generation.decision.kept]
    return drift_report(prepared.table, Table.concat([*kept, rows]), prepared.stream("drift", len(history) + 1))


def _scores(judged: JudgeRows, proba: np.ndarray, rng: np.random.Generator) -> dict[str, Interval]:
    return intervals(REPORTED, judged, proba, rng, replicates=200)


def _last_scores(
    history: Sequence[Generation], judged: JudgeRows, proba: np.ndarray, prepared: Prepared
) -> dict[str, Interval]:
    """Return the scores of a champion that stays: those of the last generation kept, or of real rows alone."""
    if history:
        return history[-1].scores
    return _scores(judged, proba, prepared.stream("scores", 0))
