"""The card-fraud protocol: one week trains, a later week tests.

Run as ``python -m experiments.fraud --start 2018-07-25``; the last line is JSON with the headline figures.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from rich.console import Console
from rich.table import Table as RichTable

from experiments.arms import REAL_ONLY, TARGETED, TEACHER, Arm, arms, run_loop
from experiments.card_fraud import FEATURES, STARTS, TARGET, card_precision_at_100, fraud_weeks
from experiments.compose import compose
from experiments.progress import watching
from loop.bootstrap import paired
from loop.codec import encode
from loop.lanes import deal
from loop.metrics import evaluate
from loop.parts import Settings
from loop.schema import infer
from loop.seeds import stream

METRICS = ("average_precision", "roc_auc", "recall_at_fpr_01", "brier")


def main(
    start: Annotated[str, typer.Option(help=f"First training day, for example {', '.join(STARTS)}.")] = STARTS[0],
    strategy: Annotated[str, typer.Option(help="Name of a strategy.")] = "targeted",
    seed: Annotated[int, typer.Option(min=0)] = 0,
    tuning: Annotated[bool, typer.Option(help="Run the tuned arm, as long as the loop took.")] = True,
) -> None:
    """Run every arm on one week of the card-fraud simulation and print its table and, last, one line of JSON."""
    console = Console(width=None if sys.stdout.isatty() else 160)
    weeks = fraud_weeks(start, Path(os.environ.get("WEAKSPOT_DATA", "../shared/data")))
    columns = [*FEATURES, TARGET]
    schema = infer(weeks.train[columns], TARGET, positive=1)
    train, test = encode(schema, weeks.train[columns]), encode(schema, weeks.test[columns])
    folds = deal(train, stream(seed, "folds"), groups=weeks.train["CUSTOMER_ID"].to_numpy())
    parts = compose(strategy, settings=Settings())
    with watching(console, parts.settings.generations) as watch:
        run = run_loop(parts, train, folds, stream(seed, "loop"), [watch])
    answers: dict[str, np.ndarray] = {}
    rows = []
    for arm in arms(run, folds, stream(seed, "arms"), tuning=tuning):
        started = time.perf_counter()
        answers[arm.name] = arm.predictor.predict_proba(test.X)
        per_million = (time.perf_counter() - started) * 1e6 / len(test)
        rows.append(_row(arm, answers[arm.name], test.y, weeks.test, per_million))
    table = pd.DataFrame(rows).set_index("arm")
    _show(console, table)
    console.print(run.outcome.verdict.sentence)
    cheap = [name for name in answers if name not in (TARGETED, TEACHER)]
    ap, cp100 = table["average_precision"].to_dict(), table["cp100"].to_dict()
    best = max(cheap, key=lambda name: ap[name])
    difference = paired("average_precision", test.y, answers[best], answers[TARGETED], 1, stream(seed, "test"))
    console.print(f"targeted against the best cheap arm ({best}) on the test week: {difference.difference}")
    print(
        json.dumps(
            {
                "start": start,
                "ap_loop": round(ap[TARGETED], 4),
                "ap_real_only": round(ap[REAL_ONLY], 4),
                "cp100_loop": round(cp100[TARGETED], 4),
                "cp100_real_only": round(cp100[REAL_ONLY], 4),
                "ap_teacher": round(ap[TEACHER], 4),
                "ap_best_cheap_arm": round(ap[best], 4),
                "best_cheap_arm": best,
            }
        )
    )


def _row(arm: Arm, proba: np.ndarray, y: np.ndarray, test: pd.DataFrame, per_million: float) -> dict[str, object]:
    return {
        "arm": arm.name,
        **evaluate(METRICS, y, proba, 1),
        "cp100": card_precision_at_100(test, proba[:, 1]),
        "seconds_fit": arm.seconds_fit,
        "seconds_per_million": per_million,
        "note": arm.note,
    }


def _show(console: Console, table: pd.DataFrame) -> None:
    printed = RichTable("arm", *METRICS, "card precision@100", "s to fit", "s per million rows", "note")
    for name, row in table.iterrows():
        scores = (f"{row[metric]:.4f}" for metric in (*METRICS, "cp100"))
        printed.add_row(
            str(name), *scores, f"{row['seconds_fit']:.1f}", f"{row['seconds_per_million']:.1f}", str(row["note"])
        )
    console.print(printed)


if __name__ == "__main__":
    from experiments.cli import run_command

    run_command(main)
