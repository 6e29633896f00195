"""The worst group: chosen on one half of the test rows, reported on the other, as one of many looks bad by chance."""

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np

from experiments.trust.fairness.figures import enough, share_of
from experiments.trust.fairness.groups import Group
from loop.evaluation.judge_rows import JudgeRows
from loop.support.plain_json import Record, plain
from loop.types import Interval

WORSE, NOT_TOLD, TOO_FEW = "worse", "cannot be told", "too few"


def worst_group(
    groups: Sequence[Group], tested: JudgeRows, alerts: np.ndarray, least: int, rng: np.random.Generator
) -> Record:
    """Choose the group whose recall is lowest beside that of all others on one half, and compare it on the other.

    Of several groups that one is chosen whose gap is largest with one standard error taken off, so that a handful of
    rows does not win by chance.

    Parameters
    ----------
    groups : sequence of Group
    tested : JudgeRows, n rows
    alerts : ndarray of shape (n,), bool
        At one threshold for all.
    least : int
        Rows to catch, or units of them, that a group and the others must have in each half.
    rng : numpy.random.Generator
        Deals the halves; rows of one unit stay together.

    Returns
    -------
    dict
        ``answer``: ``too few`` (no group has enough rows to catch), or ``worse`` (the interval on the second half lies
        wholly below zero) or ``cannot be told``, with ``group``, its ``positives`` there, ``recall`` and ``rest``, the
        ``difference`` between them with its interval, and ``chosen_on``, the difference on the first half.
    """
    units = np.arange(len(tested)) if tested.unit is None else np.unique(tested.unit, return_inverse=True)[1]
    first = rng.permutation(units.max(initial=0) + 1)[units] % 2 == 0
    able = [each for each in groups if all(_enough(each.inside, tested, half, least) for half in (first, ~first))]
    if not able:
        return {"answer": TOO_FEW}
    seen = [difference(group.inside, tested, alerts, first) for group in able]
    at = int(np.argmin([(each.estimate + each.high) / 2 for each in seen]))
    chosen, told = able[at], difference(able[at].inside, tested, alerts, ~first)
    caught = tested.is_positive & ~first
    record: Record = plain(
        {
            "answer": WORSE if told.high < 0 else NOT_TOLD,
            "group": chosen.name,
            "positives": int((caught & chosen.inside).sum()),
            "recall": float(alerts[caught & chosen.inside].mean()),
            "rest": float(alerts[caught & ~chosen.inside].mean()),
            "difference": asdict(told),
            "chosen_on": seen[at].estimate,
        }
    )
    return record


def in_words(record: Record) -> str:
    """Return what was found, in a sentence without a stop."""
    if record["answer"] == TOO_FEW:
        return "no group has enough rows to catch in both halves of the test rows to be compared with the others"
    low, high = (100 * record["difference"][end] for end in ("low", "high"))
    beyond = "fewer beyond chance" if record["answer"] == WORSE else "which may be chance"
    return (
        f"{record['group']}: {record['recall']:.0%} of {record['positives']:,} rows to catch are caught, "
        f"{record['rest']:.0%} of the others, {beyond} (difference {low:+.0f} to {high:+.0f} points)"
    )


def difference(inside: np.ndarray, tested: JudgeRows, alerts: np.ndarray, half: np.ndarray) -> Interval:
    """Return recall inside minus recall outside, of one half of the rows, with its 95 % interval.

    The intervals of both shares are joined as by Newcombe (1998, *Statistics in Medicine* 17:873, method 10). They are
    exact ones here, as groups are small and many are looked at.
    """
    caught = tested.is_positive & half
    one, other = (share_of(alerts[each], tested.take(each)) for each in (caught & inside, caught & ~inside))
    middle = one.estimate - other.estimate
    low = middle - float(np.hypot(one.estimate - one.low, other.high - other.estimate))
    high = middle + float(np.hypot(one.high - one.estimate, other.estimate - other.low))
    return Interval(middle, low, high)


def _enough(inside: np.ndarray, tested: JudgeRows, half: np.ndarray, least: int) -> bool:
    return enough(tested.take(inside & half), least) and enough(tested.take(~inside & half), least)
