"""Trees of a wide table look at few columns each, so their cost grows with the columns and not with their square."""

import numpy as np
import pytest
import xgboost as xgb

from generators.trees.forest_flow import ForestFlow
from generators.trees.forest_flow_trees import MOST_TOGETHER, FlowTrees
from loop.testing.tables import numeric_table
from loop.types import Region, Request

SETTINGS = {"max_depth": 4, "eta": 0.5, "max_bin": 32, "nthread": 1}


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def fitted(mixed: np.ndarray, target: np.ndarray, seed: int = 1) -> FlowTrees:
    return FlowTrees.fit(mixed, target, rng(seed), rounds=4, settings=SETTINGS)


@pytest.mark.parametrize("columns", [1, MOST_TOGETHER, MOST_TOGETHER + 1, 3 * MOST_TOGETHER])
def test_each_tree_sees_few_columns_and_each_column_has_trees(monkeypatch, columns):
    seen, built = [], xgb.QuantileDMatrix

    def recorded(rows, label, **settings):
        seen.append((rows.shape[1], label.shape[1]))
        return built(rows, label=label, **settings)

    monkeypatch.setattr(xgb, "QuantileDMatrix", recorded)
    mixed = rng().normal(size=(50, columns))
    fitted(mixed, mixed)
    assert sum(targets for _, targets in seen) == columns
    assert max(inputs for inputs, _ in seen) <= MOST_TOGETHER
    assert len(seen) == -(-columns // MOST_TOGETHER)


def test_every_column_of_a_wide_table_gets_its_own_prediction():
    mixed = rng().normal(size=(2000, 2 * MOST_TOGETHER + 5))
    target = np.abs(mixed)  # known from the column itself, which is in its group whatever is drawn
    predicted = fitted(mixed, target).predict(mixed)
    assert ((predicted - target) ** 2).mean(axis=0).max() < 0.1 * target.var()


def test_groups_are_drawn_anew():
    mixed = rng().normal(size=(50, 2 * MOST_TOGETHER))
    one, other = (fitted(mixed, mixed, seed).group for seed in (1, 2))
    assert (one != other).any()


def test_a_wide_flow_keeps_what_bends_and_survives_saving(tmp_path):
    """Two columns that no correlation ties to each other, among many: in some of the levels they meet."""
    table = numeric_table(600, MOST_TOGETHER + 8)
    table.X[:, 1] = table.X[:, 0] ** 2 / 4
    flow = ForestFlow(levels=8, copies=4, trees=3, depth=4).fit(table, rng())
    request = Request(Region(), None, 600)
    made = flow.sample(request, rng(2)).table.X
    assert np.corrcoef(made[:, 0] ** 2, made[:, 1])[0, 1] > 0.2  # 0 without the trees
    flow.save(tmp_path / "flow")
    np.testing.assert_array_equal(ForestFlow.load(tmp_path / "flow").sample(request, rng(2)).table.X, made)
