"""The cycle: prepare once, turn generation by generation, conclude with a model and a verdict.

Everything between the three functions is data. ``generations`` yields one frozen record a turn; watching,
printing, tracking and saving are ordinary loops around it. A run is resumed by handing in the records so far.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from loop import seeds
from loop.bootstrap import intervals
from loop.clock import Clock
from loop.codec import check_range
from loop.drift import report as drift_report
from loop.lanes import Lane, lanes
from loop.parts import Parts
from loop.propose import Proposed, propose
from loop.protocols import Learner
from loop.stopping import reason_to_stop
from loop.training import Prepared, Trained, train, unseen_answers
from loop.types import Generation, Interval, LoopVerdict, Origin, Table
from loop.weakness import MEASURES

REPORTED = ("average_precision", "recall_at_fpr_01", "brier", "log_loss")


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a finished loop hands over."""

    learner: Learner  # fitted on all real rows and the kept rows of the deliverable lane
    verdict: LoopVerdict
    synthetic: Table  # kept rows of the deliverable lane; `supply` indexes `origins`
    origins: tuple[Origin, ...]
    baseline: dict[str, Interval]  # real rows alone, on the pooled judge rows
    scores: dict[str, Interval]  # of the champion
    judged: np.ndarray  # (j,) positions of the judge rows in the training table
    proba: np.ndarray  # (j, K) answers of the champion to them, out of fold
    proba_real_only: np.ndarray  # (j, K) answers of the learner on real rows alone to them, out of fold
    seconds: dict[str, float]


def prepare(parts: Parts, table: Table, folds: np.ndarray, rng: np.random.Generator) -> Prepared:
    """Fit the teacher fold by fold and a generator for each lane.

    Parameters
    ----------
    table
        Real training rows.
    folds
        Fold ids (n,) as `loop.lanes.lanes` takes them, from `loop.split.folds` or `loop.split.holdout`.
    """
    check_range(table.schema, table.X)
    clock, seed, ways = Clock(), seeds.root(rng), lanes(folds)
    teacher = None
    if parts.teacher is not None:
        with clock.stage("teacher"):
            teacher = copy.deepcopy(parts.teacher).fit_folds(table, folds, seeds.stream(seed, "teacher"))
    with clock.stage("generator"):
        fitted = tuple(
            copy.deepcopy(parts.generator).fit(table.take(lane.fit), seeds.stream(seed, "fit", lane.index + 1))
            for lane in ways
        )
    return Prepared(parts, table, ways, seed, teacher, fitted, dict(clock.seconds))


def generations(prepared: Prepared, past: Sequence[Generation] = ()) -> Iterator[Generation]:
    """Turn the cycle, one record a generation, until there is a reason to stop.

    Parameters
    ----------
    past
        Records of an interrupted run with the same parts, table, folds and seed: it goes on after them.
    """
    history = list(past)
    settings = prepared.parts.settings
    crowned = max((generation.index for generation in history if generation.decision.kept), default=0)
    champions = train(prepared, prepared.parts.aimer_for, history, "scout", crowned)
    while reason_to_stop(history, generations=settings.generations, patience=settings.patience) is None:
        generation, champions = _turn(prepared, history, champions)
        history.append(generation)
        yield generation


def conclude(prepared: Prepared, history: Sequence[Generation]) -> Outcome:
    """Fit the learner itself, with and without the kept rows; claim what the judge rows bear out.

    A champion that the judge rows speak against, seen through the learner itself, is rolled back to real rows.
    """
    clock, parts, table = Clock(), prepared.parts, prepared.table
    judging = prepared.lanes[:-1]
    kept = [generation for generation in history if generation.decision.kept]
    judged = np.concatenate([lane.judge for lane in judging])
    y, positive, evidence = table.y[judged], table.schema.positive, evidence_of(table, judged)
    with clock.stage("learner"):
        before = np.concatenate([each.proba for each in train(prepared, parts.learner_for, [], "final", 0, judging)])
    after, verdict = before, parts.acceptance.nothing_kept()
    if kept:
        with clock.stage("learner"):
            after = np.concatenate(
                [each.proba for each in train(prepared, parts.learner_for, kept, "final", 1, judging)]
            )
        with clock.stage("accept"):
            verdict, decision = parts.acceptance.verdict(
                y,
                before,
                after,
                positive,
                prepared.stream("verdict"),
                rows=table.row_number[judged],
                kept=len(kept),
                looks=len(history) + 1,
                **evidence,
            )
        if not decision.kept:
            kept, after, verdict = [], before, parts.acceptance.nothing_kept(decision)
    with clock.stage("learner"):
        (final,) = train(prepared, parts.learner_for, kept, "final", int(bool(kept)), prepared.lanes[-1:])
    with clock.stage("score"):
        baseline = _scores(y, before, positive, prepared.stream("baseline scores"), evidence)
        scores = _scores(y, after, positive, prepared.stream("final scores"), evidence) if kept else baseline
    synthetic, origins = _provenance(table, kept)
    return Outcome(
        learner=final.learner,
        verdict=verdict,
        synthetic=synthetic,
        origins=origins,
        baseline=baseline,
        scores=scores,
        judged=judged,
        proba=after,
        proba_real_only=before,
        seconds=dict(clock.seconds),
    )


def _turn(
    prepared: Prepared, history: Sequence[Generation], champions: list[Trained]
) -> tuple[Generation, list[Trained]]:
    """Run one generation; return its record and the champions after it."""
    clock, parts, index = Clock(), prepared.parts, len(history) + 1
    judging = prepared.lanes[:-1]
    with clock.stage("learner"):
        answers = unseen_answers(prepared, history, champions)
    weakness = MEASURES[parts.settings.weakness](prepared.table.y, answers)

    def work(lane: Lane) -> Proposed:
        return propose(
            parts,
            prepared.table.take(lane.fit),
            weakness[lane.fit],
            learner=champions[lane.index].learner,
            teacher=prepared.teacher,
            generator=prepared.generators[lane.index],
            lane=lane,
            generation=index,
            rng=prepared.stream("propose", index, lane.index + 1),
        )

    proposed = prepared.each(work, prepared.lanes)
    for each in proposed:
        clock.add(each.seconds)
    new = [each.rows for each in proposed]
    challengers = train(prepared, parts.aimer_for, history, "scout", index, extra=new)
    clock.add({"learner": sum(each.seconds for each in challengers)})
    judged = np.concatenate([lane.judge for lane in judging])
    y, evidence = prepared.table.y[judged], evidence_of(prepared.table, judged)
    old, fresh = (np.concatenate([each.proba for each in group[:-1]]) for group in (champions, challengers))
    positive, delivered = prepared.table.schema.positive, proposed[-1]
    with clock.stage("accept"):
        rows, rng = prepared.table.row_number[judged], prepared.stream("accept", index)
        decision = parts.acceptance.decide(y, old, fresh, positive, rng, rows=rows, **evidence)
        if not len(delivered.rows):
            decision = replace(decision, kept=False, reason="no row was left to add")
    with clock.stage("score"):
        challenger = _scores(y, fresh, positive, prepared.stream("scores", index), evidence)
        scores = challenger if decision.kept else _last_scores(history, y, old, positive, prepared, evidence)
    with clock.stage("drift"):
        kept = [generation.rows for generation in history if generation.decision.kept]
        drift = drift_report(prepared.table, Table.concat([*kept, delivered.rows]), prepared.stream("drift", index))
    generation = Generation(
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
        looks=index,
        lane_rows=tuple(new[:-1]),
    )
    return generation, challengers if decision.kept else champions


def _provenance(table: Table, kept: Sequence[Generation]) -> tuple[Table, tuple[Origin, ...]]:
    """Stack the kept rows and their lists of origins, counting the entries on."""
    tables, origins = [table.take(np.arange(0))], list[Origin]()
    for generation in kept:
        tables.append(replace(generation.rows, supply=generation.rows.supply + len(origins)))
        origins += generation.origins
    return Table.concat(tables), tuple(origins)


def evidence_of(table: Table, rows: np.ndarray) -> dict[str, np.ndarray | None]:
    """Return what rows (j,) of a table count and which stand together, as `loop.bootstrap` takes it."""
    return {"weight": table.weight[rows], "unit": None if table.unit is None else table.unit[rows]}


def _scores(
    y: np.ndarray,
    proba: np.ndarray,
    positive: int,
    rng: np.random.Generator,
    evidence: Mapping[str, np.ndarray | None],
) -> dict[str, Interval]:
    return intervals(
        REPORTED, y, proba, positive, rng, replicates=200, weight=evidence["weight"], unit=evidence["unit"]
    )


def _last_scores(
    history: Sequence[Generation],
    y: np.ndarray,
    proba: np.ndarray,
    positive: int,
    prepared: Prepared,
    evidence: Mapping[str, np.ndarray | None],
) -> dict[str, Interval]:
    """Scores of a champion that stays: those of the generation that crowned it, or of real rows alone."""
    if history:
        return history[-1].scores
    return _scores(y, proba, positive, prepared.stream("scores", 0), evidence)
