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

from experiments.arms.arm import Arm
from experiments.arms.arms import arms
from experiments.arms.delivery import decide_for
from experiments.arms.names import BEST_PLAIN, DELIVERED, REAL_ONLY, TARGETED, TEACHER, TUNED
from experiments.arms.scoring import Scored, gain_over, score_arms
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
from loop.cycle.driver import LoopRun, run_loop
from loop.cycle.parts import Parts, Settings
from loop.data.encoding import encode
from loop.errors import ConfigError
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import score
from loop.seeds import stream
from loop.types import Table

METRICS = ("average_precision", "roc_auc", "recall_at_fpr_01", "brier")
PUBLISHED = "as published"  # scores on the test rows that the handbook's own code selects
BAGGING, TUNED_LOOP = "balanced bagging", "the loop, tuned"
BAGS = 100  # trees of balanced bagging


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
    control: Annotated[bool, typer.Option(help="Run the loop without its aim, which takes as long.")] = True,
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
        tables.append(_one_start(week, parts, other, seed, terminal, tuning=tuning, control=control))
    mean = pd.concat(tables).groupby(level="arm", sort=False).mean(numeric_only=True)
    if len(tables) > 1:
        terminal.print(f"Means over {len(tables)} starts")
        _show(terminal, mean.assign(note=""))
    print(json.dumps(headline(start, mean)))


def headline(start: str, table: pd.DataFrame) -> dict[str, object]:
    """Return the figures of the last line, from scores by arm."""
    ap, cp100 = table["average_precision"].to_dict(), table["cp100"].to_dict()
    printed = {f"{name}_published": table[f"{name} {PUBLISHED}"].to_dict() for name in ("ap", "cp100")}
    named = {
        "delivered": DELIVERED,
        "best_plain": BEST_PLAIN,
        "student": TARGETED,
        "xgboost": REAL_ONLY,
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
    seconds = table["seconds_per_million"]
    ratio = round(float(seconds[TARGETED] / seconds[REAL_ONLY]), 2)
    return {"start": start, **figures, "student_scoring_ratio": ratio}


def _one_start(
    week: Week, parts: Parts, other: Parts | None, seed: int, console: Console, *, tuning: bool, control: bool
) -> pd.DataFrame:
    """Run every arm on one start; print and return their scores by arm."""
    run = _looped(week, parts, seed, console)
    contestants = [
        *arms(run, week.folds, stream(seed, "arms"), tuning=tuning, control=control),
        *_others(week, other, seed),
    ]
    decided = decide_for(run, contestants, seed)
    scored = score_arms(decided.arms, decided.costs, week.test, METRICS)
    delivery = decided.delivery
    roles = {BEST_PLAIN: delivery.best_plain, DELIVERED: delivery.name}
    rows = {each.arm.name: each.row() | _of_cards(each, week) for each in scored}
    rows |= {role: rows[name] | {"arm": role, "note": name} for role, name in roles.items()}
    table = pd.DataFrame(list(rows.values())).set_index("arm")
    _show(console, table)
    console.print(delivery.sentence, soft_wrap=True)
    for name in dict.fromkeys((delivery.name, TARGETED)):
        gain = gain_over(scored, name, delivery.best_plain, JudgeRows.of(week.test), stream(seed, "test"))
        console.print(f"{gain.sentence} Cards are the evidence.", soft_wrap=True)
    return table


def _looped(week: Week, parts: Parts, seed: int, console: Console) -> LoopRun:
    with watching(console, parts.settings.generations) as watch:
        run = run_loop(parts, week.train, week.folds, stream(seed, "loop"), [watch])
    console.print(run.outcome.verdict.sentence, soft_wrap=True)
    return run


def _others(week: Week, other: Parts | None, seed: int) -> Iterator[Arm]:
    """Yield the arms that only this protocol has."""
    started = time.perf_counter()
    yield Arm(BAGGING, bagged(week.train, seed), time.perf_counter() - started, f"{BAGS} trees")
    if other is not None:
        second = run_loop(other, week.train, week.folds, stream(seed, "loop"))
        yield Arm(TUNED_LOOP, second.outcome.learner, second.seconds, f"{len(second.outcome.synthetic)} new rows")


def bagged(table: Table, seed: int) -> SklearnAdapter:
    """Fit trees on bags with as many legitimate payments as frauds, as in chapter 6 of the handbook."""
    from imblearn.ensemble import BalancedBaggingClassifier

    return SklearnAdapter(BalancedBaggingClassifier(n_estimators=BAGS)).fit(table, stream(seed, BAGGING))


def _of_cards(scored: Scored, week: Week) -> dict[str, float]:
    """Return the scores by cards, and those on the test rows of the published figures."""
    test = week.published_test
    proba = scored.arm.predictor.predict_proba(test.rows)
    return {
        "cp100": card_precision_at_100(week.weeks.test, scored.proba[:, 1]),
        f"ap {PUBLISHED}": score("average_precision", JudgeRows.of(test), proba),
        f"cp100 {PUBLISHED}": card_precision_at_100(week.published, proba[:, 1]),
    }


def _show(console: Console, table: pd.DataFrame) -> None:
    printed = RichTable(
        *("arm", *METRICS, "card precision@100", f"ap {PUBLISHED}", f"cp100 {PUBLISHED}"),
        *("s to fit", "s per million rows", "MB", "note"),
    )
    for name, row in table.iterrows():
        scores = (f"{row[each]:.4f}" for each in (*METRICS, "cp100", f"ap {PUBLISHED}", f"cp100 {PUBLISHED}"))
        printed.add_row(
            str(name),
            *scores,
            *(f"{row[cost]:.1f}" for cost in ("seconds_fit", "seconds_per_million", "megabytes")),
            str(row["note"]),
        )
    console.print(printed)


if __name__ == "__main__":
    from experiments.cli.app import run_command

    run_command(main)
