"""Encoders and coefficients of the linear learner made again from what a file of skops holds, once checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.impute import MissingIndicator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder

from learners.common.skops_file import Thing, numbers, thing
from loop.errors import DataError
from loop.support import record_checks as checks

PIPELINE = "sklearn.pipeline.Pipeline"
STEPS = ("sklearn.impute._base.SimpleImputer", "sklearn.preprocessing._data.StandardScaler")
CODES = "sklearn.preprocessing._encoders.OneHotEncoder"
LOGISTIC, CONSTANT = "sklearn.linear_model._logistic.LogisticRegression", "sklearn.dummy.DummyClassifier"


@dataclass(frozen=True)
class Columns:
    """How many columns of numbers and of categories the rows have, and how many classes."""

    numeric: int
    categorical: int
    classes: int


def rebuilt(told: object, columns: Columns, fresh: tuple[Any, Any]) -> tuple[Any, Any, Any]:
    """Return encoders of numbers and of categories, None where there are no such columns, and the model.

    Parameters
    ----------
    told : object
        As `skops_file.read` returns it.
    columns : Columns
        What it must be for.
    fresh : tuple
        Encoders with their settings, not fitted: they get the state.

    Raises
    ------
    DataError
        If a part is missing or of another shape.
    """
    if not isinstance(told, list) or len(told) != 3:
        raise DataError("it must hold two encoders and a model")
    numeric, n_numeric = _numeric(told[0], columns.numeric, fresh[0])
    codes, n_codes = _codes(told[1], columns.categorical, fresh[1])
    return numeric, codes, _model(told[2], n_numeric + n_codes, columns.classes)


def _numeric(told: object, columns: int, fresh: Pipeline) -> tuple[Pipeline | None, int]:
    """Return the encoder of numbers and how many columns it gives."""
    if not columns:
        _check_absent(told)
        return None, 0
    steps = checks.listed(checks.listed(checks.anything, 2))(
        thing(told, [PIPELINE], "numbers").state.get("steps"), "steps"
    )
    if len(steps) != len(fresh.steps):
        raise DataError(f"steps must be {len(fresh.steps)}, got {len(steps)}")
    imputed, scaled = (thing(step[1], [kind], "a step").state for step, kind in zip(steps, STEPS, strict=False))
    imputer, scaler = fresh.steps[0][1], fresh.steps[1][1]
    imputer.statistics_ = _finite(imputed.get("statistics_"), columns, "statistics_")
    imputer.n_features_in_, imputer._fit_dtype = columns, np.dtype(np.float64)
    imputer._fill_dtype = imputer._fit_dtype
    gaps = _gaps(imputed.get("indicator_"), columns)
    imputer.indicator_ = _indicator(gaps, columns)
    width = columns + len(gaps)
    scaler.mean_, scaler.scale_ = (_finite(scaled.get(name), width, name) for name in ("mean_", "scale_"))
    if not (scaler.scale_ > 0).all():
        raise DataError("scale_ must be above 0")
    scaler.n_features_in_, scaler.var_, scaler.n_samples_seen_ = width, scaler.scale_**2, 1
    fresh.steps[2][1].n_features_in_ = width
    return fresh, width


def _gaps(told: object, columns: int) -> np.ndarray:
    """Return the columns (g,) in which values were missing."""
    state = thing(told, ["sklearn.impute._base.MissingIndicator"], "indicator_").state
    gaps = numbers(state.get("features_"), (None,), "features_", "iu")
    if (np.diff(gaps) <= 0).any() or ((gaps < 0) | (gaps >= columns)).any():
        raise DataError(f"features_ must be rising numbers below {columns}")
    return gaps.astype(np.int64)


def _indicator(gaps: np.ndarray, columns: int) -> MissingIndicator:
    made = MissingIndicator(error_on_new=False)
    made.features_, made.n_features_in_, made._n_features, made._precomputed = gaps, columns, columns, True
    return made


def _codes(told: object, columns: int, fresh: OneHotEncoder) -> tuple[OneHotEncoder | None, int]:
    """Return the encoder of categories and how many columns it gives."""
    if not columns:
        _check_absent(told)
        return None, 0
    state = thing(told, [CODES], "categories").state
    listed = checks.listed(checks.anything, columns)
    known = [numbers(each, (None,), "categories_") for each in listed(state.get("categories_"), "categories_")]
    rare = [
        _rare(each, len(own)) for each, own in zip(_parts(state, "_infrequent_indices", columns), known, strict=True)
    ]
    for own in known:
        seen = own[~np.isnan(own)]
        if not len(own) or (np.diff(seen) <= 0).any() or np.isnan(own[:-1]).any():
            raise DataError("categories_ must rise, a missing one last")
    fresh.categories_, fresh.n_features_in_, fresh._infrequent_enabled = known, columns, True
    fresh._infrequent_indices = rare
    fresh._default_to_infrequent_mappings = [_places(own, len(all_)) for own, all_ in zip(rare, known, strict=True)]
    fresh._drop_idx_after_grouping = fresh.drop_idx_ = None
    own_widths = [len(own) if few is None else len(own) - len(few) + 1 for own, few in zip(known, rare, strict=True)]
    fresh._n_features_outs = own_widths
    return fresh, sum(own_widths)


def _parts(state: Mapping[str, Any], name: str, columns: int) -> list[Any]:
    parts: list[Any] = checks.listed(checks.anything, columns)(state.get(name), name)
    return parts


def _rare(told: object, known: int) -> np.ndarray | None:
    """Return the numbers of the categories that share a column; None if all have one of their own."""
    if told is None:
        return None
    rare = numbers(told, (None,), "_infrequent_indices", "iu").astype(np.int64)
    if not len(rare) or (np.diff(rare) <= 0).any() or rare[0] < 0 or rare[-1] >= known:
        raise DataError(f"_infrequent_indices must be rising numbers below {known}")
    return rare


def _places(rare: np.ndarray | None, known: int) -> np.ndarray | None:
    """Return the column of each category, as scikit-learn orders them: rare ones share the last."""
    if rare is None:
        return None
    shared = np.isin(np.arange(known), rare)
    return np.where(shared, known - len(rare), np.cumsum(~shared) - 1)


def _model(told: object, width: int, classes: int) -> Any:
    held = thing(told, [LOGISTIC, CONSTANT], "the model")
    seen = numbers(held.state.get("classes_"), (None,), "classes_", "iu").astype(np.int64)
    if not len(seen) or (np.diff(seen) <= 0).any() or seen[0] < 0 or seen[-1] >= classes:
        raise DataError(f"classes_ must be rising numbers below {classes}")
    if held.kind == CONSTANT:
        return _constant(held, seen)
    model, lines = LogisticRegression(), 1 if len(seen) == 2 else len(seen)
    coef = numbers(held.state.get("coef_"), (lines, width), "coef_")
    intercept = numbers(held.state.get("intercept_"), (lines,), "intercept_")
    if len(seen) < 2 or not np.isfinite(coef).all() or not np.isfinite(intercept).all():
        raise DataError("coef_ and intercept_ must be finite, of two classes or more")
    model.coef_, model.intercept_, model.classes_, model.n_features_in_ = coef, intercept, seen, width
    model.solver = "newton-cholesky"
    return model


def _constant(held: Thing, seen: np.ndarray) -> DummyClassifier:
    """Return the model of a table with one class."""
    if len(seen) != 1:
        raise DataError("classes_ of a model without coefficients must be one")
    model = DummyClassifier()
    model.fit(np.zeros((1, 1)), seen)
    return model


def _finite(told: object, length: int, place: str) -> np.ndarray:
    array = numbers(told, (length,), place)
    if not np.isfinite(array).all():
        checks.refuse(place, "finite numbers", "others")
    return array


def _check_absent(told: object) -> None:
    if told is not None:
        raise DataError("an encoder must be null where there are no such columns")
