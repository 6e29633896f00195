"""The card-fraud protocol: one week trains, a later week tests.

Run as ``python -m experiments.benchmarks.card_fraud --start 2018-07-25``; the last line is JSON with the headline
figures. Several starts are separated by commas and summed up by their means. ``--tuned FILE`` adds the loop with the
settings that a search has found.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import pandas as pd
import typer
from rich.console import Console
from rich.table import Table as RichTable

from experiments.arms.arms import Arm, arms
from experiments.arms.names import REAL_ONLY, TARGETED, TEACHER, TUNED
from experiments.arms.scoring import proves
from experiments.benchmarks.options import console, listed
from experiments.config.reader import load_config
from experiments.config.run_config import RunConfig
from experiments.config.strategies import compose
from experiments.data.card_fraud import (
    FEATURES,
    KNOWN_IN_PRINT,
    STARTS,
    TARGET,
    FraudWeeks,
    card_precision_at_100,
    encoded,
    split_weeks,
    transactions,
)
from experiments.data.sources import data_folder
from experiments.report.progress import watching
from experiments.run.inputs import parts_of
from learners import SklearnAdapter
from loop.cycle.driver import run_loop
from loop.cycle.parts import Parts, Settings
from loop.data.encoding import encode
from loop.errors import ConfigError
from loop.evaluation.bootstrap import paired
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import evaluate, score
from loop.seeds import stream
from loop.types import Table

METRICS = ("average_precision", "roc_auc", "recall_at_fpr_01", "brier")
PUBLISHED = "as published"  # scores on the test rows that the handbook's own code selects
BAGGING, TUNED_LOOP = "balanced bagging", "the loop, tuned"
BAGS = 100  # trees of balanced bagging
NO_CHEAP_ARM = (TARGETED, TEACHER, TUNED_LOOP)


class Week(NamedTuple):
    """Training and test week of one start, encoded."""

    weeks: FraudWeeks
    published: pd.DataFrame  # the test week if a compromised card becomes known a day later
    published_test: Table
    train: Table
    test: Table
    folds: np.ndarray  # (n,) lane ids of the training rows; rows of one customer share a lane

    @classmethod
    def of(cls, payments: pd.DataFrame, start: str, seed: int) -> "Week":
        """Select and encode the training and test week for a first training day."""
        weeks = split_weeks(payments, start)
        split = encoded(weeks)
        published = split_weeks(payments, start, known_after=KNOWN_IN_PRINT).test
        published_test = encode(split.schema, published[[*FEATURES, TARGET]])
        return cls(weeks, published, published_test, split.train, split.test, split.folds(seed))


def main(
    start: Annotated[str, typer.Option(help=f"First training days, of {', '.join(STARTS)} for example.")] = STARTS[0],
    strategy: Annotated[str, typer.Option(help="Name of a strategy.")] = "targeted",
    seed: Annotated[int, typer.Option(min=0)] = 0,
    tuning: Annotated[bool, typer.Option(help="Run the tuned arm, as long as the loop took.")] = True,
    tuned: Annotated[Path | None, typer.Option(help="Configuration that weakspot tune wrote: one more arm.")] = None,
) -> None:
    """Run every arm on weeks of the card-fraud simulation and print their tables and, last, one line of JSON."""
    terminal, starts = console(), listed(start)
    if not starts:
        raise ConfigError(f"--start must name a day, got {start!r}: give {STARTS[0]}, for example.")
    parts = compose(strategy, settings=Settings())
    config, tables = None if tuned is None else load_config(RunConfig, tuned), []
    payments = transactions(data_folder())
    for day in starts:
        week = Week.of(payments, day, seed)
        other = None if config is None else parts_of(config, week.train)
        tables.append(_one_start(week, parts, other, tuning, seed, terminal))
    mean = pd.concat(tables).groupby(level="arm", sort=False).mean(numeric_only=True)
    if len(tables) > 1:
        terminal.print(f"Means over {len(tables)} starts")
        _show(terminal, mean.assign(note=""))
    print(json.dumps(headline(start, mean)))


def headline(start: str, table: pd.DataFrame) -> dict[str, object]:
    """Return the figures of the last line, from scores by arm."""
    ap, cp100 = table["average_precision"].to_dict(), table["cp100"].to_dict()
    printed = {f"{name}_published": table[f"{name} {PUBLISHED}"].to_dict() for name in ("ap", "cp100")}
    best = max((name for name in ap if name not in NO_CHEAP_ARM), key=lambda name: ap[name])
    named = {
        "loop": TARGETED,
        "real_only": REAL_ONLY,
        "tuned_loop": TUNED_LOOP,
        "tuned_xgboost": TUNED,
        "balanced_bagging": BAGGING,
        "smote": "SMOTE",
        "teacher": TEACHER,
    }
    figures = {
        f"{metric}_{short}": round(values[arm], 4)
        for short, arm in named.items()
        for metric, values in (("ap", ap), ("cp100", cp100), *printed.items())
        if arm in values
    }
    return {"start": start, **figures, "ap_best_cheap_arm": round(ap[best], 4), "best_cheap_arm": best}


def _one_start(
    week: Week, parts: Parts, other: Parts | None, tuning: bool, seed: int, console: Console
) -> pd.DataFrame:
    """Run every arm on one start; print and return their scores by arm."""
    answers: dict[str, np.ndarray] = {}
    rows = []
    for arm in _contestants(week, parts, other, tuning, seed, console):
        started = time.perf_counter()
        answers[arm.name] = arm.predictor.predict_proba(week.test.rows)
        per_million = (time.perf_counter() - started) * 1e6 / len(week.test)
        rows.append(_row(arm, answers[arm.name], week, per_million))
    table = pd.DataFrame(rows).set_index("arm")
    _show(console, table)
    ap = table["average_precision"].to_dict()
    best = max((name for name in answers if name not in NO_CHEAP_ARM), key=lambda name: ap[name])
    tested, rng = JudgeRows.of(week.test), stream(seed, "test")
    difference = paired("average_precision", tested, answers[best], answers[TARGETED], rng).difference
    word = "proven" if proves(difference, tested) else "not proven"
    console.print(
        f"targeted against the best cheap arm ({best}) on the test week: {difference}, {word}; cards are the evidence",
        soft_wrap=True,
    )
    return table


def _contestants(
    week: Week, parts: Parts, other: Parts | None, tuning: bool, seed: int, console: Console
) -> Iterator[Arm]:
    """Run the loop and yield all arms; those that only this protocol has come last."""
    with watching(console, parts.settings.generations) as watch:
        run = run_loop(parts, week.train, week.folds, stream(seed, "loop"), [watch])
    console.print(run.outcome.verdict.sentence, soft_wrap=True)
    yield from arms(run, week.folds, stream(seed, "arms"), tuning=tuning)
    started = time.perf_counter()
    yield Arm(BAGGING, bagged(week.train, seed), time.perf_counter() - started, f"{BAGS} trees")
    if other is not None:
        second = run_loop(other, week.train, week.folds, stream(seed, "loop"))
        yield Arm(TUNED_LOOP, second.outcome.learner, second.seconds, f"{len(second.outcome.synthetic)} new rows")


def bagged(table: Table, seed: int) -> SklearnAdapter:
    """Fit trees on bags with as many legitimate payments as frauds, as in chapter 6 of the handbook."""
    from imblearn.ensemble import BalancedBaggingClassifier

    return SklearnAdapter(BalancedBaggingClassifier(n_estimators=BAGS)).fit(table, stream(seed, BAGGING))


def _row(arm: Arm, proba: np.ndarray, week: Week, per_million: float) -> dict[str, object]:
    return {
        "arm": arm.name,
        **evaluate(METRICS, JudgeRows.of(week.test), proba),
        "cp100": card_precision_at_100(week.weeks.test, proba[:, 1]),
        **_as_published(arm, week),
        "seconds_fit": arm.seconds_fit,
        "seconds_per_million": per_million,
        "note": arm.note,
    }


def _as_published(arm: Arm, week: Week) -> dict[str, float]:
    """Score an arm on the test rows of the published figures."""
    test = week.published_test
    proba = arm.predictor.predict_proba(test.rows)
    return {
        f"ap {PUBLISHED}": score("average_precision", JudgeRows.of(test), proba),
        f"cp100 {PUBLISHED}": card_precision_at_100(week.published, proba[:, 1]),
    }


def _show(console: Console, table: pd.DataFrame) -> None:
    printed = RichTable(
        *("arm", *METRICS, "card precision@100", f"ap {PUBLISHED}", f"cp100 {PUBLISHED}"),
        *("s to fit", "s per million rows", "note"),
    )
    for name, row in table.iterrows():
        scores = (f"{row[each]:.4f}" for each in (*METRICS, "cp100", f"ap {PUBLISHED}", f"cp100 {PUBLISHED}"))
        printed.add_row(
            str(name), *scores, f"{row['seconds_fit']:.1f}", f"{row['seconds_per_million']:.1f}", str(row["note"])
        )
    console.print(printed)


if __name__ == "__main__":
    from experiments.cli.app import run_command

    run_command(main)
