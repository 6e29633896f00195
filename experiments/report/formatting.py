"""Numbers, intervals and names of metrics as text."""

import math
from collections.abc import Callable, Mapping
from typing import Any

NAMES = {
    "brier": "squared error of the stated probabilities (Brier score)",
    "log_loss": "error of the stated probabilities (log-loss)",
    "calibration_error": "stated less observed share (expected calibration error)",
    "platt": "Platt scaling",
    "isotonic": "isotonic regression",
}


def number(value: object, digits: int = 3, sign: str = "") -> str:
    """Write a number; a missing one becomes a dash."""
    if value is None or math.isnan(float(str(value))):
        return "–"
    rounded = round(float(str(value)), digits) + 0.0  # + 0.0 turns -0.0 into 0.0
    return f"{rounded:{sign if rounded else ''},.{digits}f}".replace("-", "−")


def whole(value: object) -> str:
    """Write a count."""
    return number(value, 0)


def signed(value: object, digits: int = 3) -> str:
    """Write a difference with its sign."""
    return number(value, digits, "+")


def amount(value: object) -> str:
    """Write a total: whole from a hundred on, with one decimal from one on, three significant digits below."""
    total = float(str(value))
    whole = abs(total) >= 100 or total == 0
    text = f"{total:,.0f}" if whole else f"{total:.1f}" if abs(total) >= 1 else f"{total:.3g}"
    return text.replace("-", "−")


def signed_amount(value: object) -> str:
    """Write the difference of two totals with its sign."""
    return ("+" if float(str(value)) > 0 else "") + amount(value)


def threshold(value: object) -> str:
    """Write a threshold; an alert budget has none, and at some operating points no alert is allowed."""
    limit = float(str(value))
    if math.isnan(limit):
        return "by rank"
    return "no alerts" if limit == math.inf else f"{limit:.3g}".replace("-", "−")


def words(metric: str) -> str:
    """Write the name of a metric or calibration in words."""
    kind, _, percent = metric.removeprefix("recall_at_").rpartition("_")
    if metric.startswith("recall_at_"):
        return f"recall at {int(percent)}\u00a0% {'false positives' if kind == 'fpr' else kind}"
    return NAMES.get(metric, metric.replace("_", " "))


def between(interval: Mapping[str, Any] | None) -> str:
    """Write an estimate with its interval."""
    if interval is None:
        return "–"
    estimate, low, high = (number(interval[key]) for key in ("estimate", "low", "high"))
    return f"{estimate} [{low}, {high}]"


def spread(interval: Mapping[str, Any] | None) -> str:
    """Write a difference with its interval, all with signs."""
    if interval is None:
        return "–"
    estimate, low, high = (signed(interval[key]) for key in ("estimate", "low", "high"))
    return f"{estimate} [{low}, {high}]"


FILTERS: tuple[Callable[..., str], ...] = (number, whole, signed, amount, between, spread, threshold, words)
