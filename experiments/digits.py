"""More than two classes: handwritten digits, two of them made rare.

Run as ``python -m experiments.digits``; prints recall of every digit before and after. The last line is JSON.
"""

import json
import sys
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table as RichTable

from experiments.arms import run_loop
from experiments.compose import compose
from experiments.datasets import rare_digits
from loop.codec import encode
from loop.lanes import deal
from loop.metrics import per_class_recall, score
from loop.schema import infer
from loop.seeds import stream
from loop.split import train_test
from loop.types import Table

RARE = (3, 8)


def main(
    splits: Annotated[int, typer.Option(min=1, help="Splits, seeds 0..N-1.")] = 3,
    lanes: Annotated[int, typer.Option(min=1, help="Lanes; the rare digits have few rows.")] = 3,
) -> None:
    """Compare recall of every digit with and without the loop, on the same test rows."""
    console, before, after, deltas = Console(width=None if sys.stdout.isatty() else 120), [], [], []
    for split in range(splits):
        data = rare_digits(split, digits=RARE)
        table = encode(infer(data.frame, "target"), data.frame)
        train_rows, test_rows = train_test(table, stream(split, "split"), test_size=0.4)
        train = table.take(train_rows)
        train, test = Table.real(train.X, train.y, train.schema), table.take(test_rows)
        run = run_loop(compose(), train, deal(train, stream(split, "folds"), k=lanes), stream(split, "loop"))
        real_only = run.prepared.parts.learner.fit(train, stream(split, "real only"))
        answers = [learner.predict_proba(test.X) for learner in (real_only, run.outcome.learner)]
        before.append(per_class_recall(test.y, answers[0]))
        after.append(per_class_recall(test.y, answers[1]))
        scores = [score("average_precision", test.y, proba, test.schema.positive) for proba in answers]
        deltas.append(scores[1] - scores[0])
        console.print(f"split {split}: {run.outcome.verdict.sentence}")
    printed = RichTable("digit", "recall, real only", "recall, loop", "difference")
    old, new = np.nanmean(before, axis=0), np.nanmean(after, axis=0)
    for digit in range(10):
        name = f"{digit} (rare)" if digit in RARE else str(digit)
        printed.add_row(name, f"{old[digit]:.3f}", f"{new[digit]:.3f}", f"{new[digit] - old[digit]:+.3f}")
    console.print(printed)
    rare = list(RARE)
    print(
        json.dumps(
            {
                "rare_recall_before": round(float(old[rare].mean()), 4),
                "rare_recall_after": round(float(new[rare].mean()), 4),
                "macro_recall_before": round(float(old.mean()), 4),
                "macro_recall_after": round(float(new.mean()), 4),
                "mean_delta_macro_ap": round(float(np.mean(deltas)), 4),
            }
        )
    )


if __name__ == "__main__":
    from experiments.cli import run_command

    run_command(main)
