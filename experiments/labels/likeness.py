"""Whether the columns of other rows are like those of a table: asked before people are, as later it is too late."""

import numpy as np
import pandas as pd
from pandas.api.types import infer_dtype

from experiments.data.sources import Dataset
from experiments.data.split import moments
from loop.errors import DataError


def text_columns(dataset: Dataset, features: list[str]) -> list[str]:
    """Return the columns of a table that are text and no features: a file may write numbers in them."""
    return [str(name) for name in dataset.frame if name not in features and _content(dataset.frame[name]) == "string"]


def check_columns(purpose: str, frame: pd.DataFrame, dataset: Dataset, features: list[str]) -> None:
    """Check what `loop.data.encoding` does not: the columns that are no features; ``purpose`` says what rows are for.

    Raises
    ------
    DataError
        If the column of time or group is missing, a time is, or a column holds values of another type.
    """
    for role, name in (("time", dataset.time), ("group", dataset.group)):
        if name is not None and name not in frame:
            raise DataError(f"{purpose} must have the {role} column {name!r}, and have none: add it.")
    for name in map(str, dataset.frame):
        if name in features or name == dataset.target or name not in frame:
            continue
        known, other = dataset.frame[name], frame[name]
        wanted, got = _content(known), _content(other)
        if "empty" not in (wanted, got) and (got != wanted or _zoned(known) != _zoned(other)):
            raise DataError(
                f"column {name!r} must hold {wanted} values ({known.dtype}) as in the data of the run, got {got} "
                f"({other.dtype}): convert it."
            )
    if dataset.time is not None and (absent := int(frame[dataset.time].isna().sum())):
        raise DataError(
            f"{purpose} must have a time, and {absent:,} have none in {dataset.time!r}: fill it or drop them."
        )


def late(frame: pd.DataFrame, dataset: Dataset, test: np.ndarray) -> tuple[str, ...]:
    """Say how many rows are no earlier than the first test row, at positions (m,), where later rows test."""
    if dataset.time is None:
        return ()
    first = moments(dataset.frame[dataset.time].iloc[test], dataset.time).min()
    count = int((moments(frame[dataset.time], dataset.time) >= first).sum())
    if not count:
        return ()
    return (
        f"{count:,} of these rows are of the time of the test rows or later: a model that learns from them is no longer"
        " tested on its future",
    )


def _content(values: pd.Series) -> str:
    if values.isna().all():
        return "empty"
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = pd.Series(values.dtype.categories)
    content = infer_dtype(values, skipna=True)
    return "number" if content in ("integer", "floating", "mixed-integer-float") else content


def _zoned(values: pd.Series) -> bool:
    return isinstance(values.dtype, pd.DatetimeTZDtype)
