"""What to do after a run, in words: the one object that terminal, page, JSON and MLflow begin with."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from experiments.arms.names import REAL_ONLY, in_words
from experiments.report.formatting import amount, signed_amount
from experiments.report.labels_needed import MOST_TIMES, LabelsNeeded, labels_needed, standard_error
from loop.cycle.acceptance import FEWEST
from loop.support.plain_json import Record

if TYPE_CHECKING:
    from experiments.report.report import Report

DEPLOY, KEEP, COLLECT, CHECK = "deploy", "keep", "collect labels", "check the data"
UNTRUSTED = ("leak", "identifier", "too good")  # warnings with which no score is to be believed


@dataclass(frozen=True)
class Decision:
    """A decision, why, and what may be expected of it."""

    action: str  # `DEPLOY`, `KEEP`, `COLLECT` or `CHECK`
    headline: str
    harm: tuple[str, ...]  # at an operating point or to a group, a sentence each
    evidence: str  # the claim on the test rows
    labels: LabelsNeeded | None  # that would prove the gain seen; None = proven, no gain, or no sensible number
    expected: tuple[str, ...]  # a month or of 100,000 rows, a sentence each

    @classmethod
    def of(cls, report: "Report") -> "Decision":
        """Decide from the figures of a report."""
        claim = _claim(report)
        needed = None if claim["proven"] else _needed(report, claim)
        action, headline = _decided(report, claim, needed)
        return cls(action, headline, tuple(report.harm), str(report.gain["sentence"]), needed, _expected(report))


def _claim(report: "Report") -> Record:
    """Return the gain to decide about: of the delivered model, or of the loop's own if a plain one is delivered."""
    return report.loop_gain if report.delivered == report.gain["against"] else report.gain


def _decided(report: "Report", claim: Record, needed: LabelsNeeded | None) -> tuple[str, str]:
    if doubts := [each["sentence"] for each in report.warnings if each["name"] in UNTRUSTED]:
        return CHECK, f"Check the data before you believe any score here: {doubts[0]}"
    own, rival = in_words(report.delivered), f"the best plain model ({report.gain['against']})"
    if float(report.gain["difference"]["high"]) < 0:
        return KEEP, f"{_keep(report)}: {own} is worse on the test rows.{_way(report)}"
    if report.harm:
        though = f", though proven better than {rival} over all thresholds" if report.gain["proven"] else ""
        return KEEP, f"{_keep(report)}: {own} does harm where you use it{though}: {report.harm[0]}"
    if report.gain["proven"]:
        return DEPLOY, f"Deploy {own}: it is proven better than {rival}."
    if known := _known(report):
        return DEPLOY, f"Deploy {own}: it knows what the rule book states ({known}), and no harm is proven."
    if claim["proven"]:
        told = (
            f"{in_words(claim['arm'])} is proven better on the test rows, but {own} was chosen on the judge rows before"
        )
        return COLLECT, f"Collect labels: {told}; confirm it on new rows, or set deliver to have it."
    if needed is None:
        return KEEP, f"{_keep(report)}: {_hopeless(report, claim)}{_way(report)}"
    few = _few(report)
    seen = f"{in_words(claim['arm'])} looks better than {rival}, but it is not proven"
    return COLLECT, f"Collect labels: {few or seen}. {_sentence(report, needed, claim)}"


def _keep(report: "Report") -> str:
    """Name the model to serve: the best plain one; if that is delivered and does harm, the learner on real rows."""
    plain = str(report.gain["against"])
    return f"Keep the plain model ({REAL_ONLY if report.harm and report.delivered == plain else plain})"


def _way(report: "Report") -> str:
    """Say how to have the plain model, if another one is delivered."""
    if report.delivered == report.gain["against"]:
        return ""
    return f" This run delivers {in_words(report.delivered)}; deliver: plain has the plain model."


def _known(report: "Report") -> str:
    """Say which stated patterns the delivered model catches more of than real rows alone, beyond chance."""
    if report.delivered == report.gain["against"]:
        return ""
    found = [
        f"{each['supply'].removeprefix('stated: ')}: {each['after']['estimate']:.0%} of rows held back are caught, "
        f"{each['before']['estimate']:.0%} before"
        for each in report.patterns
        if each["kept"] and each["after"]["low"] > each["before"]["high"]
    ]
    return "; ".join(found)


def _few(report: "Report") -> str:
    fewest = _fewest(report)
    if fewest >= FEWEST:
        return ""
    return f"with {fewest} independent rows of a class in the test part, fewer than {FEWEST}, nothing can be proven"


def _fewest(report: "Report") -> int:
    """Return the independent rows or groups of the rarest class in the test part; older reports lack them."""
    told = report.data
    return int(told["test_fewest"] if "test_fewest" in told else told["test_positives"])


def _needed(report: "Report", claim: Record) -> LabelsNeeded | None:
    """Return how many labels would prove the gain that was seen, if it is as large as seen."""
    data, difference = report.data, claim["difference"]
    positives = int(data["test_positives"])
    return labels_needed(
        float(difference["estimate"]),
        standard_error(difference),
        positives,
        int(data["test_rows"]),
        _fewest(report),
        float(difference["level"]),
    )


def _sentence(report: "Report", needed: LabelsNeeded, claim: Record) -> str:
    seen = f"{float(claim['difference']['estimate']):+.3f} average precision"
    return (
        f"{needed.more_positives:,} more rows of class {report.data['positive']} in the test part (with "
        f"{needed.more_rows:,} more rows in all at this share) would prove a difference as large as the one seen "
        f"({seen}) in 4 of 5 cases."
    )


def _hopeless(report: "Report", claim: Record) -> str:
    if float(claim["difference"]["estimate"]) <= 0:
        seen = f"{in_words(claim['arm'])} does not beat it" if claim["arm"] != claim["against"] else "nothing beats it"
        return f"{seen} on the test rows, so there is nothing that more labels could prove."
    return (
        f"{in_words(claim['arm'])} seems better by so little that no sensible number of labels would "
        f"prove it (more than {MOST_TIMES} times the test part of {report.data['test_rows']:,} rows)."
    )


def _expected(report: "Report") -> tuple[str, ...]:
    """Write what a month, or 100,000 rows, would bring."""
    told = report.expected
    if not told:
        return ()
    period = "100,000 rows" if told["days"] is None else "a month"
    plain = str(report.gain["against"])
    rival = "" if report.delivered == plain else f"the best plain model ({plain})"
    own = in_words(report.delivered)
    money = [_money(each, own, rival, period) for each in told["money"]]
    return (*money, _alerts(told["alerts"], own, rival, period), _scale(told, report))


def _alerts(caught: Record, own: str, rival: str, period: str) -> str:
    budget = caught["budget"] or "as many as there are rows to catch"
    told = f"With {amount(caught['alerts'])} alerts in {period} ({budget}) {own} catches {amount(caught['after'])} of "
    told += amount(caught["to_catch"])
    if rival:
        more = [signed_amount(caught["more"][end]) for end in ("estimate", "low", "high")]
        told += f", {rival} {amount(caught['before'])}: {more[0]} [{more[1]}, {more[2]}]"
    return f"{told}."


def _money(each: Record, own: str, rival: str, period: str) -> str:
    unit = f" in units of {each['unit']!r}" if each["unit"] else ""
    costs = each["point"].removeprefix("cost per row ")
    how = "every row checked" if each["every_row"] else "nothing checked"
    told = f"Cost of {period}{unit} {costs}: {amount(each['after'])} with {own}; "
    told += f"{amount(each['before'])} with {rival}; " if rival else ""
    told += f"{amount(each['without'])} without any model ({how})."
    if not rival:
        return told
    saved = {end: float(each["saved"][end]) for end in ("estimate", "low", "high")}
    less = "more" if saved["estimate"] < 0 else "less"
    low, high = (saved["low"], saved["high"]) if less == "less" else (-saved["high"], -saved["low"])
    change = f"{amount(abs(saved['estimate']))} [{amount(low)}, {amount(high)}] {less}"
    return f"{told} The delivered model costs {change} than the best plain one."


def _scale(told: Record, report: "Report") -> str:
    if told["days"] is None:
        return f"Scaled from the {report.data['test_rows']:,} test rows, as no time column of dates is named (--time)."
    days = f"{told['days']} day{'s'[: told['days'] != 1]}"
    return f"A month is 30 days like the {days} of the test part, about {amount(told['rows'])} rows."
