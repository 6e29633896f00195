"""The best plain model, taught what is stated: the rival of the loop's model where a pattern is known in words only."""

import time
from dataclasses import replace

import numpy as np

from experiments.arms.arm import Arm
from experiments.arms.names import WITH_STATED
from experiments.arms.plain import Plain
from loop.cycle.driver import LoopRun
from loop.cycle.held_back import caught_by
from loop.cycle.training import train


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
    started, learner = time.perf_counter(), model.quick or model.learner
    *judging, final = train(prepared, lambda _: learner, generations, WITH_STATED, 1)
    catches = caught_by(prepared, judging)
    told = tuple(replace(each, after=catches[name][1]) for name, each in known.items() if name in catches)
    rows = sum(len(each.rows) for each in generations)
    note = "; ".join(filter(None, [f"{model.name} with {rows} stated rows", model.note]))
    judged = np.concatenate([each.proba for each in judging])
    return Arm(WITH_STATED, final.learner, time.perf_counter() - started, note, judged=judged, known=told)
