"""The search spaces of the tuned arm."""

from typing import Any

import optuna
import pytest
from of_columns import of_columns

from experiments.arms.tuned_baseline import SPACES
from learners import LEARNERS


@pytest.mark.parametrize("kind", SPACES, ids=lambda kind: kind.__name__)
def test_every_point_of_a_space_is_within_the_bounds_of_its_learner(kind: Any) -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(30):
        kind(**study.ask(dict(SPACES[kind])).params)  # refuses what is out of bounds


def test_every_learner_but_the_slowest_has_a_space() -> None:
    assert {LEARNERS.name_of(kind) for kind in SPACES} == set(of_columns(LEARNERS)) - {"mlp", "committee", "foundation"}
