"""The rare-class suite: the delivered model and the loop's own against the best plain model on nine public tables.

Run as ``python -m experiments.benchmarks.rare_suite``: it is ``weakspot compare experiments/configs/suite.yaml``, ten
splits of each table. The last line is JSON.
"""

import json
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer

from experiments.arms import statistics
from experiments.arms.names import BEST_PLAIN, DELIVERED, LOOP, PLAIN_KINDS, REAL_ONLY
from experiments.benchmarks.options import among, console
from experiments.compare.compare import compare
from experiments.compare.leaderboard import long_form
from experiments.config.reader import load_config
from experiments.config.run_config import CompareConfig
from loop.seeds import stream

PROTOCOL = Path(str(files("experiments"))) / "configs" / "suite.yaml"
TEST_PER_TRAIN = 0.4 / 0.6


def main(
    splits: Annotated[int | None, typer.Option(min=1, help="Splits of each table; default: all of suite.yaml.")] = None,
    tables: Annotated[str | None, typer.Option(help="Names of tables, separated by commas; default: all.")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Cells side by side.")] = 2,
    out: Annotated[Path, typer.Option(help="Folder of cells and results.")] = Path("runs"),
) -> None:
    """Compare all arms on the rare-class suite; print the tables and, last, one line of JSON."""
    config = protocol(splits, tables, out)
    results = compare(config, console(200), jobs)
    print(json.dumps(headline(results, LOOP + config.strategies[0])))


def protocol(splits: int | None, tables: str | None, out: Path) -> CompareConfig:
    """Return the protocol of the suite, with so many splits and the tables named (None: all).

    Raises
    ------
    ConfigError
        If a table is not of the suite, or none is named.
    """
    config = load_config(CompareConfig, PROTOCOL, {"out": str(out)})
    if splits is not None:
        config = config.model_copy(update={"seeds": tuple(range(splits))})
    if tables is not None:
        by_name = {table_name(source.source): source for source in config.sources}
        chosen = tuple(by_name[name] for name in dict.fromkeys(among("--tables", tables, by_name)))
        config = config.model_copy(update={"sources": chosen})
    return config


def table_name(source: str) -> str:
    """Return the name of a table of the suite, from that of its source."""
    return source.removeprefix("suite:")


def headline(results: pd.DataFrame, student: str) -> dict[str, object]:
    """Return the figures of the last line.

    Differences are means over tables of the mean over splits, with a 95 % interval for other tables like these. A
    significant loss is a table on which the delivered model is worse than the best plain one by the t-test corrected
    for overlapping training rows, two-sided at 0.05. A run with harm is a split on which the interval of its difference
    on the test rows is wholly below zero.

    Parameters
    ----------
    results : DataFrame
        One row for each arm, source and seed.
    student : str
        Name of the arm of the loop's own model.
    """
    scores = long_form(results)
    pairs = {
        "delivered_minus_best_plain": (DELIVERED, BEST_PLAIN),
        "student_minus_best_plain": (student, BEST_PLAIN),
        "student_minus_xgboost": (student, REAL_ONLY),
        "best_plain_minus_xgboost": (BEST_PLAIN, REAL_ONLY),
    }
    found: dict[str, object] = {}
    for name, (arm, against) in pairs.items():
        difference = statistics.differences(scores, arm, against)
        interval = statistics.mean_interval(difference, stream(0, name), test_per_train=TEST_PER_TRAIN)
        found |= {
            name: round(interval.estimate, 4),
            f"{name}_interval": [round(interval.low, 4), round(interval.high, 4)],
        }
    kinds = [kind for kind in PLAIN_KINDS if (scores["arm"] == kind).any()]
    gains = {kind: statistics.over_sources(statistics.differences(scores, DELIVERED, kind)).mean() for kind in kinds}
    if gains:  # known only afterwards, so no rule of choice could have had it; yet a reader should know
        hardest = min(gains, key=lambda kind: gains[kind])
        found |= {
            "best_kind_in_hindsight": hardest,
            "delivered_minus_best_in_hindsight": round(float(gains[hardest]), 4),
        }
    lost = significant_losses(scores)
    per_million = results.pivot_table(index=["source", "seed"], columns="arm", values="seconds_per_million")
    best = results.loc[results["arm"] == BEST_PLAIN, "note"].str.split(":").str[0]
    delivered = results[results["arm"] == DELIVERED]
    return found | {
        "significant_losses": lost,
        "runs_with_harm": int((delivered["gain_high"] < 0).sum()),
        "student_scoring_ratio": round(float((per_million[student] / per_million[REAL_ONLY]).median()), 2),
        "delivered_scoring_ratio": round(float((per_million[DELIVERED] / per_million[REAL_ONLY]).median()), 2),
        "best_plain": best.value_counts().to_dict(),
        "delivered": delivered["note"].value_counts().to_dict(),
        "splits": int(results["seed"].nunique()),
        "tables": int(results["source"].nunique()),
    }


def significant_losses(scores: pd.DataFrame) -> list[str]:
    """Return the tables on which the delivered model is significantly worse than the best plain one."""
    difference = statistics.differences(scores, DELIVERED, BEST_PLAIN)
    lost = []
    for source, own in difference.groupby(level="source", sort=False):
        p = statistics.corrected_t(own, TEST_PER_TRAIN) if len(own) > 1 and np.ptp(own) else None
        if p is not None and p <= statistics.ALPHA and own.mean() < 0:
            lost.append(str(source))
    return lost


if __name__ == "__main__":
    from experiments.cli.app import run_command

    run_command(main)
