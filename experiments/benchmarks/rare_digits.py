"""More than two classes: handwritten digits, two of them made rare.

Run as ``python -m experiments.benchmarks.rare_digits``; prints the recall of every digit before and after the loop:
of the most probable class, and at a matched operating point of 1 % false positives for that digit. The last line is
JSON.
"""

import copy
import json
from typing import Annotated

import numpy as np
import typer
from rich.table import Table as RichTable

from experiments.benchmarks.options import console
from experiments.config.strategies import compose
from experiments.data.protocols import rare_digits
from experiments.data.split import Split
from loop.cycle.driver import run_loop
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import per_class_recall, score
from loop.seeds import stream

RARE = (3, 8)


def split_of(seed: int) -> Split:
    """Split the digits at random."""
    return Split.of(rare_digits(seed, digits=RARE), seed)


def main(
    splits: Annotated[int, typer.Option(min=1, help="Splits, seeds 0..N-1.")] = 3,
    lanes: Annotated[int, typer.Option(min=1, help="Lanes; the rare digits have few rows.")] = 3,
) -> None:
    """Compare recall of every digit with and without the loop, on the same test rows."""
    terminal, deltas = console(), []
    recalls: list[list[np.ndarray]] = []  # per split: real only and loop, most probable class and matched
    for seed in range(splits):
        split = split_of(seed)
        train, test = split.train, split.test
        run = run_loop(compose(), train, split.folds(seed, lanes=lanes), stream(seed, "loop"))
        real_only = copy.deepcopy(run.prepared.parts.learner).fit(train, run.prepared.final_stream(kept=False))
        answers = [learner.predict_proba(test.rows) for learner in (real_only, run.outcome.learner)]
        most_probable = [per_class_recall(test.y, proba) for proba in answers]
        recalls.append([*most_probable, *(matched_recall(test.y, proba) for proba in answers)])
        scores = [score("average_precision", JudgeRows.of(test), proba) for proba in answers]
        deltas.append(scores[1] - scores[0])
        terminal.print(f"split {seed}: {run.outcome.verdict.sentence}")
    before, after, matched_before, matched_after = np.nanmean(recalls, axis=0)
    printed = RichTable("digit", "recall, real only", "recall, loop", "at 1 % FPR, real only", "at 1 % FPR, loop")
    for digit in range(10):
        name = f"{digit} (rare)" if digit in RARE else str(digit)
        figures = (before[digit], after[digit], matched_before[digit], matched_after[digit])
        printed.add_row(name, *(f"{figure:.3f}" for figure in figures))
    terminal.print(printed)
    rare = list(RARE)
    headline = {
        "rare_recall_before": before[rare].mean(),
        "rare_recall_after": after[rare].mean(),
        "rare_recall_at_fpr_01_before": matched_before[rare].mean(),
        "rare_recall_at_fpr_01_after": matched_after[rare].mean(),
        "macro_recall_before": before.mean(),
        "macro_recall_after": after.mean(),
        "mean_delta_macro_ap": np.mean(deltas),
    }
    print(json.dumps({name: round(float(figure), 4) for name, figure in headline.items()}))


def matched_recall(y: np.ndarray, proba: np.ndarray) -> np.ndarray:
    """Return the recall of each class (K,) at the threshold that gives 1 % false positives."""
    one_vs_rest = (np.column_stack([1 - stated, stated]) for stated in proba.T)
    judged = (JudgeRows((y == code).astype(int), 1) for code in range(proba.shape[1]))
    return np.array([score("recall_at_fpr_01", *each) for each in zip(judged, one_vs_rest, strict=True)])


if __name__ == "__main__":
    from experiments.cli.app import run_command

    run_command(main)
