"""What a candidate is expected to gain over the best plain model before the judge rows are asked.

The figures come from other tables. They hold for candidates like those that were measured there.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from experiments.arms.arm import Arm
from experiments.arms.kind import BOOSTED, RANDOM
from experiments.arms.names import LOOP, TEACHER, WITH_STATED, is_loop
from experiments.arms.plain import METRIC
from learners import LEARNERS
from learners.common.nested import Composite, with_nested
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import score
from loop.protocols import Predictor

# Mean difference from the best plain model and its standard deviation between tables, as shares of the room to gain.
PRIORS: Mapping[str, tuple[float, float]] = {TEACHER: (0.08, 0.06), LOOP: (0.0, 0.06), WITH_STATED: (0.0, 0.06)}
LEAST_ROOM = 1e-3
FAMILIES = {  # by name in the catalogue; other learners are families of their own
    **dict.fromkeys(("xgboost", "catboost", "lightgbm"), BOOSTED),
    **dict.fromkeys(("forest", "extra_trees"), RANDOM),
}


def prior_of(arm: Arm, rival: Arm, plain: Sequence[Arm], scale: float) -> tuple[float, float]:
    """Return mean and standard deviation of a candidate's difference from the best plain model.

    The teachers that were measured have members like every plain model. A teacher that answers without any member like
    the best plain one has no reason to be better than it: its mean is zero, and it must earn its place. A loop that
    kept nothing is its learner on real rows alone, a plain model, and plain models are compared by their scores as they
    are.

    Parameters
    ----------
    arm : Arm
        The candidate, with its answers for the judge rows.
    rival : Arm
        The best plain model.
    plain : sequence of Arm
        All plain models with answers.
    scale : float
        The room to gain, see `room`.
    """
    others = (each.judged for each in plain if each is not arm)
    if arm.judged is not None and any(np.array_equal(arm.judged, each) for each in others if each is not None):
        return 0.0, np.inf
    mean, sd = PRIORS.get(LOOP if is_loop(arm.name) else arm.name, (0.0, np.inf))
    if arm.name == TEACHER and not _families(rival.predictor) <= _families(arm.predictor):
        mean = 0.0
    return mean * scale, sd * scale


def room(judged: JudgeRows, reached: float) -> float:
    """Return how much room there is for a better score: (s - c)(1 - s) for a score s and its value by chance c.

    There is little where a model is barely above chance, as nothing can be learnt, and little near 1.
    """
    constant = np.full((len(judged), int(judged.y.max()) + 1), 1 / (int(judged.y.max()) + 1))
    return max(LEAST_ROOM, (reached - score(METRIC, judged, constant)) * (1 - reached))


def _families(model: Predictor) -> set[object]:
    """Return the families of the learners that a model answers with: boosted trees, random trees, or the very class."""
    single = (type(each) for each in with_nested(model) if not isinstance(each, Composite))
    return {FAMILIES.get(LEARNERS.name_of(kind) or "", kind) for kind in single}
