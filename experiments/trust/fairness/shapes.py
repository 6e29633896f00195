"""What a report must hold of groups, checked before anything of it is shown."""

from experiments.trust.fairness.figures import SCORE
from experiments.trust.fairness.worst import NOT_TOLD, TOO_FEW, WORSE
from loop.cycle.generation_codec import interval
from loop.support.record_checks import (
    both,
    count,
    fields,
    finite,
    listed,
    mapped,
    number,
    optional,
    refuse,
    text,
    text_in,
)


def _share(value: object, place: str) -> float:
    taken = finite(value, place)
    return taken if 0 <= taken <= 1 else refuse(place, "a share from 0 to 1", value)


_ends = {f"{name}{end}": optional(number) for name in ("recall", SCORE, "calibration") for end in ("_low", "_high")}
_rates = fields(
    dict.fromkeys((SCORE, "recall", "false_positive_rate"), optional(number)),
    {"alerts": _share, "calibration": optional(number), **_ends},
)
_compared = fields(
    {"group": text, "positives": count, "recall": _share, "rest": _share, "difference": interval, "chosen_on": number}
)


def _worst(value: object, place: str) -> object:
    told = fields({"answer": text_in((WORSE, NOT_TOLD, TOO_FEW))})
    return (told if told(value, place)["answer"] == TOO_FEW else both(told, _compared))(value, place)


GROUPS = listed(
    fields({"column": text, "group": text, "rows": count, "positives": count, "before": _rates, "after": _rates})
)
GAPS = mapped(fields({"before": number, "after": number}))
WORST = fields({"before": _worst, "after": _worst})
