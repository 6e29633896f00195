"""The verdict of an audit, in plain words."""

from experiments.trust.audit.audit import Findings
from experiments.trust.audit.privacy.judging import ALL, Leak
from experiments.trust.audit.states import LEAKS, NONE_SEEN, UNKNOWN
from loop.types import Interval


def state_of(findings: Findings) -> str:
    """Return whether members can be told: `LEAKS`, `NONE_SEEN` or `UNKNOWN`."""
    if findings.copies.too_many:
        return LEAKS
    if findings.attacked is None or findings.differ is not None:
        return UNKNOWN
    leaks = findings.attacked.leaks
    return LEAKS if any(leak.told for leak in leaks) else NONE_SEEN if leaks[0].auc else UNKNOWN


def verdict_of(findings: Findings) -> str:
    """Say in a sentence or two whether an attacker can tell whose rows were used."""
    told = [_copied(findings)] if findings.copies.too_many else []
    if findings.attacked is None:
        return " ".join([*told, "Whether an attacker can tell whose rows were used cannot be known from these tables."])
    if findings.differ is not None:
        return " ".join([*told, _differing(findings.differ)])
    leaks = findings.attacked.leaks
    found = [leak for leak in leaks if leak.told]
    if found:
        return " ".join([*told, _leaking(found[0])])
    if leaks[0].auc is None:
        return " ".join([*told, "There are too few rows to say whether an attacker can tell whose rows were used."])
    return " ".join([*told, _unseen(leaks[0])])


def sentences_of(leak: Leak) -> list[str]:
    """Say what was found out about a group of rows, a sentence each."""
    if leak.auc is None:
        return [f"{leak.group}: {leak.why}."]
    told = [f"{leak.group}: AUC {interval(leak.auc)} by {leak.attack}."]
    for rate in leak.rates:
        at = f"{rate.at:.1%}".replace(".0%", "%").replace("%", " %")
        if rate.found is None:
            told.append(f"At {at} false positives nothing can be said: it {rate.why}.")
        else:
            told.append(f"At {at} false positives {interval(rate.found)} of the members are found by {rate.attack}.")
    bound = f"Epsilon is at least {leak.epsilon:.2f}" if leak.epsilon else "No lower bound on epsilon is shown"
    told.append(f"{bound}; a perfect attack on so many rows would show {leak.epsilon_most:.2f}.")
    return told


def interval(found: Interval) -> str:
    """Write an estimate with its interval."""
    return f"{found.estimate:.3f} [{found.low:.3f}, {found.high:.3f}]"


def _leaking(leak: Leak) -> str:
    of = "" if leak.group == ALL else f" among {leak.group}"
    rate = leak.rates[0] if leak.rates else None
    if leak.auc is None:
        return ""
    found = (
        "" if rate is None or rate.found is None else f", {_share(rate.found.estimate)} of them at 1 % false positives"
    )
    return f"An attacker can tell whose rows were used{of}: AUC {leak.auc.estimate:.2f}{found}."


def _unseen(leak: Leak) -> str:
    if leak.auc is None:
        return ""
    return (
        f"No attack could tell whose rows were used: AUC {leak.auc.estimate:.2f}, and most likely below "
        f"{leak.auc.high:.2f}. That is no guarantee: other attacks may find more."
    )


def _copied(findings: Findings) -> str:
    found = findings.copies
    are, share, usual = "equal", found.equal, found.equal_usual
    if share.low <= usual.high:
        are, share, usual = "nearly equal", found.near, found.near_usual
    return f"{_share(share.estimate)} of the synthetic rows {are} a real one; {_share(usual.estimate)} would be usual."


def _share(value: float) -> str:
    return f"{100 * value:.1f} %"


def _differing(auc: float) -> str:
    return (
        f"Members and controls differ without any synthetic row (AUC {auc:.2f}), as rows of another time do: what the "
        "attacks find may be that difference and no leak, so nothing is said about whose rows were used."
    )
