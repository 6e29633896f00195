"""Trees of scikit-learn made again from what a file of skops holds, once their nodes have been checked."""

from pathlib import Path
from typing import Any

import numpy as np
from sklearn.tree import DecisionTreeRegressor, ExtraTreeRegressor
from sklearn.tree._tree import NODE_DTYPE, Tree

from learners.common import skops_file
from learners.common.skops_file import Thing, numbers, thing
from loop.errors import DataError
from loop.support import record_checks as checks

KINDS = {f"sklearn.tree._classes.{kind.__name__}": kind for kind in (DecisionTreeRegressor, ExtraTreeRegressor)}
_REGRESSOR = checks.fields(
    {"n_features_in_": checks.integer(1), "n_outputs_": checks.integer(1), "tree_": checks.anything}
)
_STATE = checks.fields(
    {"max_depth": checks.count, "node_count": checks.integer(1), "nodes": checks.anything, "values": checks.anything}
)
CLOSE = 1e-6  # how far a mean of shares may be outside of 0 to 1, by rounding


def read_trees(path: Path, outputs: int) -> list[Any]:
    """Read regression trees on shares of classes.

    Parameters
    ----------
    path : Path
        Of a file of skops.
    outputs : int
        Shares that each tree tells.

    Returns
    -------
    list
        Trees of scikit-learn, all for the same number of columns, at least one.

    Raises
    ------
    DataError
        If the file is damaged, or nodes, columns or outputs of a tree are out of range.
    """
    told = skops_file.read(path)
    try:
        if not isinstance(told, list) or not told:
            raise DataError("it holds none")
        trees = [_tree(each, outputs, f"tree {number}") for number, each in enumerate(told)]
        if len({each.n_features_in_ for each in trees}) > 1:
            raise DataError("they are for other numbers of columns")
    except DataError as error:
        raise DataError(
            f"{path} must hold whole trees of a forest, and does not ({error}): save the model again."
        ) from error
    return trees


def _tree(told: object, outputs: int, place: str) -> Any:
    outer = thing(told, tuple(KINDS), place)
    held = _REGRESSOR(outer.state, place)
    if held["n_outputs_"] != outputs:
        checks.refuse(f"{place}.n_outputs_", f"{outputs}, as the classes need", held["n_outputs_"])
    columns, inner = held["n_features_in_"], thing(held["tree_"], ("sklearn.tree._tree.Tree",), f"{place}.tree_")
    state = _STATE(inner.state, f"{place}.tree_")
    nodes = _nodes(state["nodes"], columns, f"{place}.nodes")
    values = numbers(state["values"], (len(nodes), outputs, 1), f"{place}.values")
    if not ((values >= -CLOSE) & (values <= 1 + CLOSE)).all():
        checks.refuse(f"{place}.values", "shares from 0 to 1", "others")
    if len(nodes) != state["node_count"] or state["max_depth"] >= len(nodes):
        checks.refuse(f"{place}.node_count", f"{len(nodes)}, the nodes, and max_depth less", state["node_count"])
    _check_args(inner, columns, outputs, place)
    made = KINDS[outer.kind]()
    made.n_features_in_, made.n_outputs_ = columns, outputs
    made.tree_ = Tree(columns, np.ones(outputs, dtype=np.intp), outputs)
    made.tree_.__setstate__({**state, "nodes": nodes, "values": np.ascontiguousarray(values, dtype=np.float64)})
    return made


def _check_args(inner: Thing, columns: int, outputs: int, place: str) -> None:
    """Check that the numbers that the tree itself is made with are those of the tree around it."""
    given = [each for each in inner.args if not isinstance(each, np.ndarray)]
    if given != [columns, outputs]:
        checks.refuse(f"{place}.tree_", f"of {columns} columns and {outputs} outputs", given)


def _nodes(told: object, columns: int, place: str) -> np.ndarray:
    """Return the nodes of a tree: each the child of one earlier node, so that no path has an end or a loop outside."""
    if not isinstance(told, np.ndarray) or told.ndim != 1 or told.dtype != NODE_DTYPE or not len(told):
        checks.refuse(place, "nodes of a tree of scikit-learn", type(told).__name__)
    left, right, spot = told["left_child"], told["right_child"], np.arange(len(told))
    inner = left != -1
    children = np.concatenate([left[inner], right[inner]])
    if ((right != -1) != inner).any() or not np.array_equal(np.sort(children), spot[1:]):
        checks.refuse(place, "children of one node each", "others")
    if (left[inner] <= spot[inner]).any() or (right[inner] <= spot[inner]).any():
        checks.refuse(place, "children behind their parents", "others")
    column = told["feature"][inner]
    if not ((column >= 0) & (column < columns)).all() or (told["missing_go_to_left"] > 1).any():
        checks.refuse(place, f"splits of one of {columns} columns", "others")
    if np.isnan(told["threshold"]).any():
        checks.refuse(place, "thresholds that are numbers", "NaN")
    return np.ascontiguousarray(told)
