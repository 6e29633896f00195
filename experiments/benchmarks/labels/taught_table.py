"""Figures of taught rows: mean scores over tables, and differences to the bought labels alone over cells."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from rich.table import Table as RichTable

from experiments.benchmarks.labels.taught import BOUGHT, GENERATED, POOL

KEYS = {BOUGHT: "bought", GENERATED: "generated", POOL: "pool"}


def figures(results: pd.DataFrame) -> Mapping[str, Mapping[str, float | None]]:
    """Return by share, such as ``taught_5``, the score of each arm and its gain over the bought labels alone.

    Parameters
    ----------
    results : DataFrame
        With the columns ``table, split, share, arm, x, average_precision``.

    Returns
    -------
    mapping of str to mapping
        Scores are means over tables of means over splits. A gain is a mean over cells, with its standard error (None
        of a single cell).
    """
    found = {}
    for share, rows in results.groupby("share"):
        cells = rows.pivot_table(index=["table", "split"], columns="arm", values="average_precision")
        tables = cells.groupby("table").mean().mean()
        told: dict[str, float | None] = {KEYS[str(arm)]: _rounded(ap) for arm, ap in tables.items()}
        for arm in (GENERATED, POOL):
            gain = cells[arm] - cells[BOUGHT]
            told[f"{KEYS[arm]}_gain"] = _rounded(gain.mean())
            told[f"{KEYS[arm]}_se"] = _rounded(gain.std(ddof=1) / np.sqrt(len(gain))) if len(gain) > 1 else None
        told |= {"labels": _rounded(rows["x"].mean()), "cells": len(cells)}
        found[f"taught_{round(100 * float(str(share)))}"] = told
    return found


def table_of(results: pd.DataFrame) -> RichTable:
    """Return the table to print."""
    table = RichTable(
        "labels asked for", "labels known", *KEYS, title="average precision, and gain over bought labels alone"
    )
    for key, told in figures(results).items():
        shown = [f"{told[KEYS[BOUGHT]]:.3f}"]
        for name in (KEYS[GENERATED], KEYS[POOL]):
            error = told[f"{name}_se"]
            shown.append(f"{told[name]:.3f} ({told[f'{name}_gain']:+.3f}{'' if error is None else f' ± {error:.3f}'})")
        table.add_row(f"{key.removeprefix('taught_')} %", f"{told['labels']:.1%}", *shown)
    return table


def _rounded(value: float) -> float:
    return round(float(value), 4)
