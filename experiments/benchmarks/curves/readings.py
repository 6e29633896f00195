"""Figures read off the curves: ratios of new rows, and the efficient settings."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from rich.table import Table as RichTable
from scipy import stats

from experiments.arms.names import REAL_ONLY, UNTARGETED
from experiments.benchmarks.curves.cells import AIMED, GENERATIONS
from loop.seeds import stream

SUITE, FRAUD, COST = "rows", "fraud", "cost"
FEWEST_SPLITS = 3  # for an interval
TITLES = {SUITE: "new rows, rare-class suite", FRAUD: "new rows, card fraud"}


class Reading(NamedTuple):
    """A number read off a curve, or a bound if the curve does not reach it."""

    value: float
    bound: str  # about, at least, at most

    def __str__(self) -> str:
        return f"{self.bound} {self.value:.2g}"


def first_reach(curve: pd.Series, level: float) -> Reading:
    """Return the x at which a curve first reaches a level, interpolated linearly in the logarithm of x.

    The first crossing is taken, which favours the curve if it is not monotonic.

    Parameters
    ----------
    curve : Series
        Values by x > 0, ascending.
    level : float
        In the unit of the values.
    """
    x, y = curve.index.to_numpy(dtype=np.float64), curve.to_numpy(dtype=np.float64)
    reached = np.flatnonzero(y >= level)
    if not len(reached):
        return Reading(float(x[-1]), "at least")
    after = int(reached[0])
    if after == 0:
        return Reading(float(x[0]), "at most")
    way = (level - y[after - 1]) / (y[after] - y[after - 1])
    return Reading(float(x[after - 1] * (x[after] / x[after - 1]) ** way), "about")


def aim_advantages(aimed: pd.Series, untargeted: pd.Series) -> dict[float, Reading]:
    """Return, for each aimed budget, how many times as many untargeted rows bring the same gain; 0 = no gain.

    Parameters
    ----------
    aimed, untargeted : Series
        Gain in average precision by budget, ascending.
    """
    read = {}
    for budget, gain in zip(aimed.index.to_numpy(), aimed.to_numpy(), strict=True):
        needed = first_reach(untargeted, gain) if gain > 0 else Reading(0.0, "about")
        read[float(budget)] = Reading(float(needed.value / budget), needed.bound)
    return read


def efficient(points: pd.DataFrame) -> pd.Series:
    """Tell which points lie on the Pareto front of ``gain`` and ``seconds``.

    For each of them, no other point gains at least as much in less time, or more in the same time.
    """
    ordered = points.astype({"gain": float}).sort_values(["seconds", "gain"], ascending=[True, False])
    return (ordered["gain"] > ordered["gain"].cummax().shift(fill_value=-np.inf)).reindex(points.index)


def mean_curve(results: pd.DataFrame, curve: str, arm: str) -> pd.DataFrame:
    """Average an arm over tables, then over splits.

    Returns
    -------
    DataFrame
        By x, ascending: ``score`` (average precision), ``gain`` over real rows alone, ``seconds``, and the half widths
        ``score_half`` and ``gain_half`` of 95 % intervals over splits; NaN for fewer than three splits, as an
        interval from two is three times as wide as from three.
    """
    own = _with_gain(results[results["curve"] == curve])
    by_split = own[own["arm"] == arm].groupby(["x", "split"])[["score", "gain", "seconds"]].mean()
    by_x = by_split.groupby("x")
    means, n = by_x.mean(), by_split.index.get_level_values("split").nunique()
    width = stats.t.ppf(0.975, n - 1) if n >= FEWEST_SPLITS else np.nan
    halves = (by_x.sem() * width)[["score", "gain"]]
    return means.join(halves.add_suffix("_half"))


def _with_gain(own: pd.DataFrame) -> pd.DataFrame:
    """Add the gain over the learner on all real rows."""
    cell = ["table", "split"]
    base = own[own["arm"] == REAL_ONLY].sort_values("x").groupby(cell)["average_precision"].last().rename("base")
    joined = own.join(base, on=cell).rename(columns={"average_precision": "score"})
    return joined.assign(gain=joined["score"] - joined["base"])


def advantages(results: pd.DataFrame, curve: str) -> dict[float, Reading]:
    """Return the advantages of aimed rows, read off the mean curves, by budget."""
    aimed, untargeted = (mean_curve(results, curve, arm)["gain"] for arm in (AIMED, UNTARGETED))
    return aim_advantages(aimed, untargeted)


def middle(read: Mapping[float, Reading]) -> Reading:
    """Return the median of the readings; a bound if a middle one is a bound, 0 if there are none."""
    ordered = sorted(read.values()) or [Reading(0.0, "about")]
    central = ordered[(len(ordered) - 1) // 2 : len(ordered) // 2 + 1]
    bounds = [each.bound for each in central]
    bound = next((bound for bound in ("at least", "at most") if bound in bounds), "about")
    return Reading(float(np.mean([each.value for each in central])), bound)


def middle_interval(results: pd.DataFrame, curve: str, replicates: int = 300) -> list[float] | None:
    """Return the 90 % bootstrap interval over cells of the median advantage, None for a single cell."""
    own = _with_gain(results[results["curve"] == curve])
    cells = own.pivot(index=["table", "split"], columns=["arm", "x"], values="gain").sort_index(axis="columns")
    if len(cells) < 2:
        return None
    rng = stream(0, "savings", curve)  # the same results always give the same interval
    drawn = [cells.iloc[rng.integers(len(cells), size=len(cells))].mean() for _ in range(replicates)]
    middles = [middle(aim_advantages(means[AIMED], means[UNTARGETED])).value for means in drawn]
    return [round(float(end), 2) for end in np.quantile(middles, [0.05, 0.95])]


def costs(results: pd.DataFrame) -> pd.DataFrame:
    """Return gain, its half width and seconds by setting, and whether the setting is efficient."""
    own = results[results["curve"] == COST]
    rows = {}
    for arm in own["arm"].unique():
        curve = mean_curve(results, COST, arm)
        for turns in curve.index.to_numpy():
            rows[_turns(int(turns)) if arm == GENERATIONS else arm] = curve.loc[turns]
    points = pd.DataFrame(rows).T[["gain", "gain_half", "seconds"]]
    return points.assign(efficient=efficient(points))


def _turns(number: int) -> str:
    return "1 generation" if number == 1 else f"{number} generations"


def headline(results: pd.DataFrame) -> dict[str, object]:
    """Return the figures of the last line.

    The largest of several ratios is biased upwards, so their median is given too, with its 90 % interval over cells.
    """
    said: dict[str, object] = {}
    there = set(results["curve"])
    for curve, name in ((SUITE, "suite"), (FRAUD, "fraud")):
        if curve in there:
            read = advantages(results, curve)
            said |= _named(f"aim_advantage_{name}", max(read.values(), default=Reading(0.0, "about")))
            said |= _named(f"aim_advantage_{name}_median", middle(read))
            said[f"aim_advantage_{name}_median_90"] = middle_interval(results, curve)
    if COST in there:
        said["efficient_settings"] = list(costs(results).query("efficient").index)
    suite = results[results["curve"] != FRAUD]
    return said | {"tables": suite["table"].nunique(), "splits": suite["split"].nunique()}


def _named(name: str, reading: Reading) -> dict[str, object]:
    return {name: round(reading.value, 2), f"{name}_bound": reading.bound}


def tables_of(results: pd.DataFrame) -> Iterator[RichTable]:
    """Yield one table for the terminal for each curve."""
    there = set(results["curve"])
    for curve in (SUITE, FRAUD):
        if curve in there:
            yield _rows_table(results, curve)
    if COST in there:
        table = RichTable("setting", "Δ average precision", "seconds", "efficient", title="cost, rare-class suite")
        for setting, point in costs(results).sort_values("seconds").iterrows():
            shown = _interval(point["gain"], point["gain_half"])
            table.add_row(str(setting), shown, f"{point['seconds']:.1f}", "yes" if point["efficient"] else "")
        yield table


def _rows_table(results: pd.DataFrame, curve: str) -> RichTable:
    arms = [mean_curve(results, curve, arm) for arm in (AIMED, UNTARGETED)]
    read = advantages(results, curve)
    table = RichTable("new rows", "Δ aimed", "Δ untargeted", "times the rows without aim", title=TITLES[curve])
    for budget in sorted({*arms[0].index, *arms[1].index}):
        shown = (_interval(*arm.loc[budget, ["gain", "gain_half"]]) if budget in arm.index else "" for arm in arms)
        times = read.get(budget)
        said = "" if times is None else str(times) if times.value else "no gain"
        table.add_row(f"{budget:g} × real", *shown, said)
    return table


def _interval(mean: float, half: float) -> str:
    return f"{mean:+.4f}" if np.isnan(half) else f"{mean:+.4f} ± {half:.4f}"
