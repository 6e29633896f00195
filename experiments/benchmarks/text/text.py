"""Topics of short texts, one of them rare: tf-idf and its usual remedies, word vectors, and the loop with made texts.

Run as ``python -m experiments.benchmarks.text``; the last line is JSON. No language model is measured: a server on this
machine stands for one. It either writes a Markov chain of the examples it is shown, and so knows nothing more, or hands
out real texts of the topic that were held back, which bounds what a good model could bring.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from rich.console import Console
from rich.table import Table as RichTable

from experiments.arms import statistics
from experiments.benchmarks.options import among, console, listed
from experiments.benchmarks.text.arms import BOUND, CONTROLS, LANES, LOOP, REAL, SERVER, SETTINGS, Cell, arms
from experiments.benchmarks.text.corpus import COMMON, MOST_RARE, RARE, RARE_TEST, TEST, TRAIN, split_of, topics
from experiments.storage.result_cache import Records, digest, each_cell
from loop.errors import ConfigError
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import score
from loop.seeds import stream
from loop.support.timing import Clock
from loop.types import Interval

FIGURES = {"macro": "average precision, mean of topics", "rare": "of the rare topic", "recall": "its recall at 1 % FPR"}


@dataclass(frozen=True)
class Key:
    """One split: a rare topic, its training rows, a seed."""

    topic: str
    rows: int
    seed: int
    corpus: str
    unaimed: bool = False  # whether the loop runs without aim, too

    def path(self, out: Path) -> Path:
        """Return the file of its figures; the name depends on all that they depend on."""
        told = digest([list(arms(unaimed=self.unaimed)), repr(SETTINGS), LANES, list(COMMON)])
        return out / f"{self.topic}-{self.rows}-{self.seed}-{told}.json"


def work(key: Key) -> Records:
    """Fit all arms on one split; return the figures of each on the same test rows."""
    split, held_back = split_of(topics(Path(key.corpus)), key.topic, key.rows, key.seed)
    cell, records = Cell(split, key.topic, held_back, key.seed), Records()
    for name, arm in arms(unaimed=key.unaimed).items():
        clock = Clock()
        with clock.stage("fit"):
            learner, note = arm(cell)
        found = figures(split.test.y, learner.predict_proba(split.test.rows), split.schema.positive)
        records.append(
            {"arm": name, "topic": key.topic, "rows": key.rows, "seed": key.seed, "note": note}
            | found
            | {"seconds": round(clock.seconds["fit"], 2)}
        )
    return records


def figures(y: np.ndarray, proba: np.ndarray, rare: int) -> dict[str, float]:
    """Return average precision over topics and of the rare one, and the recall of that at 1 % false positives."""
    own = proba[:, rare]
    against_rest = JudgeRows((y == rare).astype(np.int64), 1), np.column_stack([1 - own, own])
    return {
        "macro": score("average_precision", JudgeRows(y, rare), proba),
        "rare": score("average_precision", *against_rest),
        "recall": score("recall_at_fpr_01", *against_rest),
    }


def main(
    topic: Annotated[str, typer.Option(help=f"Rare topics, by commas, of {', '.join(RARE)}.")] = RARE[0],
    rows: Annotated[str, typer.Option(help="Training rows of the rare topic, by commas.")] = "20,50,200",
    seeds: Annotated[int, typer.Option(min=1, help="Splits, seeds 0..N-1.")] = 5,
    out: Annotated[Path, typer.Option(help="Folder of finished cells.")] = Path("runs/text"),
    corpus: Annotated[Path, typer.Option(help="Folder of the corpus, fetched if it is not there.")] = Path(
        "runs/fortunes"
    ),
    unaimed: Annotated[bool, typer.Option(help="Run the loop without aim, too.")] = False,
    jobs: Annotated[int, typer.Option(min=1, help="Cells side by side.")] = 1,
) -> None:
    """Compare all arms on the same splits; print tables and, last, one line of JSON."""
    terminal, counts = console(), _counts(rows)
    topics(corpus)  # fetched before workers need it
    chosen = among("topic", topic, RARE)
    keys = [
        Key(name, count, seed, str(corpus), unaimed) for count in counts for seed in range(seeds) for name in chosen
    ]
    cells = each_cell(keys, work, lambda key: key.path(out), jobs=jobs, console=terminal)
    results = pd.DataFrame([record for records in cells for record in records])
    for count in counts:
        show(results[results["rows"] == count], count, terminal)
    terminal.print(
        f"{len(COMMON)} common topics of {TRAIN} training and {TEST} test texts each, {RARE_TEST} test texts of the "
        f"rare one; {seeds} splits. No language model was measured: '{SERVER}' and '{BOUND}' went through a server on "
        "this machine."
    )
    print(json.dumps(headline(results)))


def show(results: pd.DataFrame, count: int, terminal: Console) -> None:
    """Print the arms for one number of rows, each with its difference to the real rows alone."""
    printed = RichTable(f"{count} rows of the rare topic", *FIGURES.values(), "minus real rows alone", "seconds")
    for arm, own in results.groupby("arm", sort=False):
        means = [f"{own[name].mean():.3f}" for name in FIGURES]
        told = "" if arm == REAL else str(interval(results, str(arm), REAL, "macro"))
        printed.add_row(str(arm), *means, told, f"{own['seconds'].median():.1f}")
    terminal.print(printed)


def interval(results: pd.DataFrame, arm: str, against: str, figure: str) -> Interval:
    """Return the mean paired difference of two arms, for other splits; with several topics for other topics, too."""
    scores = results.assign(source=results["topic"], seed=results["seed"] * 10_000 + results["rows"])
    scores = scores[["source", "seed", "arm"]].assign(score=results[figure])
    difference = statistics.differences(scores, arm, against)
    per_train = (len(COMMON) * TEST + RARE_TEST) / (len(COMMON) * TRAIN + results["rows"].mean())
    return statistics.mean_interval(difference, stream(0, arm, against), test_per_train=per_train)


def headline(results: pd.DataFrame) -> dict[str, object]:
    """Return the figures of the last line: means over all cells; the best control is known only afterwards."""
    means = results.groupby("arm", sort=False)[list(FIGURES)].mean()
    best = str(means.loc[[arm for arm in CONTROLS if arm in means.index], "macro"].idxmax())
    over = interval(results, LOOP, best, "macro")
    found: dict[str, object] = {
        "loop": _rounded(means.loc[LOOP, "macro"]),
        "best_control": _rounded(means.loc[best, "macro"]),
        "real_only": _rounded(means.loc[REAL, "macro"]),
        "rare_recall_loop": _rounded(means.loc[LOOP, "recall"]),
        "rare_recall_best_control": _rounded(means.loc[best, "recall"]),
        "best_control_is": best,
        "loop_minus_best_control": [_rounded(each) for each in (over.estimate, over.low, over.high)],
        "loop_through_server": _rounded(means.loc[SERVER, "macro"]),
        "bound_with_held_back_texts": _rounded(means.loc[BOUND, "macro"]),
        "rare_recall_bound": _rounded(means.loc[BOUND, "recall"]),
        "language_model_measured": False,
        "cells": len(results) // results["arm"].nunique(),
    }
    for count, own in results.groupby("rows"):
        of_loop, of_bound = (interval(own, arm, REAL, "macro") for arm in (LOOP, BOUND))
        found[f"loop_minus_real_{count}"] = [_rounded(each) for each in (of_loop.estimate, of_loop.low, of_loop.high)]
        found[f"bound_minus_real_{count}"] = [
            _rounded(each) for each in (of_bound.estimate, of_bound.low, of_bound.high)
        ]
    return found


def _rounded(value: object) -> float | None:
    number = float(value)  # type: ignore[arg-type]
    return round(number, 4) if np.isfinite(number) else None


def _counts(rows: str) -> Sequence[int]:
    told = listed(rows)
    counts = [int(each) for each in told if each.isascii() and each.isdigit() and 5 <= int(each) <= MOST_RARE]
    if not told or len(counts) < len(told):
        raise ConfigError(
            f"rows must be whole numbers from 5 to {MOST_RARE}, by commas, got {rows[:60]!r}: correct them."
        )
    return list(dict.fromkeys(counts))
