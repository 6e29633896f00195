"""A column that alone tells the class: often what is known only afterwards."""

from collections.abc import Collection, Iterator

from experiments.sanity.finding import Finding
from experiments.sanity.power import Power, Score

NEARLY_ALL = 0.95  # share of the average precision of all columns together
PERFECT = 0.99  # AUC that no honest column has
STRONG_AUC, STRONG_RISE = 0.9, 0.5  # one of which a column must reach, too: in a weak model any column is as good
SHOWN = 3


def leak(power: Power, aside: Collection[str] = ()) -> Iterator[Finding]:
    """Find columns that alone are nearly as good as all columns together; columns of ``aside`` have another warning."""
    told = {name: score for name, score in power.columns.items() if name not in aside and _tells(score, power)}
    if not told:
        return
    best = sorted(told, key=lambda name: -told[name].auc)
    named = ", ".join(f"{name!r} (AUC {told[name].auc:.3f})" for name in best[:SHOWN])
    more = f" and {len(best) - SHOWN} more" if len(best) > SHOWN else ""
    yield Finding(
        "leak",
        f"{named}{more} alone {'tells' if len(best) == 1 else 'tell'} the class; all columns together have AUC "
        f"{power.whole.auc:.3f}: if what it says is known only afterwards, leave it out and run again.",
    )


def _tells(score: Score, power: Power) -> bool:
    rise = (score.average_precision - power.share) / (1 - power.share)
    strong = score.auc >= STRONG_AUC or rise >= STRONG_RISE
    as_good = score.average_precision >= NEARLY_ALL * power.whole.average_precision
    return score.auc >= PERFECT or (len(power.columns) > 1 and strong and as_good)
