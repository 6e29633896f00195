"""Figures read off the curves of labels: how many are enough, and which way of asking is the default."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from rich.table import Table as RichTable

from experiments.benchmarks.labels.cells import RANDOM

ENOUGH = 0.95  # of the score with all labels
GRID = np.geomspace(0.01, 1.0, 200)  # shares of the labels at which curves are read
SHOWN = (0.05, 0.1, 0.2, 0.3, 0.5)
DEFAULT = "doubt"  # chosen on `CHOOSING`, see the docs
CHOOSING = ("kc1", "oil_spill", "phoneme", "us_crime")  # tables on which the default was chosen; the others judge it


def curves(results: pd.DataFrame) -> pd.DataFrame:
    """Average the scores over splits at common shares of the labels.

    Parameters
    ----------
    results : DataFrame
        With the columns ``learner, table, split, arm, x, average_precision``.

    Returns
    -------
    DataFrame
        One column for each share of `GRID`, indexed by learner, table and arm. A curve is flat before its first and
        after its last point.
    """
    by_cell = results.sort_values("x").groupby(["learner", "table", "arm", "split"])[["x", "average_precision"]]
    read = by_cell.apply(
        lambda points: pd.Series(np.interp(GRID, points["x"], points["average_precision"]), index=GRID)
    )
    return pd.DataFrame(read).groupby(["learner", "table", "arm"]).mean()


def full_score(results: pd.DataFrame) -> "pd.Series[float]":
    """Return the mean score with all labels, indexed by learner and table."""
    whole = results[(results["arm"] == RANDOM) & (results["x"] == 1.0)]
    return whole.groupby(["learner", "table"])["average_precision"].mean()


def share_needed(curve: "pd.Series[float]", full: float, level: float = ENOUGH) -> float:
    """Return the smallest share of the labels with which a curve has ``level`` of the full score; 1 = all of them."""
    reached = np.flatnonzero(curve.to_numpy() >= level * full)
    return float(GRID[reached[0]]) if len(reached) else 1.0


def needed(results: pd.DataFrame) -> pd.DataFrame:
    """Return the share of the labels that each way of asking needs, one row for each learner and table."""
    read, full = curves(results), full_score(results)
    levels = [full[(learner, table)] for learner, table, _ in read.index]
    shares = [share_needed(read.iloc[row], level) for row, level in enumerate(levels)]
    return pd.Series(shares, index=read.index).unstack("arm")


def headline(results: pd.DataFrame, learner: str, arm: str = DEFAULT) -> Mapping[str, object]:
    """Return the figures of the last line, of one learner and one way of asking.

    Tables that are worse than random need more labels than at random for the same share of the full score.
    """
    own = results[results["learner"] == learner]
    shares, read = needed(own), curves(own)

    worse = [str(table) for _, table in shares.index[(shares[arm] > shares[RANDOM]).to_numpy()]]
    return {
        "median_share_for_95": round(float(shares[arm].median()), 3),
        "worst_share_for_95": round(float(shares[arm].max()), 3),
        "median_share_random": round(float(shares[RANDOM].median()), 3),
        "ap_asked_10": round(mean_at(read, arm, 0.1), 4),
        "ap_random_25": round(mean_at(read, RANDOM, 0.25), 4),
        "ap_full": round(float(full_score(own).mean()), 4),
        "tables_worse_than_random": worse,
        "learner": learner,
        "asking": arm,
    }


def mean_at(read: pd.DataFrame, arm: str, share: float) -> float:
    """Return the mean score over tables of one way of asking, read off `curves` at a share of the labels."""
    at = read.xs(arm, level="arm")
    return float(at[GRID[np.abs(GRID - share).argmin()]].mean())


def tables_of(results: pd.DataFrame) -> Sequence[RichTable]:
    """Return the tables to print: the share needed by table, and mean scores by share."""
    shares, read = needed(results), curves(results)
    made = []
    for learner in dict.fromkeys(results["learner"]):
        own = shares.loc[learner]
        table = RichTable("table", *own.columns, title=f"{learner}: share of the labels for 95 % of the full score")
        for name, row in own.iterrows():
            table.add_row(str(name), *(f"{share:.3f}" for share in row))
        for title, rows in (("median", own), *_halves(own)):
            table.add_row(title, *(f"{share:.3f}" for share in rows.median()), style="bold")
        scores = RichTable("asking", *(f"{share:.0%}" for share in SHOWN), title=f"{learner}: mean average precision")
        for arm, rows in read.loc[learner].groupby("arm"):
            at = [GRID[np.abs(GRID - share).argmin()] for share in SHOWN]
            scores.add_row(str(arm), *(f"{rows[share].mean():.3f}" for share in at))
        made += [table, scores]
    return made


def _halves(shares: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    chosen = shares.index.isin(CHOOSING)
    halves = [("median, choosing half", shares[chosen]), ("median, judging half", shares[~chosen])]
    return [(title, rows) for title, rows in halves if len(rows)]
