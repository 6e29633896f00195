"""The findings of a stress in the terminal."""

import re
from collections.abc import Iterable

from rich import box
from rich.console import Console
from rich.table import Table

from experiments.report.console import say, say_marked, shown
from experiments.report.formatting import threshold
from experiments.stress.cases import QUANTILES
from experiments.stress.output import verdict_of
from experiments.stress.sensitivity import FACTORS
from experiments.stress.stress import Findings
from loop.types import Interval

MOST = 5  # categories of a list that are shown; the files of a stress hold all
_QUOTED = r"'(?:[^']|'')*'"
_LIST, _ITEM = re.compile(rf"\{{(?:{_QUOTED}|[^'{{}}])*\}}"), re.compile(rf"{_QUOTED}|[^\s,'{{}}]+")


def show(findings: Findings, console: Console) -> None:
    """Print tables and the verdict."""
    for sentence in findings.said:
        say(console, sentence)
    console.print(_patterns(findings))
    for case in findings.cases:
        for region in case.fails:
            said = f"fails in {case.name} ({case.kind}): {fewer_categories(region)}"
            say(console, said)
    if findings.moved:
        console.print(_moved(findings))
    console.print(_alarms(findings))
    if findings.tried:
        console.print(_checks(findings))
    for check in findings.tried:
        if check.example:
            said = f"breaks it most, {check.text}: {check.example}"
            say(console, said)
    colour = "yellow" if findings.holes or findings.asked.fail_under is None else "green"
    say_marked(console, f"[bold {colour}]{shown(verdict_of(findings))}[/]")


def fewer_categories(text: str) -> str:
    """Return the text of a region with no more than some of the categories of each list.

    Examples
    --------
    >>> fewer_categories("shop in {a, b, 'c, d', e, f, g, h} and x > 1")
    "shop in {a, b, 'c, d', e, f and 2 more} and x > 1"
    """

    def some(found: re.Match[str]) -> str:
        listed = _ITEM.findall(found.group())
        more = f" and {len(listed) - MOST} more" if len(listed) > MOST else ""
        return f"{{{', '.join(listed[:MOST])}{more}}}"

    return _LIST.sub(some, text)


def _patterns(findings: Findings) -> Table:
    points = [point.point for point in findings.subject.points]
    title = f"Patterns, share of the rows handled rightly (class to catch {shown(findings.subject.positive)})"
    table = _table(title, ("pattern", "rows are", "rows", *map(shown, points), "score\n5 %, median, 95 %"), 2)
    low, middle, high = (QUANTILES.index(share) for share in (0.05, 0.5, 0.95))
    for case in findings.cases:
        kind = case.kind if case.alarm else f"{case.kind}, class {case.label}"
        scores = ", ".join(f"{case.quantiles[at]:.3f}" for at in (low, middle, high))
        shares = map(_interval, case.recalls)
        table.add_row(shown(case.name), shown(kind), f"{len(case.frame):,}", *shares, scores)
    table.caption = "Wilson's interval at 95 %, of rows made like these; rows of other classes must not be alarmed"
    return table


def _moved(findings: Findings) -> Table:
    point = findings.subject.points[0].point
    columns = ("scenario", "stated number", *(f"x {factor:g}" for factor in FACTORS))
    table = _table(f"Handled rightly with a stated number moved ({shown(point)})", columns, 2)
    for each in findings.moved:
        shares = (f"{share.estimate:.3f}" for share in each.shares)
        table.add_row(shown(each.scenario), shown(each.column), *shares)
    return table


def _alarms(findings: Findings) -> Table:
    columns = ("operating point", "threshold", "share of\nhonest rows", "per 1,000\nrows", "a day")
    table = _table("False alarms on honest real rows", columns, 1)
    for point, alarms in zip(findings.subject.points, findings.alarms, strict=True):
        a_day = "" if alarms.a_day is None else f"{alarms.a_day:.1f}"
        cells = threshold(point.threshold), f"{alarms.share:.4f}", f"{alarms.per_1000:.1f}", a_day
        table.add_row(shown(point.point), *cells)
    return table


def _checks(findings: Findings) -> Table:
    table = _table("Checks", ("check", "rows", "break it", "share"), 1)
    for check in findings.tried:
        table.add_row(shown(check.text), f"{check.found.rows:,}", f"{check.found.broken:,}", f"{check.share:.3f}")
    return table


def _table(title: str, columns: Iterable[str], left: int) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, caption_justify="left", pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number < left else "right")
    return table


def _interval(interval: Interval) -> str:
    return f"{interval.estimate:.3f} [{interval.low:.3f}, {interval.high:.3f}]"
