"""Settings and parts are checked before any work starts; the clock adds up."""

import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields, replace
from inspect import signature
from typing import get_type_hints

import numpy as np
import pytest
from tiny import AUGMENTED, LEARNER, rare_table, tiny_parts

import generators
import learners
from experiments.config.run_config import CalibrationConfig, LoopConfig
from experiments.config.strategies import Strategy
from generators import Reject, Resample
from learners import Linear, Thinned
from loop.cycle.lanes import deal
from loop.cycle.parts import Settings
from loop.errors import ConfigError
from loop.estimator import LoopClassifier
from loop.supplies.acquisition import Entropy, Gap, Variance
from loop.supplies.labelling import ByCondition, ByTeacher
from loop.support.timing import Clock
from loop.types import Table


def defaults_of_settings() -> dict[str, object]:
    return {each.name: each.default for each in fields(Settings)}


def test_the_estimator_takes_all_settings_with_their_defaults() -> None:
    parameters = signature(LoopClassifier).parameters
    assert {name: parameters[name].default for name in defaults_of_settings() if name in parameters} == (
        defaults_of_settings()
    )
    assert parameters["lanes"].default == signature(deal).parameters["k"].default
    assert parameters["calibration"].default == CalibrationConfig().method


def test_the_configuration_takes_all_settings_with_their_defaults() -> None:
    """What the strategy decides has no default there, and the strategy's default is the one of the settings."""
    defaults, decided = defaults_of_settings(), {"share_anywhere", "steer"}
    declared = {name: field.default for name, field in LoopConfig.model_fields.items() if name in defaults}
    assert declared == defaults | dict.fromkeys(decided)
    assert {name: getattr(Strategy(), name) for name in decided} == {name: defaults[name] for name in decided}
    assert LoopConfig().settings() == Settings()
    types, own = get_type_hints(Settings), get_type_hints(LoopConfig)
    assert all(own[name] in (types[name], types[name] | None) for name in defaults)


OUT_OF_BOUNDS = [
    ("generations", 0),
    ("budget", 0.0),
    ("most_rows", 0),
    ("pool", 0),
    ("share_anywhere", 1.1),
    ("weight", -1.0),
    ("weakness", "sadness"),
    ("patience", 0),
    ("jobs", 0),
]


@pytest.mark.parametrize(("name", "value"), OUT_OF_BOUNDS)
def test_the_configuration_refuses_what_the_settings_refuse(name: str, value: object) -> None:
    with pytest.raises(ConfigError) as caught:
        Settings(**{name: value})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=re.escape(f"loop.{caught.value}")):
        LoopConfig(**{name: value})  # type: ignore[arg-type]


def test_every_setting_with_bounds_is_tried() -> None:
    assert {each.name for each in fields(Settings) if each.metadata} == {name for name, _ in OUT_OF_BOUNDS}


@pytest.mark.parametrize("name", ["generations", "most_rows", "pool", "patience", "jobs"])
def test_counts_are_at_least_one(name: str) -> None:
    Settings(**{name: 1})
    with pytest.raises(ConfigError, match=f"{name} must be at least 1, got 0: raise it"):
        Settings(**{name: 0})


@pytest.mark.parametrize("name", ["budget", "weight"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan")])
def test_shares_are_above_zero(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=f"{name} must be above 0, got {value}"):
        Settings(**{name: value})


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_share_anywhere_is_a_share(value: float) -> None:
    with pytest.raises(ConfigError, match=f"share_anywhere must lie in 0..1, got {value}"):
        Settings(share_anywhere=value)


def settings_of_parts() -> Iterator[tuple[type, str, float]]:
    """Numeric settings of every catalogued part, each with a value that no count, share or rate may have."""
    for catalogue in (generators.GENERATORS, generators.WRAPPERS, learners.LEARNERS, learners.WRAPPERS):
        for kind in map(catalogue.kind, catalogue.names()):
            numeric = [each for each in fields(kind) if each.init and type(each.default) in (int, float)]
            for setting in numeric:
                if setting.name == "jobs":  # below zero it means all cores, to libraries
                    continue
                yield kind, setting.name, -1
                yield kind, setting.name, float("inf")
                if type(setting.default) is int:
                    yield kind, setting.name, 2.5
                if type(setting.default) is float:
                    yield kind, setting.name, float("nan")


@pytest.mark.parametrize(("kind", "name", "value"), list(settings_of_parts()))
def test_settings_out_of_range_are_refused_by_every_part(kind: type, name: str, value: float) -> None:
    needed = {Reject: {"generator": Resample()}, Thinned: {"learner": Linear()}}.get(kind, {})
    with pytest.raises(ConfigError, match=rf"^{name} .*got {value}"):
        kind(**needed, **{name: value})


def test_weakness_must_exist() -> None:
    with pytest.raises(ConfigError, match=r"weakness must be one of log_loss, .*, got 'sadness'"):
        Settings(weakness="sadness")


@pytest.mark.parametrize("part", [{"acquisition": Gap()}, {"acquisition": Variance()}, {"labeller": ByTeacher()}])
def test_parts_that_need_a_teacher_are_refused_without(part: dict[str, object]) -> None:
    untaught = {"acquisition": Entropy(), "labeller": ByCondition()}
    assert tiny_parts(teacher=None, **untaught).teacher is None
    with pytest.raises(ConfigError, match="needs a teacher, got none: pass a teacher, or aim by entropy"):
        tiny_parts(teacher=None, **untaught | part)


def test_the_surrogate_aims_where_there_is_one() -> None:
    surrogate = Linear()
    real = rare_table(20)
    assert tiny_parts().surrogate_for(real) is LEARNER
    assert tiny_parts(surrogate=surrogate).surrogate_for(real) is surrogate


def test_tables_with_new_rows_get_the_augmented_learner_and_others_never() -> None:
    surrogate, more, real = Linear(), Linear(), rare_table(20)
    made = Table.concat([real, replace(real.take(np.arange(1)), generation=np.ones(1, dtype=np.int64))])
    outside = replace(made, generation=np.minimum(made.generation, 0) - (made.generation > 0))
    alone, both = tiny_parts(), tiny_parts(surrogate=surrogate, augmented_surrogate=more)
    for table in (made, outside):
        assert alone.learner_for(table) is alone.surrogate_for(table) is both.learner_for(table) is AUGMENTED
        assert both.surrogate_for(table) is more
        assert tiny_parts(surrogate=surrogate).surrogate_for(table) is surrogate
        assert tiny_parts(augmented_learner=None).learner_for(table) is LEARNER
    for parts in (alone, both):
        assert parts.learner_for(real) is LEARNER
    assert both.surrogate_for(real) is surrogate


def test_clock_adds_up_the_seconds_of_a_stage_even_when_it_fails() -> None:
    clock = Clock()
    for _ in range(2):
        with suppress(KeyError), clock.stage("fit"):
            time.sleep(0.01)
            raise KeyError
    assert 0.02 <= clock.seconds["fit"] < 1
    clock.add({"fit": 1.0, "judge": 2.0})
    assert clock.seconds["fit"] > 1
    assert clock.seconds["judge"] == 2


def test_a_stage_inside_another_counts_for_itself_only() -> None:
    clock = Clock()
    with clock.stage("generator"):
        for _ in range(2):
            with clock.stage("teacher"):
                time.sleep(0.02)
    assert clock.seconds["teacher"] >= 0.04
    assert clock.seconds["generator"] < 0.02


def test_only_generators_that_can_be_steered_are() -> None:
    with pytest.raises(ConfigError, match="got Neighbourhood: use diffusion"):
        tiny_parts(settings=Settings(steer=True))
