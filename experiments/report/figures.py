"""Figures of a run drawn from its records, and their form as inline SVG in the colours of the page."""

import re
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from experiments.report.figure_style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    GRID,
    ORANGE,
    any_glyph,
    canvas,
    legend_below,
    literal,
    shorten,
)
from loop.support.plain_json import Record
from loop.support.visible import visible

ARMS = (
    ("before", ORANGE, "--", "s", "before: real rows alone"),
    ("after", BLUE, "-", "o", "after: the delivered model"),
)
WHEN = ("before", "after")
RANKED = 0.05  # recall from which precision is steady enough to set the scale
ZOOMED = 0.5  # lowest cost from which its axis no longer begins at 0
HUDDLED = 0.1  # median probability below which the axes of a reliability diagram are logarithmic
INKS = {  # colours as variables of the page, so that one figure serves light, dark and print
    BLUE: "--after",
    ORANGE: "--before",
    GREEN: "--kept",
    GREY: "--faint",
    GRID: "--grid",
    BLACK: "--ink",
    "#000000": "--ink",
    "#ffffff": "--paper",
}
_INKS = {colour.lower(): f"var({name})" for colour, name in INKS.items()}
_XLINK = "{http://www.w3.org/1999/xlink}href"


def score_over_generations(
    generations: Sequence[Record], title: str = "", metric: str = "average_precision", name: str = "average precision"
) -> Figure:
    """Draw the champion's score with its interval, every challenger, and the learner on real rows alone.

    Parameters
    ----------
    generations : sequence of Record
        Records of a run in order, at least one; see `loop.cycle.generation_codec.to_record`.
    title : str
    metric : str
        Key of the scores; the differences in the decisions must be of the same metric.
    name : str
        Name of the metric at the axis.
    """
    figure, axes = canvas(title)
    scores = [{key: float(value) for key, value in each["scores"][metric].items()} for each in generations]
    challengers = [float(each["challenger"][metric]["estimate"]) for each in generations]
    baseline = challengers[0] - float(generations[0]["decision"]["difference"]["estimate"])
    turns = [0, *(each["index"] for each in generations)]
    axes.axhline(baseline, color=BLACK, linestyle="--", linewidth=1.2, label=f"real rows alone ({baseline:.3f})")
    champion = [baseline, *(each["estimate"] for each in scores)]
    axes.plot(turns, champion, color=BLUE, linewidth=2, marker="o", markersize=4, label="champion")
    low, high = ([each[side] for each in scores] for side in ("low", "high"))
    bars = [np.maximum(side, 0) for side in (np.subtract(champion[1:], low), np.subtract(high, champion[1:]))]
    label = f"{scores[0]['level']:.0%} interval of the champion"
    axes.errorbar(turns[1:], champion[1:], bars, color=BLUE, linestyle="none", capsize=4, linewidth=1.2, label=label)
    for kept, colour, marker, label in ((True, GREEN, "^", "challenger, kept"), (False, ORANGE, "X", "rolled back")):
        chosen = [place for place, each in enumerate(generations) if each["decision"]["kept"] == kept]
        if chosen:
            x, y = [turns[place + 1] for place in chosen], [challengers[place] for place in chosen]
            axes.scatter(x, y, s=80, color=colour, marker=marker, edgecolors="white", zorder=3, label=label)
    axes.set_xlabel("generation (0 = real rows alone)")
    axes.set_ylabel(f"{name} on the judge rows")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    legend_below(figure)
    return figure


def stated_patterns(patterns: Sequence[Record], title: str = "") -> Figure:
    """Draw how much of each stated pattern is caught without and with the stated rows.

    Parameters
    ----------
    patterns : sequence of Record
        See `loop.cycle.held_back.Caught`, at least one.
    title : str
    """
    figure, axes = canvas(title)
    places = np.arange(len(patterns))[::-1]
    for when, (_, colour, _, marker, _), label in zip(WHEN, ARMS, ("real rows alone", "with stated rows"), strict=True):
        shares = np.array([[each[when][end] for end in ("estimate", "low", "high")] for each in patterns], dtype=float)
        arms = np.abs(shares[:, 1:] - shares[:, :1]).T
        axes.errorbar(shares[:, 0], places, xerr=arms, color=colour, linestyle="none", capsize=4, linewidth=1.2)
        axes.scatter(shares[:, 0], places, s=80, color=colour, marker=marker, edgecolors="white", zorder=3, label=label)
    for place, each in zip(places, patterns, strict=True):
        ends = [each[when]["estimate"] for when in WHEN]
        axes.plot(ends, [place, place], color=GREY, linewidth=1.2, zorder=0)
    axes.set_yticks(places, [shorten(each["supply"].removeprefix("stated: ")) for each in patterns])
    axes.set(xlim=(-0.03, 1.03), ylim=(-0.6, len(patterns) - 0.4))
    axes.set_xlabel("caught at 1 % false positives, of rows held back")
    legend_below(figure)
    return figure


def caught_by_alerts(curves: Record, rival: str, own: str, alerts: float) -> Figure:
    """Draw what is caught against the number of alerts, by the best plain model and by the delivered one.

    Parameters
    ----------
    curves : Record
        See `experiments.report.curve_points.before_and_after`; of earlier versions without the best plain model, whose
        place real rows alone then take.
    rival, own : str
        Names of the best plain model and of the delivered one.
    alerts : float
        The number at which both are compared in words, on the test rows.
    """
    figure, axes = canvas()
    positives, rows = curves["positives"], max(2, curves["rows"])
    lines = {own: curves["after"]}
    if own != rival or "plain" not in curves:
        lines = {rival if "plain" in curves else "real rows alone": curves.get("plain", curves["before"]), **lines}
    for name, curve in lines.items():
        mine = curve is curves["after"]
        recall = np.array(curve["recall"])
        raised = recall * positives / np.maximum(np.array(curve["precision"]), 1 / rows)
        look: Mapping[str, Any] = {"color": BLUE if mine else ORANGE, "linestyle": "-" if mine else "--"}
        label = f"{shorten(name)}{' (delivered)' if mine else ''}"
        axes.step([1, *raised, rows], [0, *recall, 1], where="post", linewidth=1.8, label=label, **look)
    at = np.geomspace(1, rows, 100)
    axes.plot(at, at / rows, color=BLACK, linewidth=1.2, linestyle=":", label="alerts at random")
    axes.axvline(alerts, color=GREY, linewidth=1.2, label=f"{alerts:,.0f} alerts")
    axes.set_xscale("log")
    axes.set(xlim=(max(1.0, min(alerts, positives) / 10), rows), ylim=(0, 1.02))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.set_xlabel(f"alerts on the {rows:,} test rows")
    axes.set_ylabel(f"share caught of {positives:,} to catch")
    legend_below(figure)
    return figure


def precision_recall(curves: Record, positive: str, title: str = "") -> Figure:
    """Draw precision against recall before and after the loop.

    See `experiments.report.curve_points.before_and_after`.
    """
    figure, axes = canvas(title)
    for arm, colour, style, _, label in ARMS:
        recall, precision = curves[arm]["recall"], curves[arm]["precision"]
        axes.step([0, *recall], [precision[0], *precision], color=colour, linestyle=style, linewidth=1.8, label=label)
    share = curves["positives"] / curves["rows"]
    axes.axhline(share, color=BLACK, linewidth=1.2, linestyle=":", label=f"chance ({share:.1%})")
    axes.set(xlim=(0, 1), ylim=(0, _highest_precision(curves)))
    axes.set_xlabel(f"recall: share of class {shorten(positive)} that is caught")
    axes.set_ylabel("precision: share of alerts that are right")
    legend_below(figure)
    return figure


def _highest_precision(curves: Record) -> float:
    """Return where the axis of precision ends: at the data, the few highest scores aside, as their precision jumps."""
    shown = [
        precision
        for arm in WHEN
        for recall, precision in zip(curves[arm]["recall"], curves[arm]["precision"], strict=True)
        if recall >= RANKED
    ]
    return min(1.02, 1.15 * max(shown, default=1.0))


def cost(curves: Record) -> Figure:
    """Draw the cost of each learner against the cost of a miss; lower is better."""
    figure, axes = canvas()
    for arm, colour, style, _, label in ARMS:
        values = np.array(curves[arm]["cost"], dtype=float)
        axes.plot(curves[arm]["cost_ratio"], values, color=colour, linestyle=style, linewidth=1.8, label=label)
    axes.axhline(1, color=BLACK, linewidth=1.2, linestyle=":", label="no model at all")
    axes.set_xscale("log")
    axes.set_xticks([1, 3, 10, 30, 100, 300, 1000], ["1", "3", "10", "30", "100", "300", "1000"])
    axes.set_xticks([], minor=True)
    drawn = np.concatenate([curves[arm]["cost"] for arm in WHEN])
    lowest, highest = float(drawn.min()), float(drawn.max())
    axes.set_ylim(0 if lowest < ZOOMED else lowest - (1 - lowest) / 2 - 0.01, min(1.5, max(1.02, highest * 1.05)))
    axes.set_xlabel("cost of one miss, in false alarms")
    axes.set_ylabel("cost, 1 = without a model")
    legend_below(figure)
    return figure


def reliability(curves: Record, positive: str) -> Figure:
    """Draw the observed share of positives against the predicted probability, with intervals.

    Both axes are logarithmic where most of the probabilities are small, so that they do not huddle in a corner.
    """
    figure, axes = canvas()
    arms = {
        arm: {name: np.array(values, dtype=float) for name, values in curves[arm]["reliability"].items()}
        for arm in WHEN
    }
    stated, observed = (np.concatenate([arms[arm][name] for arm in WHEN]) for name in ("stated", "observed"))
    floor = 0.0
    if np.median(stated) < HUDDLED:
        seen = np.concatenate([stated[stated > 0], observed[observed > 0], [HUDDLED]])
        floor = float(seen.min()) / 2  # no share at all is drawn here
        axes.set(xscale="log", yscale="log")
    axes.plot([floor, 1], [floor, 1], color=BLACK, linewidth=1.2, linestyle=":", label="stated = observed")
    for arm, colour, style, marker, label in ARMS:
        bins = {name: np.maximum(values, floor) for name, values in arms[arm].items()}
        bars = [np.maximum(side, 0) for side in (bins["observed"] - bins["low"], bins["high"] - bins["observed"])]
        look: Mapping[str, Any] = {"color": colour, "linestyle": style, "marker": marker, "linewidth": 1.4}
        axes.errorbar(bins["stated"], bins["observed"], bars, markersize=5, elinewidth=1, label=label, **look)
    axes.set(xlim=(floor, 1), ylim=(floor, 1.02 if not floor else 1.2))
    if floor:
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlabel(f"stated probability of class {shorten(positive)}")
    axes.set_ylabel("observed share")
    legend_below(figure)
    return figure


def inline_svg(figure: Figure, name: str, title: str, description: str) -> str:
    """Return a figure as an SVG element for an HTML page, with a title and description for screen readers.

    Text stays text, colours become variables of the page (`INKS`), and identifiers begin with ``name``, so that figures
    on one page do not clash. The element is built as a tree, so no text in it can break the page.
    """
    literal(figure)
    buffer = BytesIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}), any_glyph():  # browsers have the glyph
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    root = ElementTree.fromstring(buffer.getvalue())
    _for_html(root, name)
    for tag, words in (("desc", description), ("title", title)):
        label = ElementTree.Element(tag, {"id": f"{name}-{tag}"})
        label.text = visible(words)
        root.insert(0, label)
    box = root.get("viewBox", "")
    root.attrib.clear()
    names = f"{name}-title {name}-desc"
    root.attrib.update({"viewBox": box, "role": "img", "aria-labelledby": names})
    return ElementTree.tostring(root, encoding="unicode")


def _for_html(root: ElementTree.Element, name: str) -> None:
    """Drop namespaces, metadata and style sheets; keep only the identifiers that are referred to, under a prefix."""
    for parent in list(root.iter()):
        for child in [each for each in parent if each.tag.endswith(("}metadata", "}style"))]:
            parent.remove(child)
    text = " ".join(value for each in root.iter() for value in each.attrib.values())
    used = set(re.findall(r"#([\w-]+)", text))
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        element.attrib = {
            "href" if key == _XLINK else key: _repainted(value, name)
            for key, value in element.attrib.items()
            if key != "id"
        } | ({"id": f"{name}-{element.attrib['id']}"} if element.attrib.get("id") in used else {})


def _repainted(value: str, name: str) -> str:
    value = re.sub(r"#[0-9a-f]{6}\b", lambda found: _INKS.get(found[0], found[0]), value)
    value = re.sub(r"(?<=url\()#|^#", f"#{name}-", value)
    return re.sub(r"'DejaVu Sans'[^;]*", "var(--sans)", value)
