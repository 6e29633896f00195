"""The copula obeys the laws of every generator, and finds planted truths again."""

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal, norm, spearmanr

from generators.copula.copula import MOST_BOXES, Copula
from generators.copula.truncated_normal import PARTICLES, draw_in_box
from loop.errors import ConfigError
from loop.rows import Rows
from loop.testing.tables import mixed_table, numeric_table
from loop.types import Column, Condition, Region, Request, Schema, Table

ANYWHERE = Region()
TRUE = np.array([[1, 0.8, 0.5], [0.8, 1, 0.3], [0.5, 0.3, 1]])


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def gaussian(n: int = 10_000, seed: int = 0) -> np.ndarray:
    return rng(seed).multivariate_normal(np.zeros(3), TRUE, n)


def table_of(X: np.ndarray, y: np.ndarray | None = None, kind: str = "numeric") -> Table:
    columns = tuple(Column(f"c{i}", kind, "float64", missing=bool(np.isnan(x).any())) for i, x in enumerate(X.T))
    return Table.real(X, np.zeros(len(X), int) if y is None else y, Schema(columns, ("fine", "fraud")))


def two_classes(n: int = 12_000) -> Table:
    """Twins with the same columns whose dependence differs: correlation 0.8 among frauds, -0.8 among others."""
    y = (rng(1).random(n) < 0.3).astype(int)
    z = rng().standard_normal((n, 2))
    sign = np.where(y == 1, 0.8, -0.8)
    return table_of(np.column_stack([z[:, 0], sign * z[:, 0] + 0.6 * z[:, 1]]), y)


def fitted(table: Table, **settings: float) -> Copula:
    return Copula(**settings).fit(table, rng())


def draw(generator: Copula, region: Region = ANYWHERE, label: int | None = None, n: int = 10_000) -> Table:
    return generator.sample(Request(region, label, n), rng(5)).table


@pytest.mark.parametrize(
    "seen",
    [
        lambda z: np.column_stack([np.exp(z[:, 0]), z[:, 1] ** 3, norm.cdf(z[:, 2])]),
        lambda z: np.column_stack([np.floor(1.5 * z[:, 0]), np.maximum(z[:, 1], 0.2), z[:, 2]]),
        lambda z: np.column_stack([z[:, 0] > 1, z[:, 1], np.round(z[:, 2], 1)]),
        lambda z: np.where(rng(9).random(z.shape) < [0.3, 0, 0.1], np.nan, z),
    ],
    ids=["smooth", "steps and spikes", "boolean", "missing"],
)
def test_a_known_copula_is_found_again(seen):
    X = seen(gaussian()).astype(float)
    generator = fitted(table_of(X))
    np.testing.assert_allclose(generator.copulas_[0].correlation[:3, :3], TRUE, atol=0.03)
    made = draw(generator).X
    for a, b in ((0, 1), (0, 2), (1, 2)):
        rank = [spearmanr(each[:, a], each[:, b], nan_policy="omit")[0] for each in (X, made)]
        assert abs(rank[0] - rank[1]) < 0.04


def test_classes_keep_their_own_dependence():
    generator = fitted(two_classes())
    for label, sign in ((0, -1), (1, 1)):
        X = draw(generator, label=label).X
        assert abs(np.corrcoef(X.T)[0, 1] - sign * 0.8) < 0.03


def test_inside_a_region_labels_follow_their_share():
    table = two_classes()
    corner = Region((Condition(0, low=0.5), Condition(1, low=0.5)))
    assert abs(draw(fitted(table), corner).y.mean() - table.y[corner.contains(table.rows)].mean()) < 0.03


def test_other_columns_follow_a_range():
    region = Region((Condition(0, 1.0, 2.0),))
    real, made = gaussian(100_000, seed=2), draw(fitted(table_of(gaussian())), region).X
    real = real[region.contains(Rows(real))]
    np.testing.assert_allclose(made.mean(axis=0), real.mean(axis=0), atol=0.04)
    np.testing.assert_allclose(made.std(axis=0), real.std(axis=0), atol=0.04)


def test_a_box_has_its_known_probability_and_moments():
    bounds = [np.array([[0.5, np.inf]]), np.array([[0.2, 1.5]]), np.array([[-np.inf, -0.5], [0.5, 1.0]])]
    z, probability = draw_in_box(TRUE, bounds, 20_000, rng())
    real = gaussian(400_000, seed=3)
    held = [np.any([(x > a) & (x <= b) for a, b in each], axis=0) for x, each in zip(real.T, bounds, strict=True)]
    real = real[np.all(held, axis=0)]
    assert abs(probability - len(real) / 400_000) < 0.002
    np.testing.assert_allclose(z.mean(axis=0), real.mean(axis=0), atol=0.03)
    np.testing.assert_allclose(np.cov(z.T), np.cov(real.T), atol=0.03)


def test_a_box_out_of_the_reach_of_floats_spoils_no_particle():
    """Columns that repeat each other leave some particles no way in: they weigh nothing, and the others stay finite."""
    correlation = np.full((3, 3), 1 - 1e-9) + 1e-9 * np.eye(3)
    bounds = [np.array([[-np.inf, np.inf]]), np.array([[0.5, np.inf]]), np.array([[-np.inf, np.inf]])]
    draws, probability = draw_in_box(correlation, bounds, 200, rng())
    assert len(draws) == 200
    assert np.isfinite(draws).all()
    assert probability == pytest.approx(norm.sf(0.5), abs=0.02)


def test_a_corner_of_one_in_ten_thousand_fills_at_once():
    lows = (2.6, 2.7, 2.5)
    corner = Region(tuple(Condition(i, low=low) for i, low in enumerate(lows)))
    expected = multivariate_normal(np.zeros(3), TRUE).cdf(-np.array(lows))
    assert 5e-5 < expected < 5e-4
    generator = fitted(table_of(gaussian(50_000)))
    started = time.perf_counter()
    samples = generator.sample(Request(corner, None, 500), rng())
    assert time.perf_counter() - started < 1
    assert len(samples.table) == 500
    assert (samples.tried, samples.sampling_method) == (PARTICLES * 500, "importance")
    one = generator.sample(Request(Region(corner.rule[:1]), None, 500), rng())
    assert (len(one.table), one.tried, one.sampling_method) == (500, 500, "native")
    assert len(np.unique(samples.table.X[:, 0])) > 450
    bounds = [np.array([[low, np.inf]]) for low in lows]
    np.testing.assert_allclose(draw_in_box(TRUE, bounds, 20_000, rng())[1], expected, rtol=0.05)


def test_spikes_and_missing_values_keep_their_share_and_their_company():
    z = gaussian()
    absent = z[:, 2] > 1  # missing where another column is high
    X = np.column_stack([np.where(absent, np.nan, z[:, 0]), np.maximum(z[:, 1], 0), z[:, 2]])
    made = draw(fitted(table_of(X))).X
    gone = np.isnan(made[:, 0])
    assert abs(gone.mean() - absent.mean()) < 0.01
    assert abs((made[:, 1] == 0).mean() - 0.5) < 0.02
    assert made[gone, 2].mean() > 1.1


def test_a_condition_that_missing_values_satisfy_is_met_in_both_ways():
    X = gaussian()
    X[rng(4).random(len(X)) < 0.2, 0] = np.nan
    region = Region((Condition(0, 0.0, 1.0, missing=True), Condition(1, low=0.0), Condition(0, high=0.5, missing=True)))
    made, inside = draw(fitted(table_of(X)), region).X, X[region.contains(Rows(X))]
    assert len(made) == 10_000
    assert abs(np.isnan(made[:, 0]).mean() - np.isnan(inside[:, 0]).mean()) < 0.03


def test_a_class_goes_where_it_has_never_been_unless_it_borrows_nothing():
    table = two_classes()
    table = table.take((table.y == 0) | (table.X[:, 0] < 0))
    there = Region((Condition(0, low=1.0),))
    assert len(draw(fitted(table), there, label=1, n=50)) == 50
    assert len(draw(fitted(table, prior_rows=0), there, label=1, n=50)) == 0


def test_a_single_number_can_be_asked_for():
    region = Region((Condition(0, codes=frozenset({1})), Condition(1, low=0.0)))
    made = draw(fitted(table_of(gaussian())), Region((Condition(0, np.nextafter(1, 0), 1.0),)), n=2000)
    assert (made.X[:, 0] == 1).all()
    assert abs(made.X[:, 1].mean() - 0.8) < 0.05
    assert len(draw(fitted(table_of(gaussian().round())), region, n=200)) == 200


@pytest.mark.parametrize("value", [-1.0, 0.0, 0.7, 2.0])
def test_classes_at_a_single_value_of_a_free_column_are_those_around_it(value):
    """Class one is wider (sd 2, mean 1) than class nought: the score of a value tells nothing of its class."""
    n = 20_000
    y = (rng(1).random(n) < 0.3).astype(int)
    X = np.column_stack([rng(2).normal(size=n) * np.where(y, 2, 1) + y, rng(3).normal(size=n)])
    X[:4000, 0] = 0.5  # a spike nearby, of the other class mostly
    y[:4000] = 0
    assert np.unique(X[:, 0]).size > 10_000
    point = Condition(0, low=np.nextafter(value, -np.inf), high=value)
    rest = y[4000:].mean() * 0.8
    one, nought = rest * norm.pdf(value, 1, 2), (0.8 - rest) * norm.pdf(value)
    for rule in ((point,), (point, Condition(1, low=0.0))):
        made = draw(fitted(table_of(X, y)), Region(rule), n=3000)
        assert (made.X[:, 0] == value).all()
        assert abs(made.y.mean() - one / (one + nought)) < 0.07


def test_classes_at_the_ends_of_a_class_and_at_a_spike_are_right():
    y = np.repeat([0, 1], [4000, 1000])
    x = np.concatenate([rng(1).uniform(0, 4, 4000), rng(2).uniform(2, 3, 1000)])
    x[:400] = 1.0
    ends = x[y == 1].min(), x[y == 1].max()
    X = np.column_stack([x, rng(3).normal(size=5000)])
    for generator in (fitted(table_of(X, y)), fitted(table_of(X, y), prior_rows=0)):
        for value, share in ((ends[0], 0.3), (ends[1], 0.3), (2.5, 0.526), (1.0, 0.0), (3.5, 0.0)):  # half, at the ends
            point = Condition(0, low=np.nextafter(value, -np.inf), high=value)
            made = draw(generator, Region((point,)), n=2000)
            assert (made.X[:, 0] == value).all()
            assert abs(made.y.mean() - share) < (0.2 if value in ends else 0.1), (value, made.y.mean())


conditions = st.tuples(st.integers(0, 2), st.floats(-4, 4), st.floats(0, 3), st.booleans())


@settings(max_examples=40, deadline=None)
@given(rule=st.lists(conditions, max_size=4), label=st.sampled_from([None, 0, 1]), n=st.integers(0, 40))
def test_any_box_is_respected_and_filled_where_rows_are(rule, label, n):
    region = Region(tuple(Condition(c, low, low + width, missing=gap) for c, low, width, gap in rule))
    X = np.round(2 * gaussian(400)).clip(-4, 4)
    X[:40, 1] = np.nan
    samples = BOXES.sample(Request(region, label, n), rng())
    assert region.contains(samples.table.rows).all()
    assert label is None or (samples.table.y == label).all()
    if region.contains(Rows(X)).sum() > 2:
        assert len(samples.table) == n <= samples.tried


def _integers() -> Table:
    X = np.round(2 * gaussian(400)).clip(-4, 4)
    X[:40, 1] = np.nan
    return table_of(X, (rng().random(400) < 0.3).astype(int), kind="integer")


BOXES = Copula().fit(_integers(), rng())


def test_a_class_without_rows_gives_none():
    table = mixed_table()
    three = replace(table, schema=replace(table.schema, classes=("fine", "fraud", "unseen")))
    samples = fitted(three).sample(Request(ANYWHERE, 2, 10), rng())
    assert (len(samples.table), samples.tried) == (0, 0)


def test_columns_that_repeat_each_other_do_no_harm():
    z = gaussian(500)
    X = draw(fitted(table_of(np.column_stack([z, z[:, 0], -z[:, 0]]))), n=500).X
    np.testing.assert_allclose(np.corrcoef(X.T)[0, [3, 4]], [1, -1], atol=0.03)


def test_hundreds_of_columns_with_few_rows():
    X = rng().standard_normal((200, 300))
    made = draw(fitted(table_of(X, (rng().random(200) < 0.2).astype(int))), Region((Condition(7, low=1.0),)), n=100)
    assert len(made) == 100


def test_borrowing_must_not_be_negative():
    with pytest.raises(ConfigError, match="prior_rows must be at least 0, got -1"):
        Copula(prior_rows=-1)


def test_one_value_of_an_ordered_column_has_the_classes_of_its_neighbourhood():
    counts, y = rng(1).integers(0, 5000, 4000).astype(float), (rng(2).random(4000) < 0.3).astype(np.int64)
    columns = (Column("count", "integer", "int64", 0, 4999), Column("x", "numeric", "float64", -5, 5))
    table = Table.real(np.column_stack([counts, rng(3).standard_normal(4000)]), y, Schema(columns, ("no", "yes")))
    generator = Copula().fit(table, rng())
    shares = []
    for value in np.unique(counts)[100:2000:60]:
        region = Region((Condition(0, np.nextafter(value, -np.inf), value),))
        made = generator.sample(Request(region, None, 300), rng()).table
        assert (made.X[:, 0] == value).all()
        assert len(made) == 300
        shares.append(made.y.mean())
    assert 0 < min(shares) < max(shares) < 1
    assert np.mean(shares) == pytest.approx(0.3, abs=0.1)
    assert np.mean((np.array(shares) > 0.02) & (np.array(shares) < 0.9)) > 0.85


@pytest.mark.parametrize("together", [False, True])
def test_many_conditions_that_missing_values_satisfy_keep_the_shares_of_gaps(together):
    """Each such condition doubles the boxes: eight would make 256 of them."""
    table = numeric_table(4000, d=8)
    gone = rng(3).random((4000, 1)) < 0.1 if together else rng(3).random(table.X.shape) < 0.05
    X = np.where(gone, np.nan, table.X)
    columns = tuple(replace(column, missing=True) for column in table.schema.columns)
    gappy = Table.real(X, table.y, replace(table.schema, columns=columns))
    region = Region(tuple(Condition(number, low=-0.5, missing=True) for number in range(8)))
    generator = Copula().fit(gappy, rng())
    boxes = generator.copulas_[0].boxes(region, rng())
    assert len({tuple(sorted(box)) for box in boxes}) == len(boxes) <= MOST_BOXES  # which of the columns are missing
    made = generator.sample(Request(region, 0, 200), rng()).table
    assert region.contains(made.rows).all()
    own = X[(gappy.y == 0) & region.contains(Rows(X))]
    shares = [[np.isnan(rows).mean(), np.isnan(rows).all(axis=1).mean()] for rows in (made.X, own)]
    np.testing.assert_allclose(*shares, atol=0.1)
