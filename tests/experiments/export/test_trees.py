"""Trees as nodes of an ensemble: followed node by node, they answer as the learner does."""

import json

import numpy as np
import pytest
from exported_models import delivered, mixed_frame

from experiments.export.trees import EQUAL, LEAF, LESS, Ensemble, Node, of_booster, of_forest
from learners import ExtraTrees, Forest, XGBoost
from loop.data.encoding import encode_features
from loop.model import Model
from loop.rows import Rows


def sums(ensemble: Ensemble, X: np.ndarray) -> np.ndarray:
    """Follow rows through all trees, as the operator is specified."""
    nodes = {(node.tree, node.node): node for node in ensemble.nodes}
    weights: dict[tuple[int, int], np.ndarray] = {}
    for tree, leaf, target, weight in ensemble.weights:
        weights.setdefault((tree, leaf), np.zeros(ensemble.targets))[target] += weight
    trees = {tree for tree, _ in nodes}
    return np.array([sum(weights[leaf_of(nodes, tree, x)] for tree in trees) for x in X])


def leaf_of(nodes: dict[tuple[int, int], Node], tree: int, x: np.ndarray) -> tuple[int, int]:
    number = 0
    while (node := nodes[tree, number]).mode != LEAF:
        value, bound = x[node.column], node.value
        holds = value < bound if node.mode == LESS else value == bound if node.mode == EQUAL else value <= bound
        holds |= bool(node.missing) and np.isnan(value)
        number = node.yes if holds else node.no
    return tree, number


def comparisons(ensemble: Ensemble, mode: bytes) -> int:
    return sum(node.mode == mode for node in ensemble.nodes)


def rows_of(model: Model, n: int = 120) -> tuple[np.ndarray, np.ndarray]:
    """Return rows as the trees get them, and what the learner answers."""
    X = encode_features(model.schema, mixed_frame(n, seed=1, categories=60)).X
    moved = model.learner.offsets_.moved(X).astype(np.float32).astype(np.float64)  # type: ignore[attr-defined]
    return moved, model.learner.predict_proba(Rows(X))


@pytest.mark.parametrize("n_classes", [2, 3])
def test_boosted_trees_add_up(n_classes: int) -> None:
    model = delivered(XGBoost(trees=15, depth=5, rate=0.3), mixed_frame(800, n_classes, categories=50))
    assert isinstance(model.learner, XGBoost)
    X, expected = rows_of(model)
    ensemble, margins = of_booster(model.learner, [len(column.categories) for column in model.schema.columns])
    z = sums(ensemble, X) + margins
    raised = np.exp(z if n_classes == 3 else np.column_stack([np.zeros(len(z)), z]))
    np.testing.assert_allclose(raised / raised.sum(axis=1, keepdims=True), expected, atol=1e-6)
    numbers = np.array([node.node for node in ensemble.nodes])
    starts = np.flatnonzero(numbers == 0)
    assert len(starts) == len({node.tree for node in ensemble.nodes}) == 15 * (1 if n_classes == 2 else 3)
    assert all((np.diff(each) == 1).all() for each in np.split(numbers, starts[1:]))
    assert comparisons(ensemble, EQUAL) > 50  # sets of shops


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("learner", [Forest(trees=12), ExtraTrees(trees=12, categories="one_hot")], ids=repr)
def test_grown_trees_add_up(learner: Forest, n_classes: int) -> None:
    model = delivered(learner, mixed_frame(500, n_classes))
    assert isinstance(model.learner, Forest)
    X, expected = rows_of(model)
    np.testing.assert_allclose(sums(of_forest(model.learner), X) / 12, expected, atol=1e-12)


def test_sets_of_categories_are_the_shorter_side() -> None:
    model = delivered(XGBoost(trees=5, depth=3), mixed_frame(800, categories=50))
    assert isinstance(model.learner, XGBoost)
    columns = [len(column.categories) for column in model.schema.columns]
    ensemble, _ = of_booster(model.learner, columns)
    held = json.loads(model.learner.booster_.save_raw("json"))["learner"]["gradient_booster"]["model"]["trees"]
    sets = [
        (size, columns[tree["split_indices"][node]])
        for tree in held
        for node, size in zip(tree["categories_nodes"], tree["categories_sizes"], strict=True)
    ]
    assert any(size > others / 2 for size, others in sets)
    assert comparisons(ensemble, EQUAL) == sum(min(size, others - size) for size, others in sets)


def test_leaves_of_a_tree_have_values_of_their_own() -> None:
    """ONNX Runtime would merge branches of different leaves whose first weights are equal."""
    ensemble = of_forest(delivered(ExtraTrees(trees=3), mixed_frame(200, 3)).learner)  # type: ignore[arg-type]
    told = [(node.tree, node.value) for node in ensemble.nodes if node.mode == LEAF]
    assert len({*told}) == len(told) > 20
