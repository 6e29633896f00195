"""Calibration of probabilities, fitted on out-of-fold predictions of real rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, get_args

import numpy as np

from loop.errors import ConfigError, DataError
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import score
from loop.support.record_checks import Check, amount, fields, finite, listed, text_in

Method = Literal["auto", "none", "platt", "isotonic"]
METHODS: tuple[str, ...] = get_args(Method)
DEFAULT: Method = "auto"
METRICS = ("brier", "log_loss", "calibration_error")
FOLDS = 5
_PARAMETERS: Mapping[str, Mapping[str, Check]] = {  # of a saved calibration
    "platt": {"slope": finite, "offset": listed(finite)},
    "isotonic": {"knots": listed(listed(listed(amount), 2))},
    "none": {},
}
FLOOR = float(np.finfo(np.float64).eps)  # probabilities are clipped to this distance from 0 and 1
_FLATTEST = 1e-3  # smallest slope; a positive one keeps the ranking


class Calibration(Protocol):
    """A map from probabilities to calibrated ones, with plain numbers as parameters."""

    def apply(self, proba: np.ndarray) -> np.ndarray:
        """Return calibrated probabilities (n, K); every row sums to one."""
        ...

    def to_json(self) -> dict[str, Any]:
        """Return the parameters as values that JSON can hold; `from_json` reads them."""
        ...


@dataclass(frozen=True)
class Identity:
    """Leaves probabilities as they are."""

    def apply(self, proba: np.ndarray) -> np.ndarray:
        """Return calibrated probabilities (n, K)."""
        return proba

    def to_json(self) -> dict[str, Any]:
        """Return the parameters as values that JSON can hold."""
        return {"method": "none"}


@dataclass(frozen=True)
class Platt:
    """One slope for the log-probabilities and an offset for each class.

    For two classes this is a strictly increasing line in the log-odds, which keeps the ranking up to rounding
    (Platt 1999). For more it is temperature scaling (Guo et al. 2017) with a bias per class (Alexandari et al. 2020).
    """

    slope: float
    offset: tuple[float, ...]  # (K,) nats, the first 0

    def apply(self, proba: np.ndarray) -> np.ndarray:
        """Return calibrated probabilities (n, K)."""
        return _softmax(self.slope * _logs(proba) + np.asarray(self.offset))

    def to_json(self) -> dict[str, Any]:
        """Return the parameters as values that JSON can hold."""
        return {"method": "platt", "slope": self.slope, "offset": list(self.offset)}


@dataclass(frozen=True)
class Isotonic:
    """Isotonic regression for each class (of two: for the second), with rows scaled to sum to one.

    Where the fitted line is flat, rows with different probabilities become tied, which makes rankings worse.
    """

    knots: tuple[tuple[tuple[float, ...], tuple[float, ...]], ...]  # (probability, calibrated) for each line

    def apply(self, proba: np.ndarray) -> np.ndarray:
        """Return calibrated probabilities (n, K)."""
        if proba.shape[1] == 2:
            p = np.interp(proba[:, 1], *self.knots[0])
            return np.column_stack([1 - p, p])
        raised = np.column_stack([np.interp(p, *line) for p, line in zip(proba.T, self.knots, strict=True)])
        shares: np.ndarray = raised / raised.sum(axis=1, keepdims=True)
        return shares

    def to_json(self) -> dict[str, Any]:
        """Return the parameters as values that JSON can hold."""
        return {"method": "isotonic", "knots": [[list(x), list(y)] for x, y in self.knots]}


def check_method(method: str) -> None:
    """Raise an error if a name is no calibration method.

    Raises
    ------
    ConfigError
        With the names of the methods.
    """
    if method not in METHODS:
        raise ConfigError(f"calibration must be one of {', '.join(METHODS)}, got {method!r}: choose one of these.")


def calibrate(method: str, judged: JudgeRows, proba: np.ndarray, rng: np.random.Generator) -> Calibration:
    """Fit a calibration.

    Parameters
    ----------
    method : str
        "platt", "isotonic", "none", or "auto": Platt if it lowers the cross-fitted log-loss, else none.
    judged : JudgeRows, n rows
        Real rows.
    proba : numpy.ndarray, shape (n, K), float
        Probabilities for them, from learners that have not seen them.
    rng : numpy.random.Generator
        Assigns the rows to folds; used by "auto" only.

    Returns
    -------
    Calibration

    Raises
    ------
    ConfigError
        If there is no such method.
    DataError
        If there are no rows.
    """
    check_method(method)
    if not len(judged):
        raise DataError("a calibration must be fitted on judge rows, got none: choose none, or judge on more rows.")
    if method == "auto":
        crossed = cross_fitted("platt", judged, proba, rng)
        before, after = (score("log_loss", judged, each) for each in (proba, crossed))
        method = "platt" if after < before else "none"
    if method == "platt":
        return _platt(judged.y, proba, judged.weights)
    return _isotonic(judged.y, proba, judged.weights) if method == "isotonic" else Identity()


def cross_fitted(method: str, judged: JudgeRows, proba: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return cross-fitted calibrated probabilities (n, K): no row is used to fit its own calibration.

    Rows are split into folds, stratified by class; each fold gets the calibration fitted on the others. Methods are
    those of `calibrate`; "auto" chooses separately in each fold.
    """
    fold = np.empty(len(judged), dtype=np.int64)
    fold[np.lexsort((rng.random(len(judged)), judged.y))] = np.arange(len(judged)) % FOLDS
    answers = np.array(proba, dtype=np.float64)
    for dealt in np.unique(fold):
        own, others = fold == dealt, fold != dealt
        if others.any():
            answers[own] = calibrate(method, judged.take(others), proba[others], rng).apply(proba[own])
    return answers


def effect(
    calibration: Calibration,
    judged: tuple[JudgeRows, np.ndarray],
    tested: tuple[JudgeRows, np.ndarray],
    rng: np.random.Generator,
) -> dict[str, dict[str, dict[str, float]]]:
    """Score probabilities before and after a calibration.

    On judge rows, where it was fitted, the probabilities "after" are cross-fitted, so that no row calibrates itself.
    The choice that "auto" made on these rows is not corrected for.

    Parameters
    ----------
    calibration : Calibration
    judged, tested : pair of JudgeRows and numpy.ndarray, shape (n, K), float
        Judge rows and test rows, with their uncalibrated probabilities.
    rng : numpy.random.Generator
        Assigns the judge rows to folds.

    Returns
    -------
    dict
        ``{"judge" or "test": {metric: {"before": value, "after": value}}}`` for Brier score, log-loss and expected
        calibration error.
    """
    crossed = cross_fitted(calibration.to_json()["method"], *judged, rng)
    after = {"judge": (*judged, crossed), "test": (*tested, calibration.apply(tested[1]))}
    return {
        part: {name: {"before": score(name, rows, raw), "after": score(name, rows, new)} for name in METRICS}
        for part, (rows, raw, new) in after.items()
    }


def from_json(record: Mapping[str, Any], n_classes: int) -> Calibration:
    """Read back what `Calibration.to_json` has written, for so many classes.

    Raises
    ------
    DataError
        If the record is no calibration.
    """
    try:
        method = fields({"method": text_in(_PARAMETERS)})(record, "the record")["method"]
        held = fields({"method": text_in(_PARAMETERS), **_PARAMETERS[method]}, known_only=True)(record, "the record")
        _check(held, n_classes)
    except DataError as error:
        raise DataError(
            f"a saved calibration must hold its method and parameters, but {error}: save the model again."
        ) from error
    if method == "platt":
        return Platt(held["slope"], tuple(held["offset"]))
    if method == "isotonic":
        return Isotonic(tuple((tuple(x), tuple(y)) for x, y in held["knots"]))
    return Identity()


def _check(held: Mapping[str, Any], n_classes: int) -> None:
    """Raise a DataError unless the parameters of a method are for so many classes and keep probabilities such."""
    if held["method"] == "platt" and (len(held["offset"]) != n_classes or held["slope"] <= 0):
        raise DataError(f"the record.offset must be {n_classes} numbers and the slope above 0")
    lines = held.get("knots", [])
    if held["method"] == "isotonic" and len(lines) != (1 if n_classes == 2 else n_classes):
        raise DataError(f"the record.knots must be those of {n_classes} classes")
    for x, y in lines:
        if not x or len(x) != len(y) or max(*x, *y) > 1 or (np.diff(x) <= 0).any() or (np.diff(y) < 0).any():
            raise DataError("the record.knots must be rising pairs of probabilities")


def _platt(y: np.ndarray, proba: np.ndarray, weight: np.ndarray) -> Platt:
    """Minimise the log-loss against smoothed targets; convex in slope and offsets."""
    from scipy.optimize import minimize

    logs, targets, share = _logs(proba), _smoothed(y, proba.shape[1], weight), weight / weight.sum()

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        moved = parameters[0] * logs + np.append(0.0, parameters[1:])
        fitted = _softmax(moved)
        excess = share[:, None] * (fitted - targets)
        value = -float(share @ (targets * np.log(np.maximum(fitted, np.finfo(np.float64).tiny))).sum(axis=1))
        return value, np.append((excess * logs).sum(), excess.sum(axis=0)[1:])

    n_free = proba.shape[1] - 1
    bounds = [(_FLATTEST, None), *[(None, None)] * n_free]
    found = minimize(
        loss,
        np.append(1.0, np.zeros(n_free)),
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"ftol": 1e-14, "gtol": 1e-9, "maxiter": 500},
    )
    return Platt(float(found.x[0]), (0.0, *map(float, found.x[1:])))


def _isotonic(y: np.ndarray, proba: np.ndarray, weight: np.ndarray) -> Isotonic:
    from sklearn.isotonic import IsotonicRegression

    targets, lines = _smoothed(y, proba.shape[1], weight), []
    for code in (1,) if proba.shape[1] == 2 else range(proba.shape[1]):
        fitted = IsotonicRegression().fit(proba[:, code], targets[:, code], weight)
        lines.append((tuple(map(float, fitted.X_thresholds_)), tuple(map(float, fitted.y_thresholds_))))
    return Isotonic(tuple(lines))


def _smoothed(y: np.ndarray, n_classes: int, weight: np.ndarray) -> np.ndarray:
    """Return Platt's targets (n, K): (N + 1) / (N + 2) for the row's class, of N rows; the rest for others."""
    own = (np.bincount(y, weight, n_classes) + 1) / (np.bincount(y, weight, n_classes) + 2)
    targets = np.repeat((1 - own[y])[:, None] / (n_classes - 1), n_classes, axis=1)
    targets[np.arange(len(y)), y] = own[y]
    return targets


def _logs(proba: np.ndarray) -> np.ndarray:
    logs: np.ndarray = np.log(np.clip(np.asarray(proba, dtype=np.float64), FLOOR, 1.0))
    return logs


def _softmax(z: np.ndarray) -> np.ndarray:
    raised = np.exp(z - z.max(axis=1, keepdims=True))
    shares: np.ndarray = raised / raised.sum(axis=1, keepdims=True)
    return shares
