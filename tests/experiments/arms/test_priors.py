"""Priors of delivery: they hold for candidates like those that were measured, and for no others."""

import numpy as np
import pytest

from experiments.arms.arm import Arm
from experiments.arms.names import REAL_ONLY, TARGETED, TEACHER
from experiments.arms.priors import PRIORS, prior_of
from learners import Blend, CatBoost, Committee, ExtraTrees, Forest, Linear, Thinned, XGBoost
from loop.protocols import Learner

FULL = Committee(members=(XGBoost(), ExtraTrees(), Linear()))
SMALL = Committee(members=(XGBoost(), Linear()))


def arm(name: str, model: Learner, skill: float = 0.5, *, plain: bool = False) -> Arm:
    return Arm(name, model, 1.0, plain=plain, judged=np.full((4, 2), skill))


@pytest.mark.parametrize(
    ("teacher", "rival", "knows"),
    [
        (FULL, XGBoost(depth=3), True),
        (FULL, Forest(), True),  # of the same family as extra trees
        (FULL, Blend((XGBoost(), Forest())), True),
        (FULL, Thinned(ExtraTrees(), 50), True),
        (SMALL, CatBoost(), True),
        (SMALL, ExtraTrees(), False),
        (SMALL, Blend((XGBoost(), Forest())), False),
        (Committee(members=(ExtraTrees(), Linear())), XGBoost(), False),
        (Committee(members=(ExtraTrees(),)), Linear(), False),
    ],
)
def test_a_teacher_without_members_like_the_best_plain_model_must_earn_its_place(
    teacher: Learner, rival: Learner, knows: bool
) -> None:
    best = arm("best", rival, plain=True)
    mean, sd = prior_of(arm(TEACHER, teacher, 0.6), best, [best], 0.1)
    assert mean == pytest.approx(0.1 * PRIORS[TEACHER][0] if knows else 0.0)
    assert sd == pytest.approx(0.1 * PRIORS[TEACHER][1])


def test_a_loop_that_kept_nothing_is_compared_as_the_plain_model_that_it_is() -> None:
    real, best = arm(REAL_ONLY, XGBoost(), 0.5, plain=True), arm("MLP", Linear(), 0.7, plain=True)
    assert prior_of(arm(TARGETED, XGBoost(), 0.5), best, [real, best], 0.1) == (0.0, np.inf)
    assert prior_of(arm(TARGETED, XGBoost(), 0.6), best, [real, best], 0.1) == pytest.approx((0.0, 0.006))
    assert prior_of(real, best, [real, best], 0.1) == (0.0, np.inf)
