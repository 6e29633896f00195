"""Models of XGBoost on disk, checked as a whole before the library reads them.

XGBoost believes its files: a child or a column out of range makes it read foreign memory, and a loop of children never
ends. Loading in a process that may die would cost the start of an interpreter with XGBoost, about a second; the check
costs a few milliseconds, as all trees are checked together. What was checked is handed on as bytes, not read again.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from loop.errors import DataError
from loop.support import record_checks as checks
from loop.support.model_files.ubjson import parse
from loop.support.own_files import own_file

LARGEST = 2**32  # bytes of a file
DEEPEST = 1000  # levels of a tree: XGBoost explains its answers by recursion
MOST_BITS = 2**32  # that XGBoost would allocate for sets of categories
OBJECTIVES = ("binary:logistic", "multi:softprob", "reg:squarederror")
PARENT_OF_ROOT = 2**31 - 1
NODES = {  # arrays with an entry for each node, with the kinds of their numbers
    **dict.fromkeys(("base_weights", "loss_changes", "split_conditions", "sum_hessian"), "f"),
    **dict.fromkeys(
        ("left_children", "right_children", "parents", "split_indices", "default_left", "split_type"), "iu"
    ),
}
# Arrays with an entry for each set of categories.
SETS = ("categories_nodes", "categories_segments", "categories_sizes")


@dataclass(frozen=True)
class Shape:
    """What a model must be made for.

    Parameters
    ----------
    columns : int
        Columns that it is given.
    outputs : int
        Numbers that it answers with, one for two classes.
    categorical : sequence of bool, optional
        Whether each column holds categories; None = none does.
    """

    columns: int
    outputs: int
    categorical: Sequence[bool] | None = None


def read_booster(path: Path, wanted: Shape) -> bytearray:
    """Return the bytes of a model, for ``xgboost.Booster(model_file=...)``, once they have been checked.

    Raises
    ------
    DataError
        If the file is no model of XGBoost in its binary format, or not one of the wanted shape.
    OSError
        If it cannot be read.
    """
    try:
        content = own_file(path, most=LARGEST).read_bytes()
        _check(parse(content), wanted)
    except ValueError as error:
        raise DataError(
            f"{path} must hold whole trees of XGBoost, and does not ({error}): save the model again."
        ) from error
    return bytearray(content)


def _whole(value: object, place: str) -> int:
    """Accept a whole number written as text."""
    told = checks.text(value, place)
    return int(told) if re.fullmatch(r"\d{1,9}", told) else checks.refuse(place, "a whole number as text", value)


def _start(value: object, place: str) -> list[float]:
    """Accept the scores that trees are added to: one number as text, or several in brackets."""
    told = checks.text(value, place).removeprefix("[").removesuffix("]").split(",")
    if not all(re.fullmatch(r"-?\d+(\.\d*)?(E[-+]?\d{1,2})?", each) for each in told):
        checks.refuse(place, "finite numbers as text", value)
    return [float(each) for each in told]


def _array(value: object, place: str) -> np.ndarray:
    """Accept numbers of one type, or a list of whole numbers."""
    if isinstance(value, np.ndarray):
        return value
    return np.array(checks.listed(checks.integer(-(2**31), 2**31 - 1))(value, place), dtype=np.int64)


_TREE = checks.fields(
    {
        "tree_param": checks.fields(
            dict.fromkeys(("num_deleted", "num_feature", "num_nodes", "size_leaf_vector"), _whole)
        ),
        **dict.fromkeys((*NODES, *SETS, "categories"), _array),
    }
)
_MODEL = checks.fields(
    {
        "gbtree_model_param": checks.fields({"num_parallel_tree": _whole, "num_trees": _whole}),
        "iteration_indptr": _array,
        "tree_info": _array,
        "trees": checks.listed(_TREE),
    },
    {"cats": checks.mapped(_array)},
)
_LEARNER = checks.fields(
    {
        "attributes": checks.mapped(checks.text),
        "feature_names": checks.listed(checks.text),
        "feature_types": checks.listed(checks.text_in(("float", "c"))),
        "gradient_booster": checks.fields({"name": checks.text_in(("gbtree",)), "model": _MODEL}),
        "learner_model_param": checks.fields({"base_score": _start, "num_class": _whole, "num_feature": _whole}),
        "objective": checks.fields({"name": checks.text_in(OBJECTIVES)}),
    }
)
_FILE = checks.fields({"learner": _LEARNER, "version": checks.listed(checks.count, 3)})


def _check(told: object, wanted: Shape) -> None:
    learner = _FILE(told, "the model")["learner"]
    model, param = learner["gradient_booster"]["model"], learner["learner_model_param"]
    trees, info = model["trees"], model["tree_info"]
    _same("num_feature", param["num_feature"], wanted.columns)
    _check_outputs(learner, wanted.outputs)
    _same("num_trees", model["gbtree_model_param"]["num_trees"], len(trees))
    _same("the length of tree_info", len(info), len(trees))
    if len(info) and not ((info >= 0) & (info < wanted.outputs)).all():
        raise ValueError(f"tree_info must be below {wanted.outputs}, the outputs")
    ends = model["iteration_indptr"]
    if not len(ends) or ends[0] != 0 or ends[-1] != len(trees) or (np.diff(ends) < 0).any():
        raise ValueError("iteration_indptr must rise from 0 to the number of trees")
    if any(len(each) for each in model.get("cats", {}).values()):
        raise ValueError("cats must be empty, as categories come as codes")
    if learner["feature_names"] or len(learner["feature_types"]) not in (0, wanted.columns):
        raise ValueError("feature_names must be empty, and feature_types one for each column")
    if trees:
        _check_trees(trees, wanted)


def _check_outputs(learner: Mapping[str, Any], outputs: int) -> None:
    param, objective = learner["learner_model_param"], learner["objective"]
    if len(param["base_score"]) not in (1, outputs):
        raise ValueError(f"base_score must be one number or {outputs}")
    classes = outputs if objective["name"] == "multi:softprob" else 0
    if param["num_class"] not in {classes, 0 if classes < 2 else classes}:
        raise ValueError(f"num_class must be {classes}, got {param['num_class']}")
    told = checks.fields({}, {"softmax_multiclass_param": checks.fields({"num_class": _whole})})(objective, "objective")
    if classes:
        _same("num_class of the objective", told.get("softmax_multiclass_param", {}).get("num_class"), classes)
    elif outputs == 1 or objective["name"] == "reg:squarederror":
        _same("num_target", _whole(param.get("num_target", "1"), "num_target"), outputs)


def _check_trees(trees: Sequence[Mapping[str, Any]], wanted: Shape) -> None:
    """Check all trees together: their arrays, one after the other, with nodes numbered through."""
    sizes = np.array([len(tree["left_children"]) for tree in trees])
    for number, (tree, size) in enumerate(zip(trees, sizes.tolist(), strict=True)):
        param = tree["tree_param"]
        if not size or param["num_nodes"] != size or param["num_feature"] != wanted.columns:
            raise ValueError(f"tree {number} must have {size} nodes and {wanted.columns} columns, and says otherwise")
        if param["size_leaf_vector"] > 1 or any(len(tree[name]) != size for name in NODES):
            raise ValueError(f"arrays of tree {number} must have one entry for each of {size} nodes")
    held = {name: np.concatenate([tree[name] for tree in trees]) for name in NODES}
    for name, kinds in NODES.items():
        if held[name].dtype.kind not in kinds:
            raise ValueError(f"{name} must be {'whole ' if kinds == 'iu' else ''}numbers")
    begin = np.cumsum(sizes) - sizes
    own = np.repeat(begin, sizes)  # of each node, where its tree begins
    reached = _reached(held, begin, own, np.repeat(sizes, sizes))
    deleted = sum(tree["tree_param"]["num_deleted"] for tree in trees)
    _same("the number of nodes out of reach", int((~reached).sum()), deleted)
    _check_nodes({name: array[reached] for name, array in held.items()}, wanted)
    _check_sets(trees, held, begin)


def _reached(held: Mapping[str, np.ndarray], begin: np.ndarray, own: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Return which nodes can be reached from the roots (n,), once sure that children are theirs and form no loop."""
    left, right, parents = (held[name].astype(np.int64) for name in ("left_children", "right_children", "parents"))
    inner = left != -1
    if ((right != -1) != inner).any():
        raise ValueError("nodes must have two children or none")
    for child in (left, right):
        if not ((child[inner] > 0) & (child[inner] < size[inner])).all():
            raise ValueError("children must be nodes of their tree")
    if (parents[begin] != PARENT_OF_ROOT).any():
        raise ValueError("roots must have no parent")
    reached, level, depth = np.zeros(len(left), dtype=bool), begin, 0
    while len(level):
        if reached[level].any() or depth > DEEPEST:
            raise ValueError(f"trees must have no loop and at most {DEEPEST} levels")
        reached[level] = True
        above = level[inner[level]]
        level = np.concatenate([left[above], right[above]]) + np.tile(own[above], 2)
        if len(level) > len(np.unique(level)) or (parents[level] + np.tile(own[above], 2) != np.tile(above, 2)).any():
            raise ValueError("every node must be the child of its parent alone")
        depth += 1
    return reached


def _check_nodes(held: Mapping[str, np.ndarray], wanted: Shape) -> None:
    """Check the nodes that can be reached."""
    inner, sets = held["left_children"] != -1, held["split_type"] != 0
    columns = held["split_indices"][inner].astype(np.int64)
    if not ((columns >= 0) & (columns < wanted.columns)).all():
        raise ValueError(f"split_indices must be below {wanted.columns}, the columns")
    if (held["default_left"] > 1).any() or (held["split_type"] > 1).any() or (sets & ~inner).any():
        raise ValueError("default_left and split_type must be 0 or 1, and those of leaves 0")
    categorical = np.zeros(wanted.columns, dtype=bool) if wanted.categorical is None else np.array(wanted.categorical)
    if (categorical[columns] != sets[inner]).any():
        raise ValueError("split_type must be 1 for columns of categories, and for no others")
    conditions, cover = held["split_conditions"], held["sum_hessian"]
    if np.isnan(conditions).any() or not np.isfinite(conditions[~inner]).all():
        raise ValueError("split_conditions must be numbers, and those of leaves finite")
    if not (np.isfinite(cover) & (cover >= 0)).all():
        raise ValueError("sum_hessian must be finite and not negative")


def _check_sets(trees: Sequence[Mapping[str, Any]], held: Mapping[str, np.ndarray], begin: np.ndarray) -> None:
    """Check the sets of categories that nodes send to one side: one for each node that needs one."""
    bits = 0
    for number, tree in enumerate(trees):
        nodes, starts, lengths = (tree[name].astype(np.int64) for name in SETS)
        needed = np.flatnonzero(held["split_type"][begin[number] : begin[number] + len(tree["split_type"])] == 1)
        if not np.array_equal(np.sort(nodes), needed) or len(starts) != len(nodes) or len(lengths) != len(nodes):
            raise ValueError(f"categories_nodes of tree {number} must be the nodes that split by categories")
        codes = tree["categories"]
        if codes.dtype.kind not in "iu" or (len(codes) and codes.min() < 0):
            raise ValueError(f"categories of tree {number} must be codes")
        rest = len(codes) - starts
        if not ((starts >= 0) & (lengths >= 0) & (lengths <= rest)).all():
            raise ValueError(f"categories_segments of tree {number} must lie within its categories")
        bits += (int(codes.max()) + 1) * len(nodes) if len(codes) else 0
    if bits > MOST_BITS:
        raise ValueError("categories must be codes of a column, and are larger than any")


def _same(what: str, got: object, wanted: object) -> None:
    if got != wanted:
        raise ValueError(f"{what} must be {wanted}, got {got}")
