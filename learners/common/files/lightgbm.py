"""Models of LightGBM on disk, checked as a whole before the library reads them.

LightGBM believes its files: a child or a column out of range makes it read foreign memory. They are text, so a check
needs no library; what was checked is handed on as text, not read again.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from loop.errors import DataError
from loop.support.own_files import own_file

LARGEST = 2**32  # bytes of a file
MOST_LEAVES = 131_072  # LightGBM's own limit
OBJECTIVES = ("cross_entropy", "multiclass")
BY_LEAF, BY_NODE = (
    ("leaf_value", "leaf_weight", "leaf_count"),
    ("split_gain", "threshold", "internal_value", "internal_weight"),
)
WHOLE_BY_NODE = ("split_feature", "decision_type", "left_child", "right_child", "internal_count")
CATEGORICAL, MISSING = 1, 12  # bits of a decision's type: a set of categories; how missing values are told

Lines = Mapping[str, str]


def read_booster(path: Path, columns: int, outputs: int) -> str:
    """Return the text of a model, for ``lightgbm.Booster(model_str=...)``, once it has been checked.

    Parameters
    ----------
    path : Path
    columns, outputs : int
        Columns that it is given and numbers that it answers with, one for two classes.

    Raises
    ------
    DataError
        If the file is no model of LightGBM, or not one for these columns and outputs.
    OSError
        If it cannot be read.
    """
    try:
        text = own_file(path, most=LARGEST).read_bytes().decode("utf-8")
        _check(text, columns, outputs)
    except ValueError as error:
        raise DataError(
            f"{path} must hold whole trees of LightGBM, and does not ({error}): save the model again."
        ) from error
    return text


def _check(text: str, columns: int, outputs: int) -> None:
    if "\0" in text or "\r" in text:
        raise ValueError("it holds signs that LightGBM does not write")
    ends = [match.start() for match in re.finditer(r"^end of trees$", text, re.M)]
    if not text.startswith("tree\n") or len(ends) != 1:
        raise ValueError("it must begin with 'tree' and have one end of its trees")
    head, *blocks = re.split(r"^(?=Tree=)", text[: ends[0]], flags=re.M)
    told = _lines(head.removeprefix("tree\n"))
    _check_head(told, columns, outputs)
    sizes = _whole(told, "tree_sizes", len(blocks))
    if sizes != [len(block.encode()) for block in blocks] or len(blocks) % outputs:
        raise ValueError("tree_sizes must be the sizes of the trees, as many for each output")
    for number, block in enumerate(blocks):
        _check_tree(_lines(block), number, columns)


def _check_head(told: Lines, columns: int, outputs: int) -> None:
    """Check what stands before the trees."""
    for name, wanted in {
        "num_class": outputs,
        "num_tree_per_iteration": outputs,
        "max_feature_idx": columns - 1,
    }.items():
        if _whole(told, name, 1) != [wanted]:
            raise ValueError(f"{name} must be {wanted}, got {told[name][:40]!r}")
    if told.get("objective", "").split(" ")[0] != OBJECTIVES[outputs > 1] or told.get("version") != "v4":
        raise ValueError(f"its objective must be {OBJECTIVES[outputs > 1]} and its version v4")
    if outputs > 1 and told["objective"].split(" ")[1:] != [f"num_class:{outputs}"]:
        raise ValueError(f"its objective must be of {outputs} classes")
    for name in ("feature_names", "feature_infos"):
        if len(told.get(name, "").split(" ")) != columns:
            raise ValueError(f"{name} must be {columns}")


def _lines(block: str) -> Lines:
    """Return the values of the lines ``key=values`` of a block."""
    held: dict[str, str] = {}
    for line in filter(None, block.split("\n")):
        key, mark, values = line.partition("=")
        if not mark or key in held:
            raise ValueError(f"a line must be a key with values, each once, got {line[:40]!r}")
        held[key] = values
    return held


def _check_tree(told: Lines, number: int, columns: int) -> None:
    (leaves,), (sets,) = _whole(told, "num_leaves", 1), _whole(told, "num_cat", 1)
    if _whole(told, "Tree", 1) != [number] or not 1 <= leaves <= MOST_LEAVES or told.get("is_linear", "0") != "0":
        raise ValueError(f"tree {number} must have its number and leaves")
    if (
        not np.isfinite(_floats(told, "shrinkage", 1)).all()
        or not np.isfinite(_floats(told, "leaf_value", leaves)).all()
    ):
        raise ValueError(f"leaf_value and shrinkage of tree {number} must be finite")
    if leaves == 1:
        return
    for name in BY_LEAF:
        _floats(told, name, leaves) if name in told else None
    nodes = leaves - 1
    for name in BY_NODE:
        _floats(told, name, nodes) if name in told or name == "threshold" else None
    whole = {name: np.array(_whole(told, name, nodes)) for name in WHOLE_BY_NODE if name in told}
    if missing := {"split_feature", "decision_type", "left_child", "right_child"} - set(whole):
        raise ValueError(f"tree {number} lacks {min(missing)}")
    if not ((whole["split_feature"] >= 0) & (whole["split_feature"] < columns)).all():
        raise ValueError(f"split_feature of tree {number} must be below {columns}, the columns")
    if (
        not ((whole["decision_type"] >= 0) & (whole["decision_type"] < 16)).all()
        or ((whole["decision_type"] & MISSING) == MISSING).any()
    ):
        raise ValueError(f"decision_type of tree {number} must be one that LightGBM knows")
    _check_children(whole["left_child"], whole["right_child"], number)
    _check_sets(told, whole["decision_type"] & CATEGORICAL == 1, sets, number)


def _check_children(left: np.ndarray, right: np.ndarray, number: int) -> None:
    """Check that every node but the root is the child of one earlier node, and so is every leaf, written as ~leaf."""
    children, nodes = np.concatenate([left, right]), len(left)
    inner = np.sort(children[children >= 0])
    leaves = np.sort(~children[children < 0])
    if not np.array_equal(inner, np.arange(1, nodes)) or not np.array_equal(leaves, np.arange(nodes + 1)):
        raise ValueError(f"nodes and leaves of tree {number} must each be the child of one node")
    spot = np.tile(np.arange(nodes), 2)
    if (children[children >= 0] <= spot[children >= 0]).any():
        raise ValueError(f"children in tree {number} must come after their parents")


def _check_sets(told: Lines, categorical: np.ndarray, sets: int, number: int) -> None:
    """Check the sets of categories: a node's threshold is the number of its own."""
    if not sets and not categorical.any():
        return
    ends = np.array(_whole(told, "cat_boundaries", sets + 1))
    words = _whole(told, "cat_threshold", None)
    own = np.array(_floats(told, "threshold", len(categorical)))[categorical]
    if (
        ends[0] != 0
        or ends[-1] != len(words)
        or (np.diff(ends) <= 0).any()
        or not all(0 <= word < 2**32 for word in words)
    ):
        raise ValueError(f"cat_boundaries of tree {number} must rise from 0 to the number of words")
    if not np.isin(own, np.arange(sets)).all():
        raise ValueError(f"thresholds of categories in tree {number} must be numbers of its {sets} sets")


def _whole(told: Lines, name: str, length: int | None) -> list[int]:
    """Return whole numbers of a line."""
    words = _words(told, name, length)
    if not all(re.fullmatch(r"-?\d{1,10}", word) for word in words):
        raise ValueError(f"{name} must be whole numbers, got {told[name][:40]!r}")
    return [int(word) for word in words]


def _floats(told: Lines, name: str, length: int) -> Sequence[float]:
    """Return numbers of a line, which may be infinite but are numbers."""
    words = _words(told, name, length)
    if not all(re.fullmatch(r"-?(\d+(\.\d*)?(e[-+]?\d{1,3})?|inf)", word) for word in words):
        raise ValueError(f"{name} must be numbers, got {told[name][:40]!r}")
    return [float(word) for word in words]


def _words(told: Lines, name: str, length: int | None) -> list[str]:
    if name not in told:
        raise ValueError(f"it lacks {name}")
    words = told[name].split(" ") if told[name] else []
    if length is not None and len(words) != length:
        raise ValueError(f"{name} must be {length} values, got {len(words)}")
    return words
