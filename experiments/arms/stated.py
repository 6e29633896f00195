"""The best plain model, taught what is stated: the rival of the loop's model where a pattern is known in words only."""

import time
from collections.abc import Sequence
from dataclasses import replace

from experiments.arms.arm import Arm
from experiments.arms.names import WITH_STATED
from experiments.arms.plain import Plain
from loop.cycle.driver import LoopRun
from loop.cycle.held_back import caught_by, held_back
from loop.cycle.lanes import Lane
from loop.cycle.training import Trained, pooled, train
from loop.protocols import Learner


def with_stated(run: LoopRun, model: Plain) -> Arm | None:
    """Fit a plain model on real rows and the stated rows that the loop kept; None if it kept none.

    Parameters
    ----------
    run : LoopRun
        A finished loop.
    model : Plain
        The best plain model.
    """
    prepared, known = run.prepared, {each.supply: each for each in run.outcome.known}
    generations = [each for each in run.history if each.decision.kept and each.supply in known]
    if not generations:
        return None

    def fit(learner: Learner, of: Sequence[Lane]) -> list[Trained]:
        return train(prepared, lambda _: learner, generations, WITH_STATED, 1, of)

    started = time.perf_counter()
    *judging, final = fit(model.quick or model.learner, prepared.lanes)
    catches = caught_by(prepared, held_back(prepared), judging)
    told = tuple(replace(each, after=catches[name][1]) for name, each in known.items() if name in catches)
    rows = sum(len(each.rows) for each in generations)
    note = "; ".join(filter(None, [f"{model.name} with {rows} stated rows", model.note]))
    whole = (lambda: fit(model.learner, prepared.lanes[-1:])[0].learner) if model.quick else None
    seconds = time.perf_counter() - started
    return Arm(WITH_STATED, final.learner, seconds, note, judged=pooled(judging), whole=whole, known=told)
