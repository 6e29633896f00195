"""What is read off the cells: means with intervals, the best control, and how many times fewer rows aiming needs."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from rich.table import Table as RichTable

from experiments.arms.forms.images import CLASSICAL, PLAIN
from experiments.arms.statistics import differences, mean_interval
from experiments.benchmarks.curves.readings import Reading, first_reach
from experiments.benchmarks.images.cells import AIMED_CURVE, DIFFUSION, LOOPS, TEACHER, UNAIMED_CURVE
from experiments.benchmarks.images.tasks import TEST_SIZE
from loop.seeds import stream
from loop.types import Interval

AP, RECALL = "average_precision", "rare_recall"
TEST_PER_TRAIN = TEST_SIZE / (1 - TEST_SIZE)


def against(results: pd.DataFrame, arm: str, control: str, metric: str) -> Interval:
    """Return the mean difference of two arms on the same splits of one or more data sets, with its interval."""
    scores = _arms(results).rename(columns={"data": "source", metric: "score"})
    paired = differences(scores[["source", "seed", "arm", "score"]], arm, control)
    return mean_interval(paired, stream(0, arm, control, metric), test_per_train=TEST_PER_TRAIN)


def best_control(results: pd.DataFrame) -> str:
    """Return the control with the best mean average precision: known afterwards only, which favours it."""
    means = _arms(results).groupby("arm")[AP].mean()
    return str(means.drop(labels=[*LOOPS, TEACHER], errors="ignore").idxmax())


def curve_of(results: pd.DataFrame, arm: str, metric: str) -> pd.Series:
    """Return the mean score by the mean number of new rows, ascending; 0 = real rows alone."""
    means = results[results["curve"].astype(bool) & (results["arm"] == arm)].groupby("x")[["rows", metric]].mean()
    by_rows: pd.Series = means.set_index("rows")[metric]
    return by_rows


def times_fewer_rows(results: pd.DataFrame, metric: str) -> Reading:
    """Return how many times fewer aimed rows reach the best score that rows made without aim reach.

    Below one: aimed rows need more. A bound where a curve's first point, or none, reaches it.
    """
    aimed, other = (curve_of(results, arm, metric) for arm in (AIMED_CURVE, UNAIMED_CURVE))
    most = other.iloc[1:]
    if not len(most) or most.max() <= other.iloc[0]:
        return Reading(0.0, "about")  # rows without aim bring nothing, so there is nothing to reach
    needed, spent = first_reach(aimed.iloc[1:], float(most.max())), float(most.index[int(most.argmax())])
    turned = {"at least": "at most", "at most": "at least"}  # more rows needed are fewer times
    return Reading(spent / needed.value, turned.get(needed.bound, needed.bound))


def headline(results: pd.DataFrame) -> dict[str, object]:
    """Return the figures of the last line."""
    control, means = best_control(results), _arms(results).groupby("arm")[[AP, RECALL]].mean()
    said: dict[str, object] = {
        "loop": _round(means.loc[DIFFUSION, AP]),
        "best_control": _round(means.loc[control, AP]),
        "best_control_name": control,
        "real_only": _round(means.loc[PLAIN, AP]),
        "rare_recall_loop": _round(means.loc[DIFFUSION, RECALL]),
        "rare_recall_best_control": _round(means.loc[control, RECALL]),
        "rare_recall_real_only": _round(means.loc[PLAIN, RECALL]),
    }
    for name, own in results.groupby("data", sort=False):
        for metric in (AP, RECALL):
            gain = against(own, DIFFUSION, CLASSICAL, metric)
            ends = [_round(each) if np.isfinite(each) else None for each in (gain.low, gain.high)]
            said[f"{name}: {metric} over classical augmentation"] = [_round(gain.estimate), *ends]
    for metric, key in ((AP, "times_fewer_rows"), (RECALL, "times_fewer_rows_recall")):
        read = times_fewer_rows(results, metric)
        said |= {key: round(read.value, 2), f"{key}_bound": read.bound}
    counts = results.groupby("data", sort=False)["seed"].nunique()
    return said | {"splits": {str(name): int(count) for name, count in counts.items()}}


def tables_of(results: pd.DataFrame) -> Iterator[RichTable]:
    """Yield a table of arms and one of curves for each data set."""
    for name, own in results.groupby("data", sort=False):
        arms = _arms(own)
        table = RichTable("arm", "average precision", "rare recall", "Δ AP", "Δ recall", "kept", "seconds")
        table.title = f"{name}, {own['seed'].nunique()} splits; differences from {CLASSICAL}"
        for arm in arms["arm"].unique():
            means = arms[arms["arm"] == arm].mean(numeric_only=True)
            gains = [_told(against(own, str(arm), CLASSICAL, metric)) for metric in (AP, RECALL)]
            kept = "" if np.isnan(means.get("kept", np.nan)) else f"{means['kept']:.1f}"
            table.add_row(str(arm), f"{means[AP]:.4f}", f"{means[RECALL]:.3f}", *gains, kept, f"{means['seconds']:.0f}")
        yield table
        curves = RichTable("rows", "new rows", "average precision", "rare recall", title=f"{name}, diffusion")
        for arm in (AIMED_CURVE, UNAIMED_CURVE):
            ap, recall = (curve_of(own, arm, metric) for metric in (AP, RECALL))
            for count, value, found in zip(ap.index, ap, recall, strict=True):
                curves.add_row(arm, f"{count:.0f}", f"{value:.4f}", f"{found:.3f}")
        yield curves


def _arms(results: pd.DataFrame) -> pd.DataFrame:
    return results[~results["curve"].astype(bool)]


def _told(interval: Interval) -> str:
    """Write a difference, of a single split without an interval."""
    return str(interval) if np.isfinite(interval.low) else f"{interval.estimate:+.3f}"


def _round(value: object) -> float:
    return round(float(value), 4)  # type: ignore[arg-type]
