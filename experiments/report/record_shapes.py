"""What `report.json` and `curves.json` must hold: each is checked as a whole before anything of it is shown."""

import re
from collections.abc import Mapping
from typing import get_args

from experiments.report.mended import ANSWERS
from experiments.trust.audit.states import LEAKS, NONE_SEEN, UNKNOWN
from experiments.trust.fairness import shapes
from loop.cycle.generation_codec import interval
from loop.cycle.generation_codec import shape as generation_shape
from loop.errors import ConfigError, DataError
from loop.evaluation.calibration import Method
from loop.evaluation.metrics import resolve
from loop.support.plain_json import Record
from loop.support.record_checks import (
    Check,
    amount,
    both,
    count,
    fields,
    flag,
    integer,
    listed,
    mapped,
    number,
    optional,
    pair,
    refuse,
    scalar,
    text,
    text_in,
)

CALIBRATION = ("brier", "log_loss", "calibration_error")  # scores that the calibration step is judged by
LARGEST = 1e12  # no figure that is drawn comes near it


def _between(least: float, most: float) -> Check:
    """Make a check for numbers that can be drawn."""

    def check(value: object, place: str) -> float:
        taken = number(value, place)
        return taken if least <= taken <= most else refuse(place, f"a number from {least:g} to {most:g}", value)

    return check


_share, _drawn, _cost = _between(0, 1), _between(-LARGEST, LARGEST), _between(0, LARGEST)


def _recall(value: object, place: str) -> str:
    """Take the name of a recall at a precision or at a false-positive rate."""
    if not re.fullmatch(r"recall_at_(fpr|precision)_\d\d", text(value, place)):
        refuse(place, "a name such as recall_at_fpr_01", value)
    return str(value)


def _recall_at_precision(value: object, place: str) -> str:
    return value if "precision" in (value := _recall(value, place)) else refuse(place, "recall at a precision", value)


def _empty_or(inner: Check) -> Check:
    """Make a check that takes an empty mapping, too: the part is then left out."""
    return lambda value, place: value if value == {} and isinstance(value, dict) else inner(value, place)


def _alike(needed: Mapping[str, Check]) -> Check:
    """Make a check for mappings whose lists are of one length, at least one value long."""
    each = fields(needed)

    def check(value: object, place: str) -> Record:
        taken: Record = each(value, place)
        lengths = {len(taken[name]) for name in needed}
        if len(lengths) > 1 or 0 in lengths:
            raise DataError(f"{place} must hold lists of one length for {', '.join(needed)}, got others")
        return taken

    return check


def _judge(value: object, place: str) -> Record:
    """Take the scores before and after, of the same metrics."""
    taken: Record = fields({"before": mapped(interval), "after": mapped(interval)})(value, place)
    for name in taken["before"]:
        try:
            resolve(name)
        except ConfigError:
            refuse(f"{place}.before", "a mapping of metrics to intervals", name)
    if set(taken["before"]) != set(taken["after"]):
        raise DataError(f"{place} must have the same metrics before and after, got others")
    return taken


def _point(value: object, place: str) -> Record:
    """Take one row of `loop.evaluation.threshold_table.operating_table`."""
    figures = fields(
        dict.fromkeys(("recall", "precision", "false_positive_rate", "alerts_per_1000"), number),
        {"cost_per_row": number},
    )
    arm = fields({"threshold": number, "promised": figures, "delivered": figures})
    taken: Record = fields({"point": text, "figure": text, "before": arm, "after": arm, "difference": interval})(
        value, place
    )
    for side in ("before", "after"):
        for when in ("promised", "delivered"):
            number(taken[side][when].get(taken["figure"]), f"{place}.{side}.{when}.{taken['figure'][:40]}")
    return taken


_shares = {"estimate": _share, "low": _share, "high": _share, "level": amount}
_ends = {"estimate": _drawn, "low": _drawn, "high": _drawn, "level": amount}
_drawn_score = fields({"average_precision": fields(_ends)})
_generation = both(
    generation_shape,
    fields({"scores": both(mapped(interval), _drawn_score), "challenger": both(mapped(interval), _drawn_score)}),
)
_difference = fields({"decision": fields({"difference": fields({"estimate": _drawn})})})
_arm = fields(
    {"arm": text, "cheap": flag, "plain": flag, "note": text, "seconds_fit": amount, "seconds_per_million": amount}
    | {"megabytes": optional(amount)}
    | dict.fromkeys(("average_precision", "recall_at_fpr_01", "brier"), number),
    {"log_loss": number, "calibration_error": number},
)
_gain = fields(
    {"arm": text, "sentence": text, "proven": flag, "against": text}
    | {"difference": fields(_ends | {"level": _between(0.5, 0.999)})}
)
_option = fields(
    {"name": text, "score": number, "difference": interval, "expected": number, "refused": optional(text)}
    | {"cost": fields({"seconds_per_million": amount, "megabytes": optional(amount)})}
)
_pair = dict.fromkeys(("before", "after"), _drawn)
_expected = fields(
    {"rows": _between(1, LARGEST), "days": optional(integer(1)), "points": listed(_point)}
    | {
        "money": listed(
            fields({"point": text, "unit": text, "without": _drawn, "every_row": flag, "saved": fields(_ends)} | _pair)
        ),
        "alerts": fields({"budget": optional(text), "alerts": _cost, "to_catch": _cost, "more": fields(_ends)} | _pair),
    }
)
_step = fields(dict.fromkeys(CALIBRATION, fields({"before": number, "after": number})))
_NEEDED: Mapping[str, Check] = {
    "data": fields(
        {"name": text, "positive": scalar}
        | dict.fromkeys(("train_rows", "train_positives", "test_rows", "test_positives"), count)
        | {"classes": integer(2)},
        {"test_fewest": count},
    ),
    "recall_at_precision": _recall_at_precision,
    "generations": listed(both(_generation, _difference)),
    "verdict": fields({"sentence": text, "kept": count}),
    "arms": listed(_arm),
    "gain": _gain,
    "loop_gain": _gain,
    "delivery": fields({"name": text, "best_plain": text, "sentence": text, "options": listed(_option)}),
    "planted": listed(fields({"name": text, "found": flag, "recall": number})),
    "supplies": listed(
        fields(
            {"supply": text, "generations": count, "rows": count, "kept": count, "seconds": amount}
            | {"brings": optional(interval)},
            {"aimed": flag},  # whether it looked for weak regions; of an earlier version: only taught ones did
        )
    ),
    "patterns": listed(
        fields({"supply": text, "rows": integer(1), "kept": flag} | dict.fromkeys(("before", "after"), fields(_shares)))
    ),
    "seconds": amount,
}
_MORE: Mapping[str, Check] = {  # parts that a page leaves out with a sentence where they are missing
    "judge": _empty_or(_judge),
    "real_patterns": listed(
        fields({"supply": text, "rows": integer(1)} | dict.fromkeys(("before", "after"), fields(_shares)))
    ),
    "mended": listed(
        fields(
            {"rule": text, "rows": count, "positives": count, "answer": text_in(tuple(ANSWERS))}
            | {"change": optional(interval)}
            | dict.fromkeys(("before", "after"), fields({"error": optional(number), "caught": optional(_share)}))
        )
    ),
    "expected": _empty_or(_expected),
    "importance": listed(fields({"column": text, "fall": number, "least": number, "most": number})),
    "software": mapped(text),
    "operating": listed(_point),
    "calibration": _empty_or(
        fields({"parameters": fields({"method": text_in((*get_args(Method), "none"))}), "judge": _step, "test": _step})
    ),
    "groups": shapes.GROUPS,
    "card": _empty_or(fields({"title": text, "sections": listed(pair(text, listed(text)))})),
    "audit": _empty_or(
        fields(
            {"state": text_in((LEAKS, NONE_SEEN, UNKNOWN)), "verdict": text, "said": listed(text)}
            | {"rows": mapped(count), "headline": mapped(optional(number))}
        )
    ),
    "warnings": listed(fields({"name": text, "sentence": text}, known_only=True)),
    "group_gaps": shapes.GAPS,
    "worst_group": _empty_or(shapes.WORST),
    "answers": _empty_or(
        fields(
            {
                "rows": count,
                "audited": count,
                "before": number,
                "after": number,
                "difference": interval,
                "sentence": text,
            }
        )
    ),
}
_curve = both(
    both(_alike({"recall": listed(_share), "precision": listed(_share)}), fields({"average_precision": _share})),
    both(
        _alike({"cost_ratio": listed(_cost), "cost": listed(_cost)}),
        fields({"reliability": _alike(dict.fromkeys(("rows", "stated", "observed", "low", "high"), listed(_drawn)))}),
    ),
)
curves = fields(
    {"rows": integer(1), "positives": integer(1), "before": _curve, "after": _curve}
    | {
        "recalls": listed(fields({"metric": _recall, "before": number, "after": number, "difference": interval})),
        "alerts": listed(fields({"share": _share, "alerts": count, "before": number, "after": number})),
    },
    {"plain": _curve},
)


def report(value: object, place: str) -> Record:
    """Take all of a report; the check of `experiments.report.report.Report`.

    Raises
    ------
    DataError
        If anything that is shown is missing, of another type or out of range; the caller adds the file and the way out.
    """
    taken: Record = fields(_NEEDED, _MORE)(value, place)
    metric = taken["recall_at_precision"]
    for position, arm in enumerate(taken["arms"]):
        fields({metric: number})(arm, f"arms.{position}")
    return {name: each for name, each in taken.items() if name in {*_NEEDED, *_MORE}}
