"""Diffusion obeys the laws of every generator, keeps planted truths, and can be steered."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import truncnorm

from generators.diffusion.diffusion import Diffusion
from generators.diffusion.guidance import Guide, systematic_draw, tempered
from generators.diffusion.latent_space import WIDEST, Levels, Space
from generators.diffusion.region_projection import Box, truncated
from generators.diffusion.solver import HIGHEST, LOWEST, State, Unsteered, noise_levels, run
from loop.errors import ConditionError, ConfigError
from loop.rows import Rows
from loop.testing.tables import mixed_table, numeric_table, planted_table
from loop.types import Column, Condition, Region, Request, Schema, Table

ANYWHERE = Region()


def narrow() -> Diffusion:
    """Make a generator of default settings but for the size of the net."""
    return Diffusion(hidden=64, blocks=2)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def small(**other: float) -> Diffusion:
    return Diffusion(**{"hidden": 64, "blocks": 2, "least_steps": 500, "passes": 1, "batch": 256} | other)


def linked_table(n: int = 3000) -> Table:
    """Two numbers that go together, a category that tells the sign of one, a label that shifts both, and a hole."""
    draw = rng(1)
    y = (draw.random(n) < 0.3).astype(np.int64)
    first = draw.normal(size=n) + y
    second = 0.8 * (first - y) + 0.6 * draw.normal(size=n) + y
    side = (first > 0.5).astype(float)
    X = np.column_stack([first, second, side])[~((first > 1.5) & (first < 2))]
    columns = (
        Column("first", "numeric", "float64", X[:, 0].min(), X[:, 0].max()),
        Column("second", "numeric", "float64", X[:, 1].min(), X[:, 1].max()),
        Column("side", "categorical", "str", 0, 1, ("left", "right")),
    )
    return Table.real(X, y[~((first > 1.5) & (first < 2))], Schema(columns, ("no", "yes")))


@pytest.fixture(scope="module")
def linked() -> tuple[Table, Diffusion]:
    table = linked_table()
    return table, small().fit(table, rng())


@pytest.fixture(scope="module")
def planted() -> tuple[Table, Region, Diffusion]:
    table, corner = planted_table(1000)
    return table, corner, small().fit(table, rng())


class TestModel:
    def test_keeps_means_correlations_and_labels_together(self, linked):
        table, generator = linked
        made = generator.sample(Request(ANYWHERE, None, 3000), rng()).table
        for label in (0, 1):
            real, ours = (rows.X[rows.y == label] for rows in (table, made))
            np.testing.assert_allclose(ours.mean(axis=0), real.mean(axis=0), atol=0.15)
            np.testing.assert_allclose(np.corrcoef(ours.T), np.corrcoef(real.T), atol=0.08)

    def test_columns_agree_with_each_other(self, linked):
        made = linked[1].sample(Request(ANYWHERE, None, 2000), rng()).table.X
        assert ((made[:, 0] > 0.5) == (made[:, 2] == 1)).mean() > 0.85

    def test_no_row_is_a_copy(self, linked):
        table, generator = linked
        made = generator.sample(Request(ANYWHERE, None, 500), rng()).table.X
        assert not {row.tobytes() for row in made} & {row.tobytes() for row in table.X}

    def test_a_second_fit_starts_warm(self):
        table = linked_table()
        generator = small(warm_start=True).fit(table, rng())
        first, cold = generator.steps_, small(least_steps=generator.steps_ // 5).fit(table, rng(1))
        generator.fit(table, rng(1))
        assert generator.steps_ == first // 5 == cold.steps_
        assert held_loss(generator, table) < held_loss(cold, table)

    def test_a_table_of_another_shape_starts_cold(self):
        generator = small(warm_start=True, least_steps=20).fit(numeric_table(), rng())
        assert generator.fit(mixed_table(), rng()).steps_ == 20

    def test_a_saved_generator_samples_the_same_rows(self, tmp_path):
        table = mixed_table()
        generator = small(least_steps=20).fit(table, rng())
        generator.save(tmp_path / "saved")
        loaded = Diffusion.load(tmp_path / "saved")
        box = Region((Condition(1, low=0.0), Condition(6, codes=frozenset({1}), missing=True)))
        for region in (ANYWHERE, box):
            one, other = (each.sample(Request(region, None, 50), rng(2)).table for each in (generator, loaded))
            np.testing.assert_array_equal(one.X, other.X)
            np.testing.assert_array_equal(one.parents, other.parents)


class TestWarmStarts:
    """Weights are used again where they mean the same."""

    def table(self, common: float, n: int = 1500) -> Table:
        """Two numbers, and a column of two categories that tells nearly all of the first; the share of the latter."""
        table = numeric_table(n, 3)
        X = table.X.copy()
        X[:, 2] = rng(1).permutation(n) < common * n
        X[:, 0] = X[:, 0] / 4 + np.where(X[:, 2] == 1, 2, -2)
        columns = (*table.schema.columns[:2], Column("kind", "categorical", "str", 0, 1, ("a", "b")))
        return Table.real(X, table.y, replace(table.schema, columns=columns))

    def gap(self, generator: Diffusion) -> float:
        made = generator.sample(Request(ANYWHERE, None, 600), rng(3)).table
        return made.X[made.X[:, 2] == 1, 0].mean() - made.X[made.X[:, 2] == 0, 0].mean()

    def test_levels_that_change_places_in_frequency_keep_their_numbers(self, tmp_path):
        generator = small(warm_start=True).fit(self.table(0.48), rng())
        before = generator.space_.levels[2].values
        generator.fit(self.table(0.52), rng())
        np.testing.assert_array_equal(generator.space_.levels[2].values, before)
        assert self.gap(generator) > 3
        generator.save(tmp_path / "saved")
        assert self.gap(Diffusion.load(tmp_path / "saved")) == self.gap(generator)

    def test_weights_mean_what_they_meant(self):
        """With next to no training, rows are those of the old weights."""
        generator = small(warm_start=True).fit(self.table(0.48), rng())
        generator.least_steps = generator.most_steps = 1
        generator.rate = 1e-9
        assert self.gap(generator.fit(self.table(0.52), rng())) > 3

    @pytest.mark.parametrize(
        "change",
        [
            lambda table: replace_column(table, name="sort"),
            lambda table: replace_column(table, categories=("b", "a")),
            lambda table: replace(table, schema=replace(table.schema, classes=("x", "y"))),
            lambda table: replace(
                table, rows=Rows(np.column_stack([table.X[:, :2], np.where(table.X[:, 2] == 0, 2, 1)]))
            ),
        ],
        ids=["name", "categories", "classes", "values"],
    )
    def test_what_means_something_else_starts_cold(self, change):
        three = replace_column(self.table(0.48), categories=("a", "b", "c"), high=2)
        generator = small(warm_start=True, least_steps=20, most_steps=20).fit(three, rng())
        assert generator.fit(three, rng()).steps_ == 4
        assert generator.fit(change(three), rng()).steps_ == 20

    def test_a_level_that_rare_values_share_stays_the_last(self):
        x = np.concatenate([np.repeat(np.arange(127.0), 10), np.arange(127.0, 300)])
        one, other = Levels.unordered(x), Levels.unordered(np.append(x, np.repeat(np.arange(9.0), 5)))
        assert other.like(one)
        ordered = other.in_order(one.values)
        np.testing.assert_array_equal(ordered.values[:-1], one.values[:-1])
        np.testing.assert_array_equal(ordered.rare, other.rare)
        assert not Levels.unordered(x[x > 3]).like(one)


def replace_column(table: Table, **values: object) -> Table:
    *rest, last = table.schema.columns
    return replace(table, schema=replace(table.schema, columns=(*rest, replace(last, **values))))


def held_loss(generator: Diffusion, table: Table) -> float:
    latents = torch.as_tensor(generator.space_.encode(table.X, rng(5)))
    stream = torch.Generator().manual_seed(0)
    with torch.no_grad():
        return float(generator.net_.loss(latents, torch.as_tensor(table.y), stream))


class TestRegions:
    def test_where_no_real_row_is_the_other_columns_follow(self, linked):
        table, generator = linked
        hole = Region((Condition(0, low=1.55, high=1.95),))
        assert not hole.contains(table.rows).any()
        samples = generator.sample(Request(hole, 0, 400), rng())
        assert samples.sampling_method == "native"
        assert len(samples.table) == 400
        assert (samples.table.parents == -1).all()
        assert (samples.table.X[:, 2] == 1).mean() > 0.9
        assert abs(samples.table.X[:, 1].mean() - 0.8 * 1.75) < 0.25
        assert 0.3 < samples.table.X[:, 1].std() < 0.9

    def test_labels_fit_an_empty_region(self, linked):
        hole = Region((Condition(0, low=1.55, high=1.95), Condition(1, low=1.5)))
        labels = linked[1].sample(Request(hole, None, 400), rng()).table.y
        assert labels.mean() > 0.4  # three tenths everywhere

    def test_proposals_stay_near_their_parents(self, planted):
        table, corner, generator = planted
        samples = generator.sample(Request(corner, None, 200), rng())
        assert samples.sampling_method == "seeds"
        assert corner.contains(table.rows.take(samples.table.parents[:, 0])).all()
        moved = np.abs(samples.table.X - table.X[samples.table.parents[:, 0]]).mean()
        apart = np.abs(samples.table.X - rng().permutation(samples.table.X)).mean()
        assert 0 < moved < 0.8 * apart
        np.testing.assert_array_equal(samples.table.y, table.y[samples.table.parents[:, 0]])

    def test_the_label_follows_the_region(self, planted):
        _, corner, generator = planted
        upper = Region((*corner.rule, Condition(2, low=0.6)))  # flipped there: all of class 0
        assert generator.sample(Request(upper, None, 100), rng()).table.y.mean() < 0.05

    def test_an_impossible_region_costs_nothing(self, linked):
        for rule in (
            (Condition(0, low=1e6),),
            (Condition(2, codes=frozenset({7})),),
            (Condition(0, high=0.0), Condition(0, low=1.0)),
        ):
            samples = linked[1].sample(Request(Region(rule), None, 50), rng())
            assert len(samples.table) == samples.tried == 0

    def test_a_class_without_rows_is_refused(self, linked):
        with pytest.raises(ConditionError, match="got 5: ask for one of no, yes"):
            linked[1].sample(Request(ANYWHERE, 5, 10), rng())

    @settings(max_examples=60, deadline=None)
    @given(mean=st.floats(-6, 6), spread=st.floats(0.01, 1), low=st.floats(-4, 4), width=st.floats(0.01, 5))
    def test_a_cut_normal_distribution_has_the_known_mean(self, mean, spread, low, width):
        a, b = (low - mean) / spread, (low + width - mean) / spread
        ours = float(truncated(torch.tensor([mean], dtype=torch.float64), spread, low, low + width)[0])
        assert low <= ours <= low + width
        if max(min(abs(a), abs(b)) * (a * b > 0), 0) < 6:  # scipy is exact here
            assert abs(ours - truncnorm.mean(a, b, loc=mean, scale=spread)) < 1e-3 * width + 1e-6

    def test_conditions_on_one_column_add_up(self):
        table = mixed_table()
        space = Space.of(table.X, table.schema)
        rule = (Condition(5, codes=frozenset({0, 1})), Condition(5, codes=frozenset({1, 2})), Condition(1, high=0.0))
        box = Box.of(Region((*rule, Condition(1, low=-1.0))), space)
        assert box is not None
        assert [mask.sum() for mask in box.levels.values()] == [1]
        assert len(box.scores) == 1


class TestGuide:
    @pytest.mark.parametrize(("method", "strength", "lift"), [("particles", 1.0, 0.6), ("gradient", 5.0, 0.4)])
    def test_guided_rows_score_higher_and_stay_apart(self, planted, method, strength, lift):
        table, _, generator = planted
        guide = Guide(difference, strength, method=method)
        request = Request(ANYWHERE, None, 400)
        plain = generator.sample(request, rng()).table.rows
        guided = generator.sample_guided(request, guide, rng())
        assert difference(guided.table.rows).mean() > difference(plain).mean() + lift * difference(table.rows).std()
        assert len(np.unique(guided.table.X.round(6), axis=0)) > 390
        assert guided.table.X[:, 2:4].std() > 0.8 * plain.X[:, 2:4].std()  # what was not asked for stays

    def test_strength_is_in_standard_deviations(self, planted):
        """Tilting a normal distribution by exp(strength * z) lifts its mean by the strength."""
        table, _, generator = planted
        made = generator.sample_guided(Request(ANYWHERE, None, 1000), Guide(difference, 1.0), rng()).table.rows
        lift = (difference(made).mean() - difference(table.rows).mean()) / difference(table.rows).std()
        assert 0.7 < lift < 1.3

    @pytest.mark.parametrize("method", ["particles", "gradient"])
    def test_strength_zero_is_unguided(self, planted, method):
        request = Request(ANYWHERE, None, 100)
        plain = planted[2].sample(request, rng()).table
        guided = planted[2].sample_guided(request, Guide(difference, 0.0, method=method), rng()).table
        np.testing.assert_array_equal(plain.X, guided.X)
        np.testing.assert_array_equal(plain.y, guided.y)

    @pytest.mark.parametrize("method", ["particles", "gradient"])
    def test_guides_inside_a_region(self, planted, method):
        _, corner, generator = planted
        request = Request(corner, None, 300)
        plain = generator.sample(request, rng()).table.X
        guided = generator.sample_guided(request, Guide(lambda rows: rows.X[:, 3], 4.0, method=method), rng())
        assert corner.contains(guided.table.rows).all()
        assert len(guided.table) == 300
        assert guided.table.X[:, 3].mean() > plain[:, 3].mean() + 0.05
        assert guided.sampling_method == "seeds"

    def test_a_steered_generator_samples_under_its_guide(self, planted):
        generator, request = planted[2], Request(ANYWHERE, None, 200)
        led = generator.steered(difference).sample(request, rng()).table.X
        np.testing.assert_array_equal(led, generator.sample_guided(request, Guide(difference), rng()).table.X)

    def test_tells_when_rows_were_weighted(self, planted):
        assert (
            planted[2].sample_guided(Request(ANYWHERE, None, 5), Guide(difference), rng()).sampling_method
            == "importance"
        )

    def test_a_score_that_is_the_same_everywhere_changes_nothing(self, planted):
        request = Request(ANYWHERE, None, 100)
        plain = planted[2].sample(request, rng()).table.X
        guided = planted[2].sample_guided(request, Guide(lambda rows: np.ones(len(rows)), 5.0), rng()).table.X
        np.testing.assert_array_equal(plain, guided)

    def test_one_choice_leaves_half_of_the_rows_in_play(self):
        weight = np.exp(tempered(np.where(np.arange(100) == 7, 0.0, -50.0)))
        assert weight.sum() ** 2 >= 50 * (weight**2).sum()
        assert len(np.unique(systematic_draw(weight, rng()))) >= 49

    def test_rows_are_chosen_in_proportion(self):
        weight = rng().random(1000)
        counts = np.bincount(systematic_draw(weight, rng()), minlength=1000)
        assert counts.sum() == 1000
        assert np.abs(counts - weight / weight.mean()).max() <= 1
        np.testing.assert_array_equal(systematic_draw(np.ones(50), rng()), np.arange(50))

    @pytest.mark.parametrize(
        ("wrong", "message"),
        [
            ({"strength": -1.0}, "strength must be at least 0"),
            ({"every": 0}, "at least 1"),
            ({"method": "luck"}, "got 'luck'"),
        ],
    )
    def test_bad_guides(self, wrong, message):
        with pytest.raises(ConfigError, match=message):
            Guide(difference, **wrong)

    @pytest.mark.parametrize("score", [lambda rows: rows.X, lambda rows: np.full(len(rows), np.nan)])
    def test_bad_scores(self, planted, score):
        with pytest.raises(ConfigError, match="one finite number a row"):
            planted[2].sample_guided(Request(ANYWHERE, None, 5), Guide(score), rng())


def difference(rows: Rows) -> np.ndarray:
    return rows.X[:, 0] - rows.X[:, 1]


class TestSpace:
    def test_rows_come_back(self):
        table = mixed_table()
        space = Space.of(table.X, table.schema)
        np.testing.assert_allclose(space.decode(space.encode(table.X, rng()), rng()), table.X, rtol=1e-5)

    def test_rare_categories_share_a_level(self):
        codes = np.concatenate([np.zeros(5000), np.arange(1.0, 1001.0)])[:, None]
        schema = Schema((Column("c", "categorical", "str", 0, 1000, tuple(map(str, range(1001)))),), ("a", "b"))
        space = Space.of(codes, schema)
        assert space.width == WIDEST
        made = space.decode(space.encode(codes, rng()), rng())
        assert abs((made == 0).mean() - 5000 / 6000) < 1e-9
        assert len(np.unique(made)) > 400

    def test_large_whole_numbers_stay_exact(self):
        x = 2.0**53 - np.repeat(np.arange(20.0), 10)[:, None]
        schema = Schema((Column("id", "integer", "int64", x.min(), x.max()),), ("a", "b"))
        space = Space.of(x, schema)
        np.testing.assert_array_equal(space.decode(space.encode(x, rng()), rng()), x)

    def test_few_numbers_keep_their_order_and_their_gaps(self):
        x = np.repeat([3.0, 1.0, np.nan, 2.0], [10, 980, 5, 5])
        schema = Schema((Column("x", "numeric", "float64", 1, 3, missing=True),), ("a", "b"))
        (levels,) = Space.of(x[:, None], schema).levels.values()
        np.testing.assert_array_equal(levels.values, [np.nan, 1, 2, 3])
        assert (np.diff(levels.points[:, 0]) >= 0.049).all()


class TestSteps:
    def test_levels_fall_from_noise_to_nothing(self):
        sigmas = noise_levels(30)
        np.testing.assert_allclose([sigmas[0], sigmas[-1]], [HIGHEST, LOWEST])
        assert (np.diff(sigmas) < 0).all()

    @pytest.mark.parametrize("spread", [0.1, 1.0])
    def test_a_known_distribution_comes_out(self, spread):
        """With the exact clean estimate of a normal distribution, its mean and spread come out."""
        stream = torch.Generator().manual_seed(0)
        start = HIGHEST * torch.randn((20_000, 1), generator=stream)
        none = torch.zeros(20_000, dtype=torch.int64)

        def estimate(noisy, sigma, label):
            return (noisy * spread**2 + 0.5 * sigma**2) / (spread**2 + sigma**2)

        end = run(estimate, State(start, none, none), noise_levels(30), Unsteered(30), stream).noisy
        assert abs(float(end.mean()) - 0.5) < 0.05 * spread
        assert abs(float(end.std()) / spread - 1) < 0.05


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"hidden": 0}, "hidden must be at least 1, got 0"),
        ({"sampling_steps": 51}, "sampling_steps must be at most 50, got 51"),
        ({"seed_noise": 0.0}, "seed_noise must be above 0"),
    ],
)
def test_bad_settings(wrong, message):
    with pytest.raises(ConfigError, match=message):
        Diffusion(**wrong)


def test_one_real_row_is_enough():
    table = mixed_table()
    lone = table.take(np.arange(1))
    made = small(least_steps=5).fit(lone, rng()).sample(Request(ANYWHERE, None, 20), rng()).table
    np.testing.assert_array_equal(made.X, np.repeat(lone.X, 20, axis=0))


def test_synthetic_rows_do_not_count():
    table = linked_table(300)
    synthetic = replace(table, generation=np.ones(len(table), dtype=np.int64), rows=Rows(table.X + 100))
    both = Table.concat([synthetic, table])
    one, other = (
        small(least_steps=5).fit(each, rng()).sample(Request(ANYWHERE, 1, 30), rng()) for each in (both, table)
    )
    np.testing.assert_array_equal(one.table.X, other.table.X)


def test_a_rare_category_that_shares_its_level_can_be_asked_for_and_is_handed_down():
    many = np.repeat(np.arange(300.0), 4)
    shop = Column("shop", "categorical", "object", 0, 299, tuple(map(str, range(300))))
    columns = (shop, Column("amount", "numeric", "float64", -5, 5))
    X = np.column_stack([many, rng().standard_normal(len(many))])
    table = Table.real(X, np.arange(len(many)) % 2, Schema(columns, ("no", "yes")))
    generator = Diffusion(hidden=32, blocks=1, least_steps=20, most_steps=20).fit(table, rng())
    one = Region((Condition(0, codes=frozenset({250})),))
    samples = generator.sample(Request(one, None, 100), rng())
    assert len(samples.table) > 80
    anywhere = generator.sample(Request(Region(seeds=np.arange(len(many))), None, 400), rng()).table
    assert (anywhere.X[:, 0] == table.X[anywhere.parents[:, 0], 0]).mean() > 0.3
