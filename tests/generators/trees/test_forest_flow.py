"""The flow of boosted trees obeys the laws of generators; it recovers planted dependence and loses no row."""

from dataclasses import replace

import numpy as np
import pytest
import xgboost as xgb
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from generators.trees.forest_flow import ForestFlow, linear_velocity
from loop.errors import ConfigError
from loop.testing.tables import mixed_table, numeric_table
from loop.types import Column, Condition, Region, Request, Schema, Table

ANYWHERE = Region()


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def small(**settings: float) -> ForestFlow:
    """A flow that is coarse but fast."""
    return ForestFlow(**({"levels": 8, "copies": 4, "trees": 4} | settings))


def table_of(X: np.ndarray, y: np.ndarray | None = None) -> Table:
    columns = tuple(
        Column(f"x{i}", "numeric", "float64", np.nanmin(x), np.nanmax(x), missing=bool(np.isnan(x).any()))
        for i, x in enumerate(X.T)
    )
    y = np.zeros(len(X), dtype=np.int64) if y is None else y
    return Table.real(X, y, Schema(columns, ("no", "yes")))


def made(generator: ForestFlow, table: Table, n: int, label: int | None = None) -> np.ndarray:
    return generator.fit(table, rng()).sample(Request(ANYWHERE, label, n), rng(1)).table.X


class TestVelocity:
    C = np.array([[1.0, 0.8, 0.0], [0.8, 1.0, -0.3], [0.0, -0.3, 1.0]])

    @pytest.mark.parametrize("time", [0.0, 0.3, 0.9])
    def test_is_the_regression_of_velocity_on_mixture(self, time):
        scores = rng().multivariate_normal(np.zeros(3), self.C, 200_000)
        noise = rng(1).standard_normal(scores.shape)
        mixed = (1 - time) * noise + time * scores
        fitted = np.linalg.lstsq(mixed, scores - noise, rcond=None)[0]
        np.testing.assert_allclose(linear_velocity(self.C, time), fitted, atol=0.03)

    def test_carries_noise_to_the_correlation(self):
        carried = np.eye(3)
        for time in np.arange(1000) / 1000:
            carried = carried @ (np.eye(3) + linear_velocity(self.C, time) / 1000)
        np.testing.assert_allclose(carried.T @ carried, self.C, atol=0.01)


class TestDependence:
    def test_linear(self):
        X = rng().multivariate_normal([0, 0], [[1, 0.9], [0.9, 1]], 1500)
        assert abs(np.corrcoef(made(small(), table_of(X), 4000).T)[0, 1] - 0.9) < 0.03

    def test_curved(self):
        x = rng().normal(size=1500)
        X = made(ForestFlow(), table_of(np.column_stack([x, x**2 + 0.1 * rng(1).normal(size=1500)])), 4000)
        assert abs(np.corrcoef(X.T)[0, 1]) < 0.15
        assert np.corrcoef(X[:, 0] ** 2, X[:, 1])[0, 1] > 0.9  # 0 without the trees

    def test_of_missing_values_on_another_column(self):
        X = rng().normal(size=(1500, 2))
        X[(X[:, 0] > 1) & (rng(1).random(1500) < 0.8), 1] = np.nan
        new = made(ForestFlow(), table_of(X), 4000)
        high = new[:, 0] > 1
        assert np.isnan(new[high, 1]).mean() > 0.6
        assert np.isnan(new[~high, 1]).mean() < 0.05
        assert not np.isnan(new[:, 0]).any()

    def test_of_a_spike_on_another_column(self):
        X = rng().normal(size=(1500, 2))
        X[:, 1] = np.where(X[:, 0] < 0.5, 0, np.exp(X[:, 1]))
        new = made(ForestFlow(), table_of(X), 4000)
        is_spike = new[:, 1] == 0
        assert abs(is_spike.mean() - (X[:, 1] == 0).mean()) < 0.03
        assert is_spike[new[:, 0] < 0.3].mean() > 0.95
        assert is_spike[new[:, 0] > 0.7].mean() < 0.05

    def test_of_the_label_serves_a_learner(self):
        table, test = numeric_table(1500), numeric_table(2000, seed=1)
        synthetic = small().fit(table, rng()).sample(Request(ANYWHERE, None, 1500), rng()).table
        real, train = (
            roc_auc_score(test.y, LogisticRegression().fit(rows.X, rows.y).predict_proba(test.X)[:, 1])
            for rows in (table, synthetic)
        )
        assert train > real - 0.01


class TestEveryRowIsLearnt:
    @pytest.mark.parametrize(("bound", "copies"), [(10, 1), (1001, 1), (2002, 2), (10**6, 4)])
    def test_in_each_level(self, monkeypatch, bound, copies):
        seen, built = [], xgb.QuantileDMatrix

        def recorded(rows, **settings):
            seen.append(len(rows))
            return built(rows, **settings)

        monkeypatch.setattr(xgb, "QuantileDMatrix", recorded)
        small(most_noisy_rows=bound).fit(table_of(rng().normal(size=(1001, 2))), rng())
        assert seen == [1001 * copies] * 8

    def test_whatever_its_place(self):
        # In the last tenth the columns depend the other way round.
        x = rng().normal(size=3000)
        X = np.column_stack([x, np.where(np.arange(3000) < 2700, x, -x)])
        new = made(ForestFlow(most_noisy_rows=100), table_of(X), 4000)
        new = new[np.abs(new[:, 0]) > 1]
        share = (np.abs(new.sum(axis=1)) < np.abs(new[:, 0] - new[:, 1])).mean()
        assert abs(share - 0.1) < 0.03


class TestClasses:
    def test_each_has_its_own_distribution(self):
        y = (np.arange(1200) < 200).astype(np.int64)
        X = rng().normal(size=(1200, 2))
        X[:, 1] = np.where(y == 1, X[:, 0], -X[:, 0])
        generator = small().fit(table_of(X, y), rng())
        for label, sign in ((0, -1), (1, 1)):
            rows = generator.sample(Request(ANYWHERE, label, 500), rng()).table
            assert (rows.y == label).all()
            assert sign * np.corrcoef(rows.X.T)[0, 1] > 0.95

    def test_one_row_comes_back(self):
        table = mixed_table()
        y = np.zeros_like(table.y)
        y[17] = 1
        rows = small().fit(replace(table, y=y), rng()).sample(Request(ANYWHERE, 1, 20), rng()).table
        np.testing.assert_array_equal(rows.X, np.repeat(table.X[[17]], 20, axis=0))

    def test_one_without_rows_delivers_nothing(self):
        table = mixed_table()
        samples = small().fit(table.take(table.y == 0), rng()).sample(Request(ANYWHERE, 1, 20), rng())
        assert samples.shortfall == 20
        assert samples.tried == 0


class TestRegions:
    def test_ways(self):
        table = numeric_table()
        generator = small().fit(table, rng())
        low = Region((Condition(0, high=-0.5),))
        far = Region((Condition(0, low=np.sort(table.X[:, 0])[-1]),))
        seeds = Region(seeds=np.arange(5))
        ways = [
            generator.sample(Request(region, None, 30), rng()).sampling_method for region in (ANYWHERE, low, seeds, far)
        ]
        assert ways[:3] == ["native", "seeds", "seeds"]
        assert ways[3] in ("importance", "rejection")

    def test_without_real_rows_of_the_class_is_reached_through_noise(self):
        table = numeric_table(1000)
        region = Region((Condition(0, -0.5, 0.5), Condition(1, -0.5, 0.5)))
        emptied = table.take((table.y == 0) | ~region.contains(table.rows))
        samples = small().fit(emptied, rng()).sample(Request(region, 1, 30), rng())
        assert len(samples.table) == 30
        assert (samples.table.y == 1).all()
        assert (samples.table.parents == -1).all()
        assert region.contains(samples.table.rows).all()

    def test_less_noise_stays_nearer_to_the_row(self):
        table = numeric_table(800)
        distance = []
        for noise in (0.2, 0.5, 1.0):
            generator = small(seed_noise=noise).fit(table, rng())
            rows = generator.sample(Request(Region(seeds=np.arange(800)), None, 800), rng()).table
            distance.append(np.linalg.norm(rows.X - table.X[rows.parents[:, 0]], axis=1).mean())
        assert distance[0] < 0.7 * distance[1] < 0.7 * distance[2]

    def test_the_label_of_a_moved_row_is_its_parents(self):
        table = numeric_table()
        rows = small().fit(table, rng()).sample(Request(Region((Condition(0, low=0.0),)), None, 100), rng()).table
        np.testing.assert_array_equal(rows.y, table.y[rows.parents[:, 0]])

    def test_a_narrow_one_fills_by_starting_nearer_each_time(self):
        table = numeric_table(1000)
        region = Region((Condition(0, 0.2, 0.4), Condition(1, 0.2, 0.4)))
        counts = {}
        for tries in (1, 10):
            samples = small(tries=tries, levels=20).fit(table, rng()).sample(Request(region, None, 200), rng())
            counts[tries] = len(samples.table)
            assert len(samples.table) <= samples.tried <= tries * 200
        assert counts[10] > 150 > 5 * counts[1]


@pytest.mark.parametrize("noise", [0.5, 1.0])
def test_saved_and_loaded_it_samples_the_same(tmp_path, noise):
    generator = small(seed_noise=noise).fit(mixed_table(), rng())
    generator.save(tmp_path / "flow")
    loaded = ForestFlow.load(tmp_path / "flow")
    for region in (ANYWHERE, Region((Condition(1, low=0.5),)), Region((Condition(1, low=0.5), Condition(3, high=0)))):
        one, other = (each.sample(Request(region, None, 50), rng(2)).table for each in (generator, loaded))
        np.testing.assert_array_equal(one.X, other.X)
        np.testing.assert_array_equal(one.y, other.y)
        np.testing.assert_array_equal(one.parents, other.parents)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"levels": 0}, "levels must be at least 1, got 0"),
        ({"bins": 1}, "bins must be at least 2, got 1"),
        ({"seed_noise": 0.0}, r"seed_noise is a share and must be above 0 and at most 1, got 0\.0"),
        ({"rate": 1.5}, r"rate is a share and must be above 0 and at most 1, got 1\.5"),
    ],
)
def test_bad_settings(settings, message):
    with pytest.raises(ConfigError, match=message):
        ForestFlow(**settings)


def test_spreads_and_rare_values_keep_their_size_whatever_the_number_of_levels():
    X = np.column_stack([rng(1).standard_normal(4000), rng(2).random(4000) < 0.02])
    for levels in (4, 20):
        drawn = made(small(levels=levels), table_of(X), 20_000)
        assert drawn[:, 0].std() == pytest.approx(X[:, 0].std(), rel=0.02)
        assert (drawn[:, 1] == 1).mean() == pytest.approx(X[:, 1].mean(), rel=0.2)
