"""The conditional network obeys the laws of generators; then what is special to it."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from generators.common import torch_training
from generators.gan.conditions import Balance, Conditions
from generators.gan.gan import Gan
from generators.gan.networks import Critic
from loop.errors import ConditionError, ConfigError
from loop.testing.tables import mixed_table, numeric_table
from loop.types import Column, Condition, Region, Request, Schema, Table


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def marked_table(n: int = 1500) -> Table:
    """Three discrete columns, and three numbers each of which follows one of them."""
    codes = rng().integers(0, 4, (n, 3)).astype(float)
    numbers = 3 * codes + rng(1).normal(size=(n, 3))
    X = np.hstack([codes, numbers])
    categories = tuple(Column(f"c{i}", "categorical", "str", 0, 3, tuple("abcd")) for i in range(3))
    ordered = tuple(
        Column(f"x{i}", "numeric", "float64", float(x.min()), float(x.max())) for i, x in enumerate(numbers.T)
    )
    return Table.real(X, (rng(2).random(n) < 0.1).astype(int), Schema((*categories, *ordered), ("no", "yes")))


@pytest.fixture(scope="module")
def marked() -> Gan:
    return Gan(hidden=128).fit(marked_table(), rng())


@pytest.mark.parametrize("column", [0, 1, 2])
def test_every_discrete_column_is_a_condition_that_the_rest_follows(marked, column):
    means = []
    for code in (0, 3):
        region = Region((Condition(column, codes=frozenset({code})),))
        samples = marked.sample(Request(region, None, 300), rng())
        assert samples.sampling_method == "native"
        assert samples.acceptance == 1
        assert (samples.table.X[:, column] == code).all()
        means.append(samples.table.X[:, 3 + column].mean())
    assert means[1] - means[0] > 5, f"x{column} is {means[0]:.1f} and {means[1]:.1f}, in truth 0 and 9"


def test_several_conditions_hold_together(marked):
    rule = (Condition(0, codes=frozenset({1})), Condition(2, codes=frozenset({0, 3})), Condition(4, low=5.0))
    samples = marked.sample(Request(Region(rule), 1, 100), rng())
    assert len(samples.table) == 100
    assert Region(rule).contains(samples.table.rows).all()
    assert (samples.table.y == 1).all()


def test_unasked_values_keep_their_real_frequencies():
    table = mixed_table(1000)
    y = np.zeros(1000, np.int64)
    y[:3] = 1  # log frequencies would ask for them in one row of seven
    made = Gan(epochs=2).fit(replace(table, y=y), rng()).sample(Request(Region(), None, 20_000), rng()).table
    assert abs(made.y.mean() - 0.003) < 0.002


def test_training_sees_rare_values_more_often_and_all_rows():
    values = np.array([[0.0]] * 98 + [[1.0]] * 2)
    rows = Balance(values).rows(np.zeros(20_000, int), rng())
    rare = np.log1p(2) / (np.log1p(2) + np.log1p(98))
    assert abs((rows >= 98).mean() - rare) < 0.01
    assert set(rows.tolist()) == set(range(100))


def test_training_draws_each_pivot_by_its_own_values():
    values = np.column_stack([np.arange(60) % 2, np.arange(60) % 3, np.where(np.arange(60) < 3, np.nan, 1.0)])
    balance = Balance(values)
    for pivot in range(3):
        drawn = values[balance.rows(np.full(20_000, pivot), rng()), pivot]
        _, real = np.unique(values[:, pivot], return_counts=True)
        _, made = np.unique(drawn, return_counts=True)
        np.testing.assert_allclose(made / 20_000, np.log1p(real) / np.log1p(real).sum(), atol=0.015)


def test_a_pair_of_values_that_no_real_row_has_is_made():
    table = marked_table()
    table = table.take(~((table.X[:, 0] == 1) & (table.X[:, 1] == 2)))
    region = Region((Condition(0, codes=frozenset({1})), Condition(1, codes=frozenset({2}))))
    samples = Gan(epochs=2).fit(table, rng()).sample(Request(region, None, 50), rng())
    assert len(samples.table) == 50
    assert region.contains(samples.table.rows).all()


def test_a_value_never_seen_is_not_made(marked):
    region = Region((Condition(0, codes=frozenset({9})),))
    samples = marked.sample(Request(region, None, 50), rng())
    assert (len(samples.table), samples.tried, samples.shortfall) == (0, 0, 50)


def test_rare_categories_can_be_asked_for_by_code():
    n = 3000
    codes = np.concatenate([np.repeat(np.arange(250.0), 10), np.arange(250.0, 750.0)])
    column = Column("merchant", "categorical", "str", 0, 749, tuple(range(750)))
    table = Table.real(codes[:, None], np.arange(n) % 2, Schema((column,), ("no", "yes")))
    region = Region((Condition(0, codes=frozenset({700})),))
    made = Gan(epochs=1).fit(table, rng()).sample(Request(region, None, 20), rng()).table
    assert (made.X[:, 0] == 700).all()
    assert len(made) == 20


def test_a_condition_shows_the_label_and_its_pivot():
    conditions = Conditions.of(marked_table())
    shown, pivot = conditions.shown(5000, rng())
    assert shown[:, -1].all()
    assert shown[np.arange(5000), pivot].all()
    assert 0.3 < shown[:, 0].mean() < 0.6


def test_the_written_out_slope_is_that_of_autograd():
    stream = torch_training.torch_stream(rng(), torch.device("cpu"))
    critic = torch_training.build(lambda: Critic(7, 16, 5), stream).double()
    packs = torch.randn(12, 5, 7, generator=stream, dtype=torch.float64).requires_grad_(True)
    (slope,) = torch.autograd.grad(critic(packs).sum(), packs, create_graph=True)
    torch.testing.assert_close(critic.slope(packs), slope)
    weights = [critic.row.weight, critic.own.weight, critic.pack_mean.weight, critic.last.weight]
    expected = torch.autograd.grad(slope.square().sum(), weights)
    torch.testing.assert_close(torch.autograd.grad(critic.slope(packs).square().sum(), weights), expected)


def test_a_critic_heeds_the_pack_and_no_order_within():
    stream = torch_training.torch_stream(rng(), torch.device("cpu"))
    critic = torch_training.build(lambda: Critic(7, 16, 5), stream)
    packs = torch.randn(12, 5, 7, generator=stream)
    torch.testing.assert_close(critic(packs[:, [4, 2, 0, 1, 3]]), critic(packs))
    alone = critic(packs.reshape(60, 1, 7).expand(60, 5, 7)).reshape(12, 5).mean(1)
    assert not torch.allclose(alone, critic(packs), atol=1e-4)


def test_what_a_maker_makes_can_be_decoded(marked):
    modes, n = marked.modes_, 50
    stream = torch_training.torch_stream(rng(), torch.device("cpu"))
    vectors = torch_training.tensor(modes.encode(marked_table(n).X, marked_table(n).y, rng()), stream.device)
    shown = torch.zeros(n, 4).index_fill_(1, torch.tensor([1, 3]), 1.0)
    with torch.no_grad():
        for given in (None, stream):
            made = marked.maker_(torch.randn(n, marked.noise, generator=stream), vectors, shown, given)
            for span in modes.spans:
                torch.testing.assert_close(made[:, span].sum(1), torch.ones(n))
            for column in (1, len(modes.columns) - 1):
                torch.testing.assert_close(made[:, modes.spans[column]], vectors[:, modes.spans[column]])
            assert made[:, modes.scalars].abs().max() <= 1


def test_a_warm_start_goes_on(marked):
    table = marked_table()
    region = Region((Condition(1, codes=frozenset({3})),))

    def error(generator: Gan) -> float:
        made = generator.sample(Request(region, None, 500), rng()).table
        return abs(made.X[:, 4].mean() - 9)

    fifth = error(Gan(hidden=128, epochs=10).fit(table, rng()))
    full, generator = error(marked), copy.deepcopy(marked)
    generator.warm_start = True
    again = error(generator.fit(table, rng(1)))  # as many steps as the first one
    assert max(full, again) < 1 < fifth


def test_a_label_of_no_real_row_is_refused(marked):
    with pytest.raises(ConditionError, match=r"7 does not: ask for one of \[0, 1\]"):
        marked.sample(Request(Region(), 7, 5), rng())


def test_a_batch_must_be_made_of_packs():
    with pytest.raises(ConfigError, match="multiple of pack"):
        Gan(batch=105)


def test_no_discrete_column_is_needed():
    table = numeric_table()
    made = Gan(epochs=2).fit(table, rng()).sample(Request(Region(), 1, 30), rng()).table
    assert len(made) == 30
