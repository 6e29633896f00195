"""Claims of a comparison: an arm tested against all others as one family, and the result in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from experiments.arms.statistics import (
    ALPHA,
    Tally,
    corrected_t,
    differences,
    holm,
    mean_interval,
    over_sources,
    signed_ranks,
)
from loop.seeds import stream
from loop.types import Interval

UNTESTED = "not tested: one split only, or splits that all gave the same difference"


@dataclass(frozen=True)
class Comparison:
    """One arm against another. Claim a difference only if ``proven``."""

    arm: str
    against: str
    difference: Interval  # mean over sources of the score of `arm` minus that of `against`
    sources: Tally  # of mean differences by source
    pairs: Tally  # of differences by source and seed
    test: str | None  # None = not enough to test
    p: float | None  # two-sided
    p_holm: float | None  # corrected for all comparisons of the family
    proven: bool
    sentence: str


def compare_with_all(
    scores: pd.DataFrame, arm: str, *, seed: int = 0, test_per_train: float | None = 3 / 7
) -> tuple[Comparison, ...]:
    """Compare one arm with every other, as one family of tests.

    Wilcoxon's signed-rank test over the means of the sources, or the corrected t-test over the seeds of a single
    source; then Holm's correction for the number of tests (Demšar 2006, section 3.2.2). A difference is proven if the
    corrected     p-value is at most 0.05 and the mean and the majority of the sources agree on its sign.

    Parameters
    ----------
    scores : DataFrame
        In long form, see `experiments.arms.statistics`.
    arm : str
        Name of the arm that is compared with the others.
    seed : int
        Root of the bootstrap's random numbers.
    test_per_train : float or None
        Test rows over training rows; None = the seeds share one split, for example by time, and say nothing of
        other splits. Used with a single source only.
    """
    others = [other for other in dict.fromkeys(scores["arm"]) if other != arm]
    found = {other: differences(scores, arm, other) for other in others}
    met = {other: difference for other, difference in found.items() if len(difference)}
    tests = {other: _test(difference, test_per_train) for other, difference in met.items()}
    p = {other: p for other, (_, p) in tests.items() if p is not None}
    corrected = dict(zip(p, holm(list(p.values())).tolist(), strict=True))
    rngs = {other: stream(seed, "interval", arm, other) for other in met}
    intervals = {other: mean_interval(met[other], rngs[other], test_per_train=test_per_train) for other in met}
    return tuple(_compared(arm, other, met[other], intervals[other], tests[other], corrected) for other in met)


def in_sentences(comparisons: Sequence[Comparison]) -> list[str]:
    """Return what is proven and what is not; comparisons that could not be tested share one sentence."""
    untested = [each for each in comparisons if each.p_holm is None]
    told = [each.sentence for each in comparisons if each.p_holm is not None]
    if len(untested) < 2:
        return [each.sentence for each in comparisons]
    others = ", ".join(f"{each.against} ({each.difference.estimate:+.3f})" for each in untested)
    return [*told, f"No difference proven between {untested[0].arm} and {others}: {UNTESTED}."]


def _test(difference: pd.Series, test_per_train: float | None) -> tuple[str | None, float | None]:
    """Return the name of the test that the number of sources allows, and its p-value."""
    means = over_sources(difference)
    if len(means) > 1:
        return "Wilcoxon", signed_ranks(means)
    p = None if test_per_train is None else corrected_t(difference, test_per_train)
    return (None, None) if p is None else ("corrected t", p)


def _compared(
    arm: str,
    against: str,
    difference: pd.Series,
    interval: Interval,
    tested: tuple[str | None, float | None],
    corrected: Mapping[str, float],
) -> Comparison:
    pairs, sources = Tally.of(difference), Tally.of(over_sources(difference))
    p_holm = corrected.get(against)
    agree = np.sign(interval.estimate) == np.sign(sources.wins - sources.losses) != 0
    proven = p_holm is not None and p_holm <= ALPHA and bool(agree)
    unit, tally = ("sources", sources) if sources.total > 1 else ("seeds", pairs)
    if proven:
        word, count = ("better", tally.wins) if interval.estimate > 0 else ("worse", tally.losses)
        start = f"{arm} is {word} than {against} on {count} of {tally.total} {unit}"
    else:
        start = f"No difference proven between {arm} and {against}: ahead on {tally.wins} of {tally.total} {unit}"
    sentence = f"{start} ({interval.estimate:+.3f}, {_why(difference, p_holm, len(corrected))})."
    return Comparison(arm, against, interval, sources, pairs, *tested, p_holm, proven, sentence)


def _why(difference: pd.Series, p_holm: float | None, tests: int) -> str:
    """Write the p-value, or how many sources it would take to prove something."""
    sources = difference.index.get_level_values("source").nunique()
    if p_holm is None:
        return UNTESTED
    needed = fewest_sources(tests)
    hint = f"; fewer than {needed} sources can prove nothing" if 1 < sources < needed else ""
    return f"p = {p_holm:.2g} after Holm{hint}"


def fewest_sources(tests: int) -> int:
    """Return how many sources a signed-rank test needs to prove anything at all.

    Its smallest p-value is ``2 ** (1 - sources)``, which Holm's correction multiplies by the number of tests.
    """
    return int(np.ceil(1 + np.log2(tests / ALPHA)))
