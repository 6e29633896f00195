"""Trees of XGBoost and of forests as the nodes of one ONNX tree ensemble (operator TreeEnsembleRegressor)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from learners.forest import Forest
from learners.xgboost import XGBoost

LESS, LESS_OR_EQUAL, EQUAL, LEAF = b"BRANCH_LT", b"BRANCH_LEQ", b"BRANCH_EQ", b"LEAF"
Split = tuple[tuple[int, int], int, tuple[bytes, float], tuple[int, int, bool]]  # the arguments of `Ensemble.split`


class Node(NamedTuple):
    """A node of a tree: a row goes to ``yes`` if the comparison holds, or its value is missing and ``missing`` is 1."""

    tree: int
    node: int
    column: int
    mode: bytes
    value: float  # what the column is compared with
    yes: int
    no: int
    missing: int


class Weight(NamedTuple):
    """What a leaf adds to a target."""

    tree: int
    node: int
    target: int
    weight: float


@dataclass
class Ensemble:
    """Nodes of many trees; the answer is, for each target, the sum of the weights of the leaves reached."""

    targets: int
    nodes: list[Node] = field(default_factory=list)
    weights: list[Weight] = field(default_factory=list)

    def split(
        self, place: tuple[int, int], column: int, test: tuple[bytes, float], ways: tuple[int, int, bool]
    ) -> None:
        """Add an inner node.

        Parameters
        ----------
        place : pair of int
            Tree and node.
        column : int
        test : pair of bytes and float
            Mode of the comparison, and the value compared with.
        ways : two int and a bool
            Nodes if it holds and if not; does a missing value count as holding?
        """
        yes, no, missing = ways
        self.nodes.append(Node(*place, column, *test, yes, no, int(missing)))

    def leaf(self, place: tuple[int, int], weights: Mapping[int, float]) -> None:
        """Add a leaf with its weights by target.

        The value of a leaf means nothing, but ONNX Runtime merges branches whose leaves it holds for equal: it compares
        values and first weights alone. So every leaf of a tree has a value of its own.
        """
        self.split(place, 0, (LEAF, float(place[1])), (0, 0, False))
        self.weights += [Weight(*place, target, weight) for target, weight in weights.items()]


def of_booster(learner: XGBoost, sizes: Sequence[int]) -> tuple[Ensemble, list[float]]:
    """Return the trees of a booster and the margins (one, or K) that their sums are added to.

    Parameters
    ----------
    learner : XGBoost
    sizes : sequence of int, d
        Number of categories of each column, 0 for a column of numbers.
    """
    held = json.loads(learner.booster_.save_raw("json"))["learner"]
    score = json.loads(held["learner_model_param"]["base_score"])  # a number, in brackets since XGBoost 3.1
    margins = score if isinstance(score, list) else [score]
    if learner.n_classes_ == 2:
        margins = [float(np.log(p) - np.log1p(-p)) for p in margins]  # told as a probability
    ensemble = Ensemble(1 if learner.n_classes_ == 2 else learner.n_classes_)
    boosted = held["gradient_booster"]["model"]
    for number, (tree, target) in enumerate(zip(boosted["trees"], boosted["tree_info"], strict=True)):
        _add_boosted(ensemble, (number, target), tree, sizes)
    return ensemble, margins * (ensemble.targets // len(margins))


def _add_boosted(ensemble: Ensemble, place: tuple[int, int], tree: Mapping[str, Any], sizes: Sequence[int]) -> None:
    """Add a tree as XGBoost's JSON holds it, with its number and target as place."""
    number, target = place
    right_codes = {
        node: tree["categories"][start : start + size]
        for node, start, size in zip(
            tree["categories_nodes"], tree["categories_segments"], tree["categories_sizes"], strict=True
        )
    }
    rows = zip(
        *(tree["left_children"], tree["right_children"], tree["split_indices"]),
        # single again, for exact comparisons: JSON holds the shortest decimals that tell them apart
        *(np.asarray(tree["split_conditions"], dtype=np.float32).tolist(), tree["default_left"]),
        strict=True,
    )
    added: list[Split] = []  # behind the nodes of the tree itself, so that all are in the order of their numbers
    for node, (left, right, column, value, default_left) in enumerate(rows):
        if left == -1:
            ensemble.leaf((number, node), {target: value})
        elif node in right_codes:
            codes, ways = right_codes[node], (right, left, not default_left)
            others = sorted({*range(sizes[column])} - {*codes})
            if 0 < len(others) < len(codes):  # the shorter chain; XGBoost often lists nearly all categories
                codes, ways = others, (left, right, bool(default_left))
            first, *links = _chain((number, node), column, codes, ways, len(tree["left_children"]) + len(added))
            ensemble.split(*first)
            added += links
        else:
            ensemble.split((number, node), column, (LESS, value), (left, right, bool(default_left)))
    for link in added:
        ensemble.split(*link)


def _chain(
    place: tuple[int, int], column: int, codes: Sequence[int], ways: tuple[int, int, bool], free: int
) -> list[Split]:
    """Return "is the code one of these" as comparisons, each reached from the one before; new nodes begin at ``free``.

    All lead to one node where they hold; a missing value counts alike in each.
    """
    tree, node = place
    yes, no, missing = ways
    nodes = [node, *range(free, free + len(codes) - 1)]
    return [
        ((tree, at), column, (EQUAL, float(code)), (yes, following, missing))
        for at, following, code in zip(nodes, [*nodes[1:], no], codes, strict=True)
    ]


def of_forest(learner: Forest) -> Ensemble:
    """Return the trees of a forest, with one target for each class; the answers are the sums over its trees.

    A split on a column of zeros and ones becomes a comparison with the code that the column stands for.
    """
    ensemble = Ensemble(learner.n_classes_)
    for number, fitted in enumerate(learner.model_):
        _add_grown(ensemble, number, fitted.tree_, _sources(learner, fitted.tree_.n_features))
    return ensemble


def _sources(learner: Forest, n_features: int) -> list[tuple[int, float | None]]:
    """Return for each feature of the trees its column of the frame, and the code if it is 1 for that code only."""
    coded = learner.one_hot_.codes
    n_columns = n_features - sum(map(len, coded.values())) + len(coded)
    plain: list[tuple[int, float | None]] = [(at, None) for at in range(n_columns) if at not in coded]
    return plain + [(at, float(code)) for at, codes in coded.items() for code in codes]


def _add_grown(ensemble: Ensemble, number: int, tree: Any, sources: Sequence[tuple[int, float | None]]) -> None:
    for node, (left, right) in enumerate(zip(tree.children_left.tolist(), tree.children_right.tolist(), strict=True)):
        place = (number, node)
        if left == -1:
            ensemble.leaf(place, dict(enumerate(_distribution(tree.value[node, :, 0]))))
            continue
        column, code = sources[tree.feature[node]]
        if code is None:
            ways = (left, right, bool(tree.missing_go_to_left[node]))
            ensemble.split(place, column, (LESS_OR_EQUAL, float(tree.threshold[node])), ways)
        else:  # zeros go left, also where the code is missing
            ensemble.split(place, column, (EQUAL, code), (right, left, False))


def _distribution(value: np.ndarray) -> list[float]:
    """Return the class probabilities of a leaf, which of two holds the second only."""
    both = np.array([1 - value[0], value[0]]) if len(value) == 1 else value
    return [float(p) for p in both]
