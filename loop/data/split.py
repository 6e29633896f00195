"""Splits of rows: training and test part, folds and hold-out. Exact duplicates and groups stay together."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from loop.errors import ConfigError, DataError

_TELLING_ROWS = 1_000  # sample of rows in which the values of a column are counted


def duplicate_groups(rows: np.ndarray | pd.DataFrame) -> np.ndarray:
    """Number the distinct rows in order of appearance: ids (n,) int64, equal for equal rows; missing values are equal.

    Columns with most values are compared first, so that few columns need comparing.

    Parameters
    ----------
    rows : numpy.ndarray or pandas.DataFrame, shape (n, d)
        Encoded rows, or rows as the user wrote them.

    Returns
    -------
    numpy.ndarray, shape (n,), int64
    """
    columns = [rows[name] for name in rows] if isinstance(rows, pd.DataFrame) else list(rows.T)
    ids = np.zeros(len(rows), dtype=np.int64)
    telling = sorted(columns, key=lambda column: -len(pd.unique(column[:_TELLING_ROWS])))
    for column in telling:
        codes, values = pd.factorize(column)  # -1 = missing
        ids, distinct = pd.factorize(ids * (len(values) + 1) + codes + 1)
        if len(distinct) == len(rows):
            break
    return ids.astype(np.int64)


def equal_to(X: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Tell which rows of X (n, d) equal one of the others (m, d), as a mask (n,); missing values are equal."""
    ids = duplicate_groups(np.concatenate([others, X]))
    equal: np.ndarray = np.isin(ids[len(others) :], ids[: len(others)])
    return equal


def merge_groups(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Merge two groupings: rows that share either id, directly or through other rows, get one id.

    Parameters
    ----------
    a, b : numpy.ndarray, shape (n,)
        Ids of any type; a missing id is shared with no other row.

    Returns
    -------
    numpy.ndarray, shape (n,), int
        Ids of the connected components of the graph that links each row's two ids.
    """
    a, b = _ids(a), _ids(b)
    size_a, size_b = a.max(initial=-1) + 1, b.max(initial=-1) + 1
    links = coo_array((np.ones(len(a), dtype=np.int8), (a, size_a + b)), shape=(size_a + size_b,) * 2)
    component: np.ndarray = connected_components(links.tocsr(), directed=False)[1]
    joined: np.ndarray = component[a].astype(np.int64)
    return joined


def units(groups: np.ndarray | None) -> np.ndarray | None:
    """Number the groups (n,) as independent units; a row without a group is its own unit; None without groups."""
    ids = None if groups is None else _ids(groups)
    return ids if ids is not None and ids.max(initial=-1) + 1 < len(ids) else None


def train_test(
    y: np.ndarray,
    copies: np.ndarray,
    rng: np.random.Generator,
    *,
    classes: Sequence[object],
    test_size: float = 0.4,
    time: np.ndarray | None = None,
    groups: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Split off the test part.

    Exact duplicates and groups are never on both sides. Without ``time`` the split is random and stratified by class.
    With ``time`` the later rows are the test part, and rows of equal time stay together. If a group (or duplicates) has
    rows on both sides, its later rows are left out, so the two parts may not add up to the table.

    Parameters
    ----------
    y : numpy.ndarray, shape (n,), int
        Class codes.
    copies : numpy.ndarray, shape (n,)
        Ids, equal for rows that are exact duplicates, from `duplicate_groups`.
    rng : numpy.random.Generator
        Draws the test rows; not used with ``time``.
    classes : sequence of length K
        Names of the classes; each must have rows on both sides.
    test_size : float
        Share of test rows, strictly between 0 and 1; reached as closely as groups allow.
    time : numpy.ndarray, shape (n,), optional
        Any type that can be sorted, without missing values.
    groups : numpy.ndarray, shape (n,), optional
        Ids of cards or customers; a row whose id is missing is a group of its own.

    Returns
    -------
    tuple of numpy.ndarray
        Row positions of the training and of the test part, ascending.

    Raises
    ------
    DataError
        If a class is missing on one side, or time is missing or the same in all rows.
    ConfigError
        If ``test_size`` is out of range.
    """
    together = copies if groups is None else merge_groups(copies, groups)
    test_size = _checked_share(test_size)
    if time is None:
        test = _deal(y, together, np.array([1 - test_size, test_size]), rng) == 1
    else:
        test = _late(np.asarray(time), test_size)
    train = ~test
    straddling = test & np.isin(together, together[train])
    test &= ~straddling
    for side, rows in (("training", train), ("test", test)):
        absent = np.setdiff1d(np.arange(len(classes)), y[rows])
        if len(absent):
            raise DataError(
                f"each class must have rows in the {side} part, got none of class {classes[absent[0]]!r}"
                f" ({(y == absent[0]).sum()} rows in all; {straddling.sum()} rows left out of the test part to keep"
                " groups and copies together): change test_size, split by groups or by time alone, or add rows of it."
            )
    return np.flatnonzero(train), np.flatnonzero(test)


def folds(y: np.ndarray, rng: np.random.Generator, *, k: int = 5, groups: np.ndarray | None = None) -> np.ndarray:
    """Assign rows to k folds, stratified by class; groups stay together.

    Parameters
    ----------
    y : numpy.ndarray, shape (n,)
        Class codes.
    rng : numpy.random.Generator
        Assigns the rows.
    k : int
        Number of folds, at least 2.
    groups : numpy.ndarray, shape (n,), optional
        Ids of rows that must stay together. By default every row is its own group.

    Returns
    -------
    numpy.ndarray, shape (n,), int
        Fold ids 0..k-1.

    Raises
    ------
    DataError
        If a class has rows in fewer than k groups, or cannot be in every fold.
    ConfigError
        If k is below 2.
    """
    if k < 2:
        raise ConfigError(f"the number of folds must be at least 2, got {k}: use holdout for a single split.")
    together = np.arange(len(y)) if groups is None else _ids(groups)
    unit = "rows" if groups is None else "groups"
    for label in np.unique(y):
        spread = len(np.unique(together[y == label]))
        if spread < k:
            raise DataError(
                f"each class must be in {k} {unit} or more, got {spread} of class {label}: use fewer folds."
            )
    fold = _deal(y, together, np.full(k, 1 / k), rng)
    _check_sides(y, fold, k, "use fewer folds")
    return fold


def holdout(
    y: np.ndarray, rng: np.random.Generator, *, share: float = 0.3, groups: np.ndarray | None = None
) -> np.ndarray:
    """Split rows once, stratified by class; groups stay together.

    Parameters
    ----------
    y : numpy.ndarray, shape (n,)
        Class codes.
    rng : numpy.random.Generator
        Draws the judge rows.
    share : float
        Share of judge rows, strictly between 0 and 1.
    groups : numpy.ndarray, shape (n,), optional
        Ids of rows that must stay together. By default every row is its own group.

    Returns
    -------
    numpy.ndarray, shape (n,), int
        0 for fit rows, -1 for judge rows.

    Raises
    ------
    DataError
        If a class is missing on one side.
    ConfigError
        If the share is out of range.
    """
    share = _checked_share(share)
    together = np.arange(len(y)) if groups is None else _ids(groups)
    side = _deal(y, together, np.array([1 - share, share]), rng)
    _check_sides(y, side, 2, "take a share nearer to one half, or add rows of it")
    return -side


def _deal(y: np.ndarray, groups: np.ndarray, shares: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Assign whole groups to parts so that each part gets its share of every class; return part ids (n,).

    Groups of several rows are assigned first, starting with those of the rarest class and most rows of it, each to the
    part that lacks most rows of that class. Single rows then fill all parts exactly, in one pass.
    """
    _, label, n_label = np.unique(y, return_inverse=True, return_counts=True)
    _, group, n_group = np.unique(groups, return_inverse=True, return_counts=True)
    # The jitter breaks ties between parts with equal room at random.
    room = np.outer(shares, n_label) + rng.random((len(shares), len(n_label))) * 1e-6
    part = np.empty(len(y), dtype=np.int64)

    single = n_group[group] == 1
    part[~single] = _deal_groups(label[~single], group[~single], n_label, room, rng)
    for code in range(len(n_label)):
        rows = rng.permutation(np.flatnonzero(single & (label == code)))
        part[rows] = np.repeat(np.arange(len(shares)), _fill(room[:, code], len(rows)))
    return part


def _deal_groups(
    label: np.ndarray, group: np.ndarray, n_label: np.ndarray, room: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Assign groups one by one; return the part of each row (m,). ``room`` (parts, K) is reduced in place."""
    ids, group = np.unique(group, return_inverse=True)
    counts = np.zeros((len(ids), len(n_label)))
    np.add.at(counts, (group, label), 1)
    rarest = np.where(counts > 0, n_label, np.inf).argmin(axis=1)
    rows_rarest = counts[np.arange(len(ids)), rarest]
    order = np.lexsort((rng.random(len(ids)), -counts.sum(axis=1), -rows_rarest, rarest, n_label[rarest]))
    part = np.empty(len(ids), dtype=np.int64)
    for i in order:
        part[i] = room[:, rarest[i]].argmax()
        room[part[i]] -= counts[i]
    return part[group]


def _fill(room: np.ndarray, n: int) -> np.ndarray:
    """Divide n rows in proportion to the room of each part, by largest remainder: (parts,) int summing to n."""
    room = np.clip(room, 0, None)
    quota = room * (n / room.sum()) if n else np.zeros(len(room))
    rows = np.floor(quota).astype(np.int64)
    left_over = n - rows.sum()
    rows[np.argsort(rows - quota, kind="stable")[:left_over]] += 1
    return rows


def _late(time: np.ndarray, share: float) -> np.ndarray:
    """Mark the latest rows, (n,) bool, as close to ``share`` of all as equal times allow."""
    missing = int(pd.isna(time).sum())
    if missing:
        raise DataError(f"every row must have a time, got {missing} without: drop these rows.")
    moments, rank, rows = np.unique(time, return_inverse=True, return_counts=True)
    if len(moments) < 2:
        raise DataError(f"a split by time needs at least two times, got {len(moments)}: split without time.")
    train_share = np.cumsum(rows)[:-1] / len(time)
    late: np.ndarray = rank > np.abs(train_share - (1 - share)).argmin()
    return late


def _ids(groups: np.ndarray) -> np.ndarray:
    """Number groups from 0, (n,) int64; each row with a missing id becomes a group of its own."""
    ids, known = pd.factorize(groups)
    alone = ids < 0
    return np.where(alone, len(known) + np.cumsum(alone) - 1, ids).astype(np.int64)


def _checked_share(share: float) -> float:
    if not 0 < share < 1:
        raise ConfigError(f"a share must lie strictly between 0 and 1, got {share}: 0.3 is usual.")
    return share


def _check_sides(y: np.ndarray, part: np.ndarray, parts: int, way_out: str) -> None:
    classes, label = np.unique(y, return_inverse=True)
    counts = np.zeros((parts, len(classes)), dtype=np.int64)
    np.add.at(counts, (part, label), 1)
    if (counts == 0).any():
        label = classes[(counts == 0).any(axis=0).argmax()]
        raise DataError(f"each class must have rows on every side, got none of class {label} on one: {way_out}.")
