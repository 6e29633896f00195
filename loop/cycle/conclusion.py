"""The end of a loop: the final learner, what it keeps, and the claim on the judge rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from loop.cycle.acceptance import Acceptance
from loop.cycle.held_back import Caught, caught
from loop.cycle.lanes import training_spread
from loop.cycle.ledger import Ledger
from loop.cycle.training import Prepared, Trained, pooled, reported_scores, train
from loop.evaluation.bootstrap import paired
from loop.evaluation.judge_rows import JudgeRows
from loop.protocols import Learner
from loop.support.memory import give_back
from loop.support.timing import Clock
from loop.types import Generation, Interval, LoopVerdict, Origin, Table


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
    brings: dict[str, Interval]  # by supply, where several are kept: score with its rows minus without, on judge rows
    caught: tuple[Caught, ...]  # of each stated pattern, whether its rows were kept or not
    seconds: dict[str, float]

    @property
    def known(self) -> tuple[Caught, ...]:
        """The stated patterns whose rows the learner was fitted on."""
        used = {self.origins[number].supply for number in np.unique(self.synthetic.supply)}
        return tuple(each for each in self.caught if each.supply in used)


def conclude(prepared: Prepared, history: Sequence[Generation]) -> Outcome:
    """Fit the final learner with and without the kept rows, compare both on the judge rows and return the outcome.

    If the final learner scores worse on the judge rows, the synthetic rows are dropped: first all that a teacher has
    labelled, and the stated ones too if they alone are proven to do harm.
    """
    give_back()  # what the generations needed: the final learner is fitted on all rows
    clock, parts = Clock(), prepared.parts
    judged = JudgeRows.of(prepared.table, prepared.judged)
    with clock.stage("learner"):
        trained = _final(prepared, [])
    before = pooled(trained)
    kept, chosen, verdict = _chosen(prepared, history, judged, trained, clock)
    after = pooled(chosen)
    with clock.stage("learner"):
        brings = _brings(prepared, kept, after)
    with clock.stage("score"):
        patterns = caught(prepared, trained, chosen)
    with clock.stage("learner"):
        (final,) = train(prepared, parts.learner_for, kept, "final", int(bool(kept)), prepared.lanes[-1:])
    with clock.stage("score"):
        baseline = reported_scores(judged, before, prepared.stream("baseline scores"))
        scores = reported_scores(judged, after, prepared.stream("final scores")) if kept else baseline
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
        brings=brings,
        caught=patterns,
        seconds=dict(clock.seconds),
    )


def _chosen(
    prepared: Prepared, history: Sequence[Generation], judged: JudgeRows, trained: list[Trained], clock: Clock
) -> tuple[list[Generation], list[Trained], LoopVerdict]:
    """Return the generations that the final learner keeps, its learners in the judging lanes, and the claim.

    ``trained`` are the learners on real rows alone.
    """
    verdict, before = prepared.parts.acceptance.nothing_kept(), pooled(trained)
    evidence = judged.copies_together(prepared.table.X[prepared.judged])
    for turn, (kept, acceptance) in enumerate(_final_choices(prepared, history), start=1):
        with clock.stage("learner"):
            challengers = _final(prepared, kept)
        with clock.stage("accept"):
            claim = {"kept": len(kept), "evaluations": len(history) + turn}
            spread, rng = training_spread(prepared.lanes[:-1]), prepared.stream("verdict")
            told, decision = acceptance.verdict(evidence, before, pooled(challengers), rng, **claim, spread=spread)
        if decision.kept:
            return kept, challengers, told
        verdict = acceptance.nothing_kept(decision)
    return [], trained, verdict


def _final_choices(prepared: Prepared, history: Sequence[Generation]) -> Iterator[tuple[list[Generation], Acceptance]]:
    """Yield what the final learner may keep, in order: all kept generations, and the stated ones of them alone."""
    acceptance, stated = prepared.parts.acceptance, {each.name for each in prepared.parts.supplies if each.stated}
    kept = [generation for generation in history if generation.decision.kept]
    knowledge = [generation for generation in kept if generation.supply in stated]
    if kept and len(knowledge) < len(kept):
        yield kept, acceptance
    if knowledge:
        yield knowledge, acceptance.harmless()


def _brings(prepared: Prepared, kept: Sequence[Generation], after: np.ndarray) -> dict[str, Interval]:
    """Compare the final learner with learners that lack the rows of one supply; nothing if there is one supply."""
    judged, metric = JudgeRows.of(prepared.table, prepared.judged), prepared.parts.acceptance.metric
    names = dict.fromkeys(generation.supply for generation in kept)
    found = {}
    for name in names if len(names) > 1 else ():
        without = pooled(_final(prepared, [each for each in kept if each.supply != name]))
        found[name] = paired(metric, judged, without, after, prepared.stream("brings", name)).difference
    return found


def _final(prepared: Prepared, kept: Sequence[Generation]) -> list[Trained]:
    """Fit the final learner in the judging lanes, on real rows and the kept ones."""
    number = int(bool(kept))
    return train(prepared, prepared.parts.learner_for, kept, "final", number, prepared.lanes[:-1])
