"""The command: works what is not yet there, prints the arms side by side and, last, one line of JSON."""

import json
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from rich.table import Table as RichTable
from scipy import stats

from experiments.benchmarks.options import among, console
from experiments.benchmarks.series.cells import (
    ARMS,
    CONTROLS,
    FILLED,
    FITS,
    LANES,
    LOOP,
    LOOPS,
    PLAIN,
    REAL_ONLY,
    SETTINGS,
    accuracy_cell,
    cell,
)
from experiments.benchmarks.series.sets import MADE, PUBLISHED, SETS, UNPUBLISHED, fetched, package
from experiments.storage.result_cache import digest, digest_of, each_cell
from loop.errors import DataError

USUAL = ",".join(name for name in SETS if name != MADE)


def main(
    sets: Annotated[str, typer.Option(help=f"Sets, among {', '.join(SETS)}.")] = USUAL,
    arms: Annotated[str, typer.Option(help="Arms, separated by commas.")] = ",".join(ARMS),
    splits: Annotated[int, typer.Option(min=1, help="Splits of each set, seeds 0..N-1.")] = 5,
    out: Annotated[Path, typer.Option(help="Folder of finished cells.")] = Path("runs/series"),
    home: Annotated[Path, typer.Option(help="Cache of the sets.")] = Path("runs/series/sets"),
    jobs: Annotated[int, typer.Option(min=1, help="Cells side by side.")] = 1,
) -> None:
    """Compare the loop with its alternatives on series, and MiniRocket with its published accuracy."""
    terminal, names = console(), among("--sets", sets, SETS)
    chosen = among("--arms", arms, ARMS)
    try:
        for name in names:
            if name != MADE:
                fetched(name, "TRAIN", home)
    except DataError as error:
        terminal.print(f"{error} The set {MADE!r} is used instead.")
        names = [MADE]
    accuracies = pd.DataFrame(_accuracies(names, splits, out, home, jobs))
    if len(accuracies):
        terminal.print(_accuracy_table(accuracies))
    keys = [(name, seed, arm) for name in names for seed in range(splits) for arm in chosen]
    found = each_cell(
        keys,
        lambda key: cell(*key, home),
        lambda key: out / _work(key[0], key[2]) / f"{key[0]}-{key[1]}-{digest(key[2])}.json",
        jobs=jobs,
        console=terminal,
    )
    results = pd.DataFrame([row for rows in found for row in rows])
    terminal.print(_arms_table(results))
    for of, own in results.groupby("set", sort=False):
        terminal.print(_arms_table(own, str(of)))
    source = {} if names == [MADE] else {"package": package(home).name}
    print(json.dumps({**headline(results, accuracies), **source}))


def headline(results: pd.DataFrame, accuracies: pd.DataFrame) -> dict[str, object]:
    """Return the figures of the last line; the best control is chosen by its test scores, which favours it."""
    precision, recall = (_means(results, figure) for figure in ("average_precision", "rare_recall"))
    controls = [name for name in CONTROLS if name in precision]
    told: dict[str, object] = {
        "loop": precision.get(LOOP),
        "best_control": precision[controls].max() if controls else None,
        "real_only": precision.get(REAL_ONLY),
        "rare_recall_loop": recall.get(LOOP),
        "rare_recall_best_control": recall[controls].max() if controls else None,
        "rare_recall_real_only": recall.get(REAL_ONLY),
        "sets": int(results["set"].nunique()),
        "splits": int(results["seed"].nunique()),
    }
    if len(accuracies):
        own = accuracies[accuracies["head"] == "ridge"].groupby("set")["accuracy"].mean()
        told["accuracy"] = {str(name): round(float(value), 4) for name, value in own.items()}
        told["published_accuracy"] = {name: value for name, value in PUBLISHED.items() if name in own}
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in told.items()}


def gap(results: pd.DataFrame, arm: str, figure: str) -> tuple[float, float]:
    """Return the mean difference of the loop from an arm on the same splits, and half its 95 % interval.

    With several sets, splits of one set are averaged first and the interval is over sets; else it is over splits.
    """
    wide = results.pivot_table(index=["set", "seed"], columns="arm", values=figure)
    if arm not in wide or LOOP not in wide:
        return np.nan, np.nan
    each = (wide[LOOP] - wide[arm]).dropna()
    each = each.groupby("set").mean() if each.index.get_level_values("set").nunique() > 1 else each
    if len(each) < 2:
        return float(each.mean()), np.nan
    return float(each.mean()), float(stats.t.ppf(0.975, len(each) - 1) * stats.sem(each))


def _means(results: pd.DataFrame, figure: str) -> pd.Series:
    """Return the mean of each arm over sets, of the splits that all arms have."""
    wide = results.pivot_table(index=["set", "seed"], columns="arm", values=figure).dropna()
    means: pd.Series = wide.groupby("set").mean().mean().astype(object)
    return means


def _work(name: str, arm: str) -> str:
    """Return a digest of what an arm does on a set."""
    parts = PLAIN.get(arm), FILLED.get(arm), LOOPS.get(arm), SETTINGS, LANES, FITS, SETS[name]
    return digest_of((arm, *parts), MADE)


def _accuracies(names: list[str], splits: int, out: Path, home: Path, jobs: int) -> list[dict[str, object]]:
    """Return the accuracies of MiniRocket on the splits of the archive."""
    if names == [MADE]:
        return []
    keys = [(name, seed) for name in (*PUBLISHED, *UNPUBLISHED) for seed in range(splits)]
    path = partial(_accuracy_path, out / digest_of("accuracy", MADE))
    found = each_cell(keys, lambda key: accuracy_cell(*key, home), path, jobs=jobs, console=console())
    return [row for rows in found for row in rows]


def _accuracy_path(out: Path, key: tuple[str, int]) -> Path:
    return out / f"accuracy-{key[0]}-{key[1]}.json"


def _accuracy_table(accuracies: pd.DataFrame) -> RichTable:
    printed = RichTable("set, split of the archive", "MiniRocket + ridge", "+ logistic", "published", "within 0.02")
    wide = accuracies.pivot_table(index="set", columns="head", values="accuracy", sort=False)
    for name, row in wide.iterrows():
        known = PUBLISHED.get(str(name))
        near = "" if known is None else "yes" if abs(row["ridge"] - known) <= 0.02 else "no"
        printed.add_row(
            str(name),
            f"{row['ridge']:.4f}",
            f"{row['logistic']:.4f}",
            "none" if known is None else f"{known:.4f}",
            near,
        )
    return printed


def _arms_table(results: pd.DataFrame, name: str = "all sets") -> RichTable:
    precision, recall, rest = (_means(results, figure) for figure in ("average_precision", "rare_recall", "seconds"))
    printed = RichTable(name, "average precision", "loop minus this", "rare recall at 1 % FPR", "loop minus this", "s")
    for arm in sorted(precision.index, key=ARMS.index):
        gaps = [gap(results, arm, figure) for figure in ("average_precision", "rare_recall")]
        told = ["" if arm == LOOP else f"{mean:+.4f} ± {half:.4f}" for mean, half in gaps]
        printed.add_row(arm, f"{precision[arm]:.4f}", told[0], f"{recall[arm]:.4f}", told[1], f"{rest[arm]:.0f}")
    return printed
