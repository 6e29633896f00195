"""The usual parts for series run in a loop, and everything that they name can be saved."""

from dataclasses import replace

import numpy as np
from series_tables import series_table

from experiments.arms.forms.series import form
from experiments.arms.plain import screen
from experiments.config.strategies import compose
from generators import AugmentSeries, DiffusionSeries
from learners import Committee, ConvnetSeries, MiniRocket
from learners.common.nested import storable
from loop.cycle.driver import run_loop
from loop.cycle.lanes import deal, lanes
from loop.cycle.parts import Settings
from loop.encoders import rows_of
from loop.protocols import Generator, Learner


def small(learner: Learner) -> Learner:
    if isinstance(learner, MiniRocket):
        return replace(learner, features=168)
    return replace(learner, width=8, steps=10) if isinstance(learner, ConvnetSeries) else learner


def test_a_loop_runs_on_the_usual_parts() -> None:
    usual, table = form(), series_table(150, classes=3, several_lengths=True, rare=0.1)
    generators: tuple[Generator, ...] = (
        AugmentSeries(),
        DiffusionSeries(points=16, width=8, least_steps=20, most_steps=20, sampling_steps=4),
    )
    for generator in generators:
        teacher = Committee(members=tuple(map(small, usual.members)), jobs=1)
        settings = Settings(generations=1, jobs=1, pool=2, steer=isinstance(generator, DiffusionSeries))
        parts = compose(learner=small(usual.learner), teacher=teacher, generator=generator, settings=settings)
        run = run_loop(parts, table, deal(table, np.random.default_rng(0), k=2), np.random.default_rng(0))
        (generation,) = run.history
        made = generation.rows
        assert len(made)
        np.testing.assert_array_equal(rows_of(made.schema, made.X, made.rows.arrays).X, made.X)
        storable(run.outcome.learner)


def test_plain_kinds_are_told_apart_and_can_be_delivered() -> None:
    table = series_table(120)
    kinds = [replace(kind, variants=tuple(map(small, kind.variants))) for kind in form().kinds]
    found = list(screen(kinds, table, lanes(deal(table, np.random.default_rng(0), k=2)), 0))
    assert [each.name for each in found[: len(kinds)]] == [kind.name for kind in kinds]
    rocket = next(each for each in found if each.name == "MiniRocket")
    assert rocket.score > 0.8
    for each in found:
        storable(each.learner)
