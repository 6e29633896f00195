"""Trees, one column after the other: planted dependencies come back, and regions are drawn, not waited for."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.tree import DecisionTreeRegressor

from generators.trees.chain_inputs import Inputs, importance, midranks, targets
from generators.trees.chain_leaves import ColumnTrees, Leaves
from generators.trees.tree_chain import CHAINS_KEPT, TreeChain
from loop.errors import ConfigError
from loop.testing.generators.values import check_values
from loop.testing.tables import mixed_table, numeric_table, planted_table
from loop.types import Column, Condition, Region, Request, Schema, Table

ANYWHERE = Region()


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def drawn(generator: TreeChain, region: Region = ANYWHERE, label: int | None = None, n: int = 1000) -> Table:
    return generator.sample(Request(region, label, n), rng(1)).table


def table_of(*columns: np.ndarray, y: np.ndarray, discrete: tuple[int, ...] = ()) -> Table:
    X = np.column_stack(columns).astype(float)
    schema = Schema(tuple(_column(f"x{i}", x, i in discrete) for i, x in enumerate(X.T)), ("no", "yes"))
    return Table.real(X, y.astype(np.int64), schema)


def _column(name: str, x: np.ndarray, discrete: bool) -> Column:
    seen = x[~np.isnan(x)]
    low, high = (seen.min(), seen.max()) if len(seen) else (-np.inf, np.inf)
    missing = len(seen) < len(x)
    if discrete:
        return Column(name, "categorical", "str", 0, high, tuple(range(int(high) + 1)), missing=missing)
    return Column(name, "numeric", "float64", low, high, missing=missing)


class TestDependencies:
    def test_correlations_come_back(self):
        a = rng().normal(size=4000)
        b = a + 0.5 * rng(1).normal(size=4000)
        c = b**2 + 0.5 * rng(2).normal(size=4000)
        table = table_of(a, b, c, y=a > 1)
        made = drawn(TreeChain().fit(table, rng()), n=4000)
        np.testing.assert_allclose(np.corrcoef(made.X.T), np.corrcoef(table.X.T), atol=0.05)
        assert np.corrcoef(made.X[:, 1] ** 2, made.X[:, 2])[0, 1] > 0.9

    def test_a_flipped_corner_comes_back(self):
        table, corner = planted_table(4000)
        made = drawn(TreeChain().fit(table, rng()), n=4000)
        truth = (made.X[:, 2] > 0.5) ^ corner.contains(made.rows)
        assert (made.y == truth).mean() > 0.95

    def test_the_missing_share_follows_the_label(self):
        y = rng().random(4000) < 0.3
        x = np.where(rng(1).random(4000) < np.where(y, 0.6, 0.1), np.nan, rng(2).normal(size=4000))
        made = drawn(TreeChain().fit(table_of(x, y=y), rng()), n=4000)
        for label, share in ((0, 0.1), (1, 0.6)):
            assert abs(np.isnan(made.X[made.y == label, 0]).mean() - share) < 0.05

    def test_ten_thousand_categories_keep_what_they_say(self):
        code = rng().integers(0, 10_000, 20_000)
        effect = rng(1).normal(size=10_000)
        x = effect[code] + rng(2).normal(size=20_000)
        made = drawn(TreeChain(trees=2).fit(table_of(code, x, y=x > 1, discrete=(0,)), rng()), n=10_000)
        assert np.corrcoef(effect[made.X[:, 0].astype(int)], made.X[:, 1])[0, 1] > 0.6  # 0.71 in truth
        assert len(np.unique(made.X[:, 0])) > 5000


class TestValues:
    def test_spikes_stay_and_other_values_are_new(self):
        x = np.where(rng().random(2000) < 0.4, 0.0, 5 + rng(1).random(2000))
        made = drawn(TreeChain().fit(table_of(x, y=x > 5.5), rng()), n=2000).X[:, 0]
        assert abs((made == 0).mean() - 0.4) < 0.04
        assert (made[made != 0] >= 5).all(), "a value between the spike and the others"
        assert np.isin(made[made != 0], x).mean() < 0.1

    def test_neighbours_near_two_to_the_53_stay_apart(self):
        big = 2.0**53 - rng().integers(0, 50, 1000)
        table = table_of(big, y=big % 2 == 0)
        column = replace(table.schema.columns[0], kind="integer", dtype="int64")
        table = replace(table, schema=replace(table.schema, columns=(column,)))
        made = drawn(TreeChain(min_leaf=1).fit(table, rng()))
        assert np.isin(made.X[:, 0], big).all()
        assert ((made.X[:, 0] % 2 == 0) == made.y).mean() > 0.95

    def test_more_rows_a_leaf_stay_further_from_real_rows(self):
        table = numeric_table(800, d=4)

        def nearest(min_leaf: int) -> float:
            made = drawn(TreeChain(min_leaf=min_leaf).fit(table, rng()), n=400).X
            return float(np.median(np.linalg.norm(made[:, None] - table.X, axis=2).min(axis=1)))

        assert nearest(100) > 1.2 * nearest(2)


class TestRegions:
    def test_all_rows_are_delivered_and_the_way_is_told(self):
        table, corner = planted_table(2000)
        generator, seeds = TreeChain().fit(table, rng()), replace(corner, seeds=np.arange(2000))
        highest = np.sort(table.X[:, :2], axis=0)[-3]
        empty = Region((Condition(0, low=highest[0]), Condition(1, low=highest[1])))
        assert not empty.contains(table.rows).any()
        ways = ((ANYWHERE, "native"), (corner, "seeds"), (seeds, "seeds"), (empty, "importance"))
        for region, way in ways:
            samples = generator.sample(Request(region, None, 300), rng())
            assert (len(samples.table), samples.sampling_method) == (300, way)
            assert samples.tried == 300 if way != "importance" else 3000 <= samples.tried <= 12_000
            starts = samples.table.parents[:, 0]
            assert corner.contains(table.rows.take(starts)).all() if way == "seeds" else (starts == -1).all()

    def test_a_rule_that_names_every_column_gives_no_copies(self):
        a, b = rng().normal(size=(2, 4000))
        table = table_of(a, a + b, y=a + b > 1)
        region = Region((Condition(0, low=-1.0), Condition(1, low=-1.0, high=2.0)))
        generator, real = TreeChain().fit(table, rng()), {tuple(row) for row in table.X}
        for seeds, weight in ((None, None), (np.arange(50), np.zeros(50)), (np.arange(0), None)):
            made = drawn(generator, replace(region, seeds=seeds, seed_weight=weight), n=1000)
            assert sum(tuple(row) in real for row in made.X) < 10
        truth = table.take(region.contains(table.rows))
        np.testing.assert_allclose(made.X.mean(axis=0), truth.X.mean(axis=0), atol=0.12)
        assert abs(np.corrcoef(made.X.T)[0, 1] - np.corrcoef(truth.X.T)[0, 1]) < 0.1

    def test_the_distribution_inside_is_that_of_the_real_rows_inside(self):
        a = rng().normal(size=5000)
        b = a + rng(1).normal(size=5000)
        table = table_of(a, b, rng(2).normal(size=5000) + b, y=a + b > 1)
        region = Region((Condition(1, low=1.0, high=2.0),))
        truth = table.take(region.contains(table.rows))
        made = drawn(TreeChain().fit(table, rng()), region, n=3000)
        np.testing.assert_allclose(made.X.mean(axis=0), truth.X.mean(axis=0), atol=0.1)
        np.testing.assert_allclose(made.X.std(axis=0), truth.X.std(axis=0), atol=0.1)
        assert abs(made.y.mean() - truth.y.mean()) < 0.05

    @pytest.mark.parametrize("quantile", [0.99, 0.999])
    def test_a_narrow_condition_behind_a_wide_one_is_met_with_what_belongs_to_it(self, quantile):
        a = rng().normal(size=20_000)
        b = a + 0.05 * rng(1).normal(size=20_000)
        generator = TreeChain().fit(table_of(a, b, rng(2).normal(size=20_000), y=a > 1.5), rng())
        low = float(np.quantile(b, quantile))
        region, inside = Region((Condition(0, low=-1.0), Condition(1, low=low))), b > low
        for seed in range(5):
            made = generator.sample(Request(region, None, 50), rng(seed)).table
            assert len(np.unique(made.X[:, :2], axis=0)) > 40
            assert abs(made.X[:, 0].mean() - a[inside].mean()) < 0.15
            assert np.abs(made.X[:, 0] - made.X[:, 1]).max() < 1

    def test_a_region_of_a_rare_class_has_its_label(self):
        y = np.arange(20_000) < 20
        x = np.where(y, 10 + rng().random(20_000), rng(1).normal(size=20_000))
        generator = TreeChain().fit(table_of(x, rng(2).normal(size=20_000), y=y), rng())
        for seed in range(20):
            assert generator.sample(Request(Region((Condition(0, low=9.0),)), None, 10), rng(seed)).table.y.all()

    def test_two_columns_that_hang_on_each_other_alone_stay_together(self):
        n = 4000
        amount = np.exp(rng().normal(3, 1, n))
        others = [rng(seed).normal(size=n) for seed in range(2, 10)]
        table = table_of(np.log(amount), np.log(amount * rng(1).uniform(1.2, 5, n)), *others, y=rng(11).random(n) < 0.2)
        for region in (ANYWHERE, Region((Condition(0, low=3.5),))):
            made, real = drawn(TreeChain().fit(table, rng()), region).X, table.X[region.contains(table.rows)]
            assert abs(np.corrcoef(made[:, :2].T)[0, 1] - np.corrcoef(real[:, :2].T)[0, 1]) < 0.06
            assert (made[:, 1] < made[:, 0]).mean() < 0.01  # never in the real rows

    def test_classes_have_their_shares_in_a_narrow_box_of_a_few_rows(self):
        X = rng().random((20_000, 3))
        y = (np.abs(X[:, :2] - 0.525) < 0.03).all(axis=1)
        generator = TreeChain().fit(table_of(*X.T, y=y), rng())
        box = Region((Condition(0, 0.51, 0.54), Condition(1, 0.51, 0.54)))
        assert 5 < box.contains(generator.table_.rows).sum() < 40
        made = drawn(generator, box, n=500)
        assert made.y.all()
        assert box.contains(made.rows).all()

    def test_weights_make_two_conditions_jointly_right(self):
        """Unweighted masks would keep the first column's distribution, of which half is 0 inside."""
        a, c = rng().integers(0, 4, 6000), rng(2).random(6000)
        b = rng(1).random(6000) < np.array([0.02, 0.1, 0.3, 0.6])[a]
        inside, gap = np.isin(a, (0, 3)) & b, abs(c - 0.5) < 0.005
        left = ~(inside & gap)  # without real rows where all conditions hold, rows are weighted; elsewhere redrawn
        table = table_of(a[left], b[left], c[left], y=rng(3).random(left.sum()) < 0.3, discrete=(0, 1))
        generator = TreeChain(feature_share=1.0, min_leaf=600).fit(table, rng())
        two = (Condition(0, codes=frozenset({0, 3})), Condition(1, codes=frozenset({1})))
        for rule, way in ((two, "seeds"), ((*two, Condition(2, 0.496, 0.504)), "importance")):
            samples = generator.sample(Request(Region(rule), None, 3000), rng())
            assert (samples.sampling_method, len(samples.table)) == (way, 3000)
            assert Region(rule).contains(samples.table.rows).all()
            assert abs((samples.table.X[:, 0] == 0).mean() - (a[inside] == 0).mean()) < 0.02

    def test_a_box_without_real_rows_is_served(self):
        a = rng().random(1000)
        table = table_of(a, 1 - a, rng(1).random(1000), y=a > 0.5)
        empty = Region((Condition(0, low=0.8), Condition(1, low=0.8)))
        for label in (None, 0, 1):
            made = drawn(TreeChain().fit(table, rng()), empty, label, 50)
            assert len(made) == 50
            assert empty.contains(made.rows).all()

    def test_a_box_of_many_conditions_without_real_rows_is_served(self):
        """A product of their shares is below the smallest float."""
        x = rng().random(300)
        table = table_of(*(x if column % 2 else 1 - x for column in range(120)), y=x > 0.5)
        box = Region(tuple(Condition(column, low=0.9) for column in range(120)))
        assert not box.contains(table.rows).any()
        made = drawn(TreeChain(trees=1, min_leaf=50).fit(table, rng()), box, n=20)
        assert len(made) == 20
        assert box.contains(made.rows).all()

    def test_a_missing_value_can_be_a_condition(self):
        region = Region((Condition(6, codes=frozenset(), missing=True), Condition(1, low=0.0)))
        made = drawn(TreeChain().fit(mixed_table(), rng()), region, 1, 40)
        assert len(made) == 40
        assert np.isnan(made.X[:, 6]).all()
        assert (made.X[:, 1] > 0).all()

    def test_a_side_that_no_row_has_is_not_served(self):
        samples = (
            TreeChain()
            .fit(mixed_table(), rng())
            .sample(Request(Region((Condition(5, codes=frozenset({4})),)), None, 10), rng())
        )
        assert len(samples.table) == 0
        assert samples.shortfall == 10

    def test_one_row_in_ten_thousand_fills(self):
        x = rng().normal(size=(20_000, 4))
        table = table_of(*x.T, y=x.sum(axis=1) > 3)
        region = Region((Condition(0, low=2.3), Condition(1, low=2.3)))
        assert 0 < region.contains(table.rows).mean() <= 4e-4
        made = drawn(TreeChain(trees=1).fit(table, rng()), region, n=500)
        assert len(made) == 500
        assert len(np.unique(made.X, axis=0)) > 400

    def test_weights_of_seeds_without_a_rule_move_the_rows(self):
        table = numeric_table(1000)
        high = table.X[:, 0] > 0
        region = Region(seeds=np.arange(1000), seed_weight=np.where(high, 9.0, 1.0))
        made = drawn(TreeChain().fit(table, rng()), region)
        expected = 9 * high.sum() / (9 * high.sum() + (~high).sum())
        assert abs((made.X[:, 0] > 0).mean() - expected) < 0.05

    @settings(max_examples=25, deadline=None)
    @given(
        rule=st.lists(st.tuples(st.integers(0, 4), st.floats(-2, 2), st.floats(0, 3)), max_size=3),
        label=st.sampled_from([None, 0, 1]),
        n=st.integers(0, 40),
    )
    def test_any_box_is_respected(self, rule, label, n):
        region = Region(tuple(Condition(column, low, low + width) for column, low, width in rule))
        samples = TreeChain(trees=1).fit(numeric_table(200), rng()).sample(Request(region, label, n), rng())
        assert region.contains(samples.table.rows).all()
        assert len(samples.table) in (0, n)
        assert label is None or (samples.table.y == label).all()


class TestTrees:
    def test_columns_behind_the_region_share_the_trees_of_the_whole_chain(self):
        generator = TreeChain().fit(numeric_table(), rng())
        fitted = dict(generator.known_)
        first, third = generator.order_[1], generator.order_[3]
        drawn(generator, Region((Condition(first, low=0.0),)), 1)
        assert len(generator.known_) == len(fitted), "the label and the first column are at the front already"
        drawn(generator, Region((Condition(third, low=0.0),)), None)
        assert (third, (len(generator.values_) - 1,)) in generator.known_
        added = {column for column, given in set(generator.known_) - set(fitted)}
        assert added == set(generator.order_[1:4])  # those before the third know it now

    def test_trees_do_not_depend_on_what_was_asked_before(self):
        regions = [Region((Condition(column, low=0.0),)) for column in range(5)]
        one, other = (TreeChain().fit(numeric_table(), rng()) for _ in range(2))
        forth = [drawn(one, region, n=20).X for region in regions]
        back = [drawn(other, region, n=20).X for region in regions[::-1]]
        np.testing.assert_array_equal(forth, back[::-1])

    def test_the_number_of_trees_kept_is_bounded(self):
        table = numeric_table(60, d=6)
        generator = TreeChain(trees=1).fit(table, rng())
        subsets = [[column for column in range(6) if number >> column & 1] for number in range(1, 64)]
        for columns in subsets:
            drawn(generator, Region(tuple(Condition(column, low=-9.0) for column in columns)), n=2)
        assert len(generator.known_) == CHAINS_KEPT * 7

    def test_the_columns_that_tell_most_of_the_label_come_first(self):
        x = rng().normal(size=(2000, 4))
        y = 2 * x[:, 2] + x[:, 1] + 0.3 * rng(1).normal(size=2000) > 0
        assert TreeChain().fit(table_of(*x.T, y=y), rng()).order_[:3] == (4, 2, 1)

    def test_a_category_tells_of_the_label_whatever_its_code(self):
        code = rng().integers(0, 12, 2000)
        ranks = np.column_stack([code, rng(1).random(2000)]).astype(np.float32)
        shares = importance(code * 5 % 12 > 5, ranks, np.array([True, False]))
        assert shares[0] > 0.95

    def test_a_leaf_shares_out_its_values_and_tells_their_share(self):
        x = np.array([1.0, 2.0, 3.0, 10.0, 20.0, 30.0])
        side = np.repeat([0.0, 1.0], 3)[:, None].astype(np.float32)
        tree = DecisionTreeRegressor(max_leaf_nodes=2).fit(side, x)
        leaves = Leaves.of(tree, side, x, np.ones(6, dtype=bool))
        values, weight = leaves.draw(side, (Condition(0, low=1.5, high=25.0),), rng())
        assert set(values[:3]) <= {2.0, 3.0}
        assert set(values[3:]) <= {10.0, 20.0}
        np.testing.assert_allclose(weight, 2 / 3)
        values, weight = leaves.draw(side, (Condition(0, low=25.0),), rng())
        assert (values == 30).all()
        np.testing.assert_allclose(weight, [1e-6 / 6] * 3 + [1 / 3] * 3)

    def test_many_rows_are_dealt_out_to_the_trees(self, monkeypatch):
        monkeypatch.setattr("generators.trees.chain_leaves.MOST_ROWS", 100)
        x = rng().random(300)
        ranks = midranks(x, np.sort(x))[:, None]
        inputs = (np.array([0]), ranks, np.array([False]))
        fitted = ColumnTrees.fit(x, inputs, False, rng(), trees=4, min_leaf=5, feature_share=1.0)
        held = [leaves.values for leaves in fitted.leaves]
        assert [len(values) for values in held] == [100] * 4
        assert len(np.unique(np.concatenate(held))) > 200


class TestInputs:
    def test_midranks_keep_order_and_gaps(self):
        np.testing.assert_array_equal(
            midranks(np.array([1.0, 5.0, 3.0, np.nan, 0.0, 9.0]), np.array([1.0, 5.0])), [0, 1, 0.5, np.nan, -0.5, 1.5]
        )

    def test_targets_tell_values_apart(self):
        x = np.array([0.0, 1.0, np.nan, 2.0, 2.0])
        assert targets(x, True, rng()).shape == (5, 4)
        assert targets(x, False, rng()).shape == (5, 2)
        assert targets(x[:2], True, rng()).shape == (2, 1)
        many = targets(np.arange(500.0), True, rng())
        assert many.shape == (500, 16)
        assert np.linalg.norm(many - many[:1], axis=1)[1:].min() > 0.3

    def test_categories_are_ordered_by_what_they_predict(self):
        code = rng().integers(0, 5, 1000)
        effect = np.array([3, 0, 4, 1, 2])[code]
        seen = (np.array([0]), code[:, None].astype(np.float32), np.array([True]))
        order = Inputs.of(*seen, effect[:, None].astype(float)).orders[0]
        np.testing.assert_array_equal(order, [3, 0, 4, 1, 2])
        two = Inputs.of(*seen, np.column_stack([effect, 2.0 * effect])).orders[0]  # one axis: in order or in reverse
        assert two.tolist() in ([3, 0, 4, 1, 2], [1, 4, 0, 3, 2])


class TestEdges:
    @pytest.mark.parametrize("rows", [1, 2])
    def test_hardly_any_rows(self, rows):
        table = mixed_table().take(np.arange(rows))
        made = drawn(TreeChain().fit(table, rng()), n=20)
        assert len(made) == 20

    def test_values_can_be_held_inside_a_region_too(self):
        table = mixed_table()
        check_values(drawn(TreeChain().fit(table, rng()), Region((Condition(2, low=6), Condition(0, low=30))), 1))

    def test_three_classes(self):
        table = mixed_table()
        y = rng().integers(0, 3, len(table))
        table = replace(table, y=y, schema=replace(table.schema, classes=("a", "b", "c")))
        made = drawn(TreeChain().fit(table, rng()), n=3000)
        np.testing.assert_allclose(np.bincount(made.y) / 3000, np.bincount(y) / len(y), atol=0.04)

    @pytest.mark.parametrize("setting", [{"min_leaf": 0}, {"trees": 0}, {"feature_share": 0.0}, {"feature_share": 1.5}])
    def test_bad_settings(self, setting):
        name, value = next(iter(setting.items()))
        with pytest.raises(ConfigError, match=f"{name} .*must be .* got {value}"):
            TreeChain(**setting)
