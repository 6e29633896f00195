"""Inference of a schema: kinds of columns, excluded columns with the reason, and the classes."""

import copy
import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from loop.data.date_parts import DateParts, Wishes, learnt, wanted
from loop.data.encoding import encode_column, with_parts
from loop.data.intake import listed, named, require
from loop.data.kinds import dtype_name, kind_of
from loop.encoders import ArrayColumn, Encoder, learnt_of
from loop.errors import DataError
from loop.types import DAY, Column, Kind, Schema

MOST_CATEGORIES = 1_000
FEWEST_ROWS_NUMBERED = 20  # in fewer rows, integers may be consecutive by chance
MOST_DECIMALS = 6
IDENTIFIER = "identifier: every value is different"
INDEX = re.compile(r"Unnamed: \d+|index|level_\d+|__index_level_\d+__")  # as pandas calls an index without a name
TRAIL = "ws_"  # prefix of the columns that tell where a synthetic row came from


def infer(
    frame: pd.DataFrame,
    target: str | None,
    *,
    positive: object | None = None,
    aside: Mapping[str, str] = {},
    date_parts: Wishes | None = None,
    encoders: Mapping[str, Encoder] = {},
) -> Schema:
    """Infer the schema of a frame.

    Constant and all-missing columns, identifiers, and text with too many categories are excluded; the reasons
    are in ``Schema.excluded``. Floats stay numeric even when all are whole. Integers beyond 2**53, which a float cannot
    hold exactly, are categories.

    Parameters
    ----------
    frame : pandas.DataFrame
        At least one row; missing values are allowed in features. Column names are made text.
    target : str or None
        Column of the labels; None = the frame has none and the schema no classes.
    positive : object, optional
        The class to catch, as a value or as text. By default the rarest; of equally rare classes the last.
    aside : mapping of str to str
        Columns that are no features, with the reason: a time or a group column, for example.
    date_parts : mapping, sequence of str or None
        Columns of dates to be replaced by columns of their parts, see `loop.data.date_parts.wanted`.
    encoders : mapping of str to Encoder
        Columns of arrays or texts, each with an encoder, which is fitted; columns that it makes take their place.

    Returns
    -------
    Schema
        Feature columns in the order of the frame, parts of dates and what is made of arrays last; classes sorted, or in
        their order if the target is ordered.

    Raises
    ------
    DataError
        If the frame is empty, a name is empty, reserved, given twice or missing, the target has missing values, a
        single class or too many classes, values cannot be kept exactly, no feature is left, or what should be taken
        apart is no date or makes a column that is there.
    ConfigError
        If a part of a date is unknown.

    Examples
    --------
    >>> frame = pd.DataFrame({"amount": [1.5, 2.0, 80.0, 3.25], "fraud": [False, False, True, False]})
    >>> schema = infer(frame, "fraud")
    >>> schema.columns[0].kind, schema.columns[0].decimals, schema.classes, schema.positive
    ('numeric', 2, (False, True), 1)
    """
    frame = named(frame)
    dates, arrays = recipes_of(frame, date_parts, target), _encoded(frame, encoders, target)
    frame = in_parts(frame, (*dates, *arrays), aside)
    reasons = no_features(frame, target, aside)
    left = frame.columns.drop([*reasons, *([] if target is None else [target])])
    columns = tuple(_column(name, frame[name]) for name in left)
    used = tuple(recipe for recipe in dates if not set(recipe.names).isdisjoint(left))
    schema = Schema(columns, classes=(), excluded=tuple(reasons.items()), date_parts=used, arrays=arrays)
    return schema if target is None else with_target(schema, target, frame[target], positive)


def recipes_of(frame: pd.DataFrame, told: Wishes | None, target: str | None = None) -> tuple[DateParts, ...]:
    """Return how the parts of dates are made; days are counted from the earliest date of the frame.

    Parameters and errors are those of `infer`.
    """
    wishes = wanted(told)
    require(wishes, frame)
    if target in wishes:
        raise DataError(f"date_parts must name columns of dates, and {target!r} is the target: leave it out.")
    recipes = []
    for name, parts in wishes.items():
        dates = frame[name]
        kind = "all missing" if dates.isna().all() else kind_of(name, dates)
        if kind != "datetime":
            raise DataError(
                f"date_parts must name columns of dates, and {name!r} is {kind} ({dates.dtype}): leave it out, write "
                "it as 2024-01-31T10:05 in a CSV, or convert it by pd.to_datetime."
            )
        recipes.append(learnt(name, dates, dtype_name(dates.dtype), parts, frame.columns))
    return tuple(recipes)


def _encoded(frame: pd.DataFrame, encoders: Mapping[str, Encoder], target: str | None) -> tuple[ArrayColumn, ...]:
    """Fit the encoder of each column of arrays."""
    require(encoders, frame)
    if target in encoders:
        raise DataError(f"a column of arrays must be a feature, and {target!r} is the target: name another target.")
    return tuple(
        learnt_of(name, frame[name].tolist(), copy.deepcopy(encoder), list(frame.columns))
        for name, encoder in encoders.items()
    )


def in_parts(
    frame: pd.DataFrame, recipes: Sequence[DateParts | ArrayColumn], aside: Collection[str] = ()
) -> pd.DataFrame:
    """Return the frame with what is made of dates and arrays in their place; those with another role (aside) stay."""
    replaced = [recipe.column for recipe in recipes if recipe.column not in aside]
    return with_parts(recipes, frame).drop(columns=replaced)


def no_features(
    frame: pd.DataFrame, target: str | None, aside: Mapping[str, str] = {}, *, required: bool = True
) -> dict[str, str]:
    """Return the columns that cannot be features, each with the reason; those of ``aside`` come first.

    Parameters and errors are those of `infer`, but that no feature need be left if none is ``required``.
    """
    if frame.empty:
        raise DataError(f"the data must have rows and columns, got shape {frame.shape}: check the file or the filter.")
    require([*([] if target is None else [target]), *aside], frame)
    reserved = [name for name in frame.columns.drop(list(aside)) if name.startswith(TRAIL)]
    if reserved:
        raise DataError(f"names with {TRAIL!r} belong to the trail of synthetic rows, got {listed(reserved)}: rename.")
    others = frame.columns.drop([*aside, *([target] if target is not None and target not in aside else [])])
    reasons = {**aside, **{name: reason for name in others if (reason := _no_feature(name, frame[name]))}}
    if required and not set(others) - set(reasons):
        told = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
        raise DataError(f"at least one usable feature column must remain, got none ({told}): add features.")
    return reasons


def with_target(schema: Schema, name: str, labels: pd.Series, positive: object | None) -> Schema:
    """Return the schema with the classes of a target; parameters and errors are those of `infer`."""
    missing = int(labels.isna().sum())
    if missing:
        raise DataError(f"target {name!r} must have a label in every row, got {missing} missing: drop these rows.")
    if kind_of(name, labels) == "datetime":
        raise DataError(f"target {name!r} must hold classes, got datetimes: name another column.")
    counts = _plain(labels).value_counts().sort_index()
    counts = counts[counts > 0]  # value_counts lists unused categories of an ordered target, too
    classes = tuple(counts.index.tolist())
    if len(classes) < 2:
        raise DataError(f"target {name!r} must have at least two classes, got only {classes[0]!r}: add rows of others.")
    if len(classes) > len(labels) / 2:
        raise DataError(
            f"target {name!r} must have at most half as many classes as rows, got {len(classes)} classes in"
            f" {len(labels)} rows: divide a numeric target into classes, for example with pd.cut."
        )
    code = _last_rarest(counts.to_numpy()) if positive is None else _code(positive, name, classes)
    return replace(schema, classes=classes, positive=code, target=name, target_dtype=dtype_name(labels.dtype))


def _plain(labels: pd.Series) -> pd.Series:
    """Drop the order of categories that have none, so that classes sort by value."""
    dtype = labels.dtype
    if isinstance(dtype, pd.CategoricalDtype) and not dtype.ordered:
        return labels.astype(dtype.categories.dtype)
    return labels


def rarest(labels: pd.Series, weight: np.ndarray) -> object:
    """Return the class with the smallest total weight; of equal ones the last."""
    weights = pd.Series(weight).groupby(labels.to_numpy()).sum()
    return weights[::-1].idxmin()


def _last_rarest(counts: np.ndarray) -> int:
    return len(counts) - 1 - int(np.argmin(counts[::-1]))


def _code(positive: object, target: str, classes: tuple[object, ...]) -> int:
    """Find the class to catch by its value or, as the command line passes text, by its text or a word for it."""
    for spell in (lambda value: value, str, _word):
        for code, name in enumerate(classes):
            if spell(name) == spell(positive):
                return code
    for code, name in enumerate(classes):
        if isinstance(name, float) and name == _number(positive):
            return code
    known = listed([str(name) for name in classes])
    raise DataError(f"the positive class must be a class of {target!r}, got {positive!r}: choose one of {known}.")


def _number(told: object) -> float:
    """Return the number that a text says, such as 1 for the class 1.0; NaN, which equals nothing, if it says none."""
    try:
        return float(str(told))
    except ValueError:
        return math.nan


def _word(value: object) -> str:
    """Return a value as YAML spells it; yes and no are other words for true and false."""
    return {"true": "yes", "false": "no"}.get(str(value).lower(), str(value))


def _no_feature(name: str, values: pd.Series) -> str | None:
    """Return why a column cannot be a feature, or None if it can."""
    rows, present = len(values), values.dropna()
    if present.empty:
        return "all values are missing"
    kind = kind_of(name, values)
    distinct = int(present.nunique())
    if distinct == 1 and len(present) == rows:
        return "constant"
    if distinct == rows and _identifies(name, present, kind):
        return IDENTIFIER
    if kind == "categorical" and (distinct > MOST_CATEGORIES or distinct > rows / 2):
        return f"too many categories: {distinct} in {rows} rows"
    return None


def _identifies(name: str, distinct: pd.Series, kind: Kind) -> bool:
    """Tell whether values that all differ are identifiers rather than measurements or amounts."""
    if kind == "categorical":
        return True
    if kind != "integer":
        return False
    words = {word.lower() for word in re.findall("[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}
    if INDEX.fullmatch(name):
        return True
    span = int(distinct.max()) - int(distinct.min()) + 1
    numbered = len(distinct) >= FEWEST_ROWS_NUMBERED and span <= 1.1 * len(distinct)
    return numbered or bool(words & {"id", "uuid", "guid"})


def _column(name: str, values: pd.Series) -> Column:
    column, present = measured_column(name, values)
    return replace(column, decimals=_decimals(present)) if column.kind in ("numeric", "datetime") else column


def measured_column(name: str, values: pd.Series) -> tuple[Column, np.ndarray]:
    """Return what a column is by its values, all but its decimals, and the encoded values (m,) that are not missing."""
    kind = kind_of(name, values)
    categories = categories_of(values) if kind == "categorical" else ()
    column = Column(name, kind, dtype_name(values.dtype), categories=categories)
    x = encode_column(column, values)
    missing = np.isnan(x)
    present = x[~missing]
    measured = replace(
        column,
        low=float(present.min()),
        high=float(present.max()),
        missing=bool(missing.any()),
        days=kind == "datetime" and not (present % DAY).any(),
    )
    return measured, present


def categories_of(values: pd.Series) -> tuple[object, ...]:
    """Return the categories of a column: those of its dtype, else its values, sorted."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        return tuple(values.dtype.categories.tolist())
    return tuple(sorted(values.dropna().unique().tolist()))


def _decimals(x: np.ndarray) -> int | None:
    """Return the fewest decimals, up to six, that represent every value of x (n,); None if more are needed."""
    return next((digits for digits in range(MOST_DECIMALS + 1) if represent(digits, x)), None)


def represent(digits: int, x: np.ndarray) -> bool:
    """Tell whether so many decimals represent every value of x (n,)."""
    with np.errstate(over="ignore", invalid="ignore"):  # values near the largest float overflow
        return bool((np.round(x, digits) == x).all())
