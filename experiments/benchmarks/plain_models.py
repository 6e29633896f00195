"""Scores of plain models on real rows alone, on the splits of the rare-class suite or of card fraud.

Run as ``python -m experiments.benchmarks.plain_models``, or with ``--fraud`` on four weeks of card fraud; the last line
is JSON. Splits and seeds are those of ``python -m experiments.benchmarks.rare_suite``, so the figures can be compared.
"""

import copy
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from rich.table import Table as RichTable
from scipy import stats

from experiments.benchmarks.options import console
from experiments.data.card_fraud import STARTS
from experiments.data.protocols import fraud_split, suite_split
from experiments.data.sources import rare_suite
from experiments.storage.result_cache import Records, digest_of, each_cell
from learners import ExtraTrees, Forest, XGBoost
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import score
from loop.protocols import Learner, Predictor
from loop.rows import Rows
from loop.seeds import stream

BASE = "XGBoost"
KINDS: Mapping[str, Learner] = {
    BASE: XGBoost(),
    "XGBoost, 80 % of rows and columns": XGBoost(row_share=0.8, column_share=0.8),
    "extra trees": ExtraTrees(),
    "extra trees, max_features=0.5, min_leaf=2": ExtraTrees(max_features=0.5, min_leaf=2),
    "random forest, max_features=0.5, min_leaf=2": Forest(max_features=0.5, min_leaf=2),
}
AVERAGED = ("XGBoost, 80 % of rows and columns", "extra trees, max_features=0.5, min_leaf=2")
FRAUD = "fraud_handbook"
MEAN = "mean of the second and the fourth"


@dataclass(frozen=True, eq=False)
class Mean:
    """The mean of several models' probabilities."""

    models: tuple[Predictor, ...]

    def predict_proba(self, rows: Rows) -> np.ndarray:
        """Return probabilities of shape (n, K)."""
        mean: np.ndarray = np.mean([model.predict_proba(rows) for model in self.models], axis=0)
        return mean


def cell(table: str, split: str) -> Records:
    """Fit every kind of model on one split; return one row for each."""
    sides = fraud_split(split) if table == FRAUD else suite_split(table, int(split))
    rows, fitted = Records(), dict[str, Predictor]()
    train, test = sides.train, sides.test
    for kind, learner in KINDS.items():
        started = time.perf_counter()
        fitted[kind] = copy.deepcopy(learner).fit(train, stream(0, split, kind))
        rows.append({"kind": kind, "seconds_fit": time.perf_counter() - started})
    fitted[MEAN] = Mean(tuple(fitted[kind] for kind in AVERAGED))
    rows.append({"kind": MEAN, "seconds_fit": sum(row["seconds_fit"] for row in rows if row["kind"] in AVERAGED)})
    return [
        {"table": table, "split": split, **row}
        | {
            "average_precision": score(
                "average_precision", JudgeRows.of(test), fitted[row["kind"]].predict_proba(test.rows)
            )
        }
        for row in rows
    ]


def summary(results: pd.DataFrame) -> pd.DataFrame:
    """Sum up by kind: mean score, mean difference from XGBoost with a 95 % interval, tables better, seconds to fit."""
    wide = results.pivot_table(index=["table", "split"], columns="kind", values="average_precision", sort=False)
    rows = []
    for kind in wide:
        gaps = wide[kind] - wide[BASE]
        over = gaps.groupby("table").mean() if gaps.index.get_level_values("table").nunique() > 1 else gaps
        half = stats.t.ppf(0.975, len(over) - 1) * stats.sem(over) if len(over) > 1 and kind != BASE else np.nan
        rows.append(
            {"kind": kind, "average_precision": wide[kind].mean(), "difference": over.mean(), "half_width": half}
            | {"better": int((over > 0).sum()), "of": len(over)}
            | {"seconds_fit": results.loc[results["kind"] == kind, "seconds_fit"].median()}
        )
    return pd.DataFrame(rows).set_index("kind")


def main(
    fraud: Annotated[bool, typer.Option(help="Weeks of card fraud instead of the suite.")] = False,
    splits: Annotated[int, typer.Option(min=1, help="Splits of each table, seeds 0..N-1.")] = 5,
    out: Annotated[Path, typer.Option(help="Folder of finished cells.")] = Path("runs/plain"),
    jobs: Annotated[int, typer.Option(min=1, help="Cells side by side.")] = 2,
) -> None:
    """Fit plain models on real rows alone; print their scores and, last, one line of JSON."""
    terminal = console()
    keys = [(table, str(seed)) for table in rare_suite() for seed in range(splits)]
    if fraud:
        keys = [(FRAUD, start) for start in STARTS]

    def path_of(key: tuple[str, str]) -> Path:
        return out / digest_of(KINDS, f"suite:{key[0]}") / f"{'-'.join(key)}.json"

    found = each_cell(keys, lambda key: cell(*key), path_of, jobs=jobs, console=terminal)
    told = summary(pd.DataFrame([row for rows in found for row in rows]))
    printed = RichTable("plain model, real rows alone", "average precision", "Δ to XGBoost", "better on", "s to fit")
    for kind, row in told.iterrows():
        gap = f"{row['difference']:+.3f} ± {row['half_width']:.3f}" if kind != BASE else ""
        better = f"{row['better']:.0f} of {row['of']:.0f}" if kind != BASE else ""
        printed.add_row(str(kind), f"{row['average_precision']:.4f}", gap, better, f"{row['seconds_fit']:.1f}")
    terminal.print(printed)
    print(json.dumps({str(kind): round(float(gap), 4) for kind, gap in told["difference"].items()}))


if __name__ == "__main__":
    from experiments.cli.app import run_command

    run_command(main)
