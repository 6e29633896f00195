"""AutoGluon on one split: training rows are handed over with the target, test rows without it, and scored here."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from experiments.arms.scoring import SCORE
from experiments.arms.serving import FAST, REPEATS, SCORED_ROWS
from experiments.benchmarks.autogluon.environment import Environment
from experiments.config.run_config import RunConfig
from experiments.run.inputs import RunInputs, gather
from experiments.storage.result_cache import Records
from loop.data.intake import named
from loop.errors import DataError
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import score
from loop.support import atomic
from loop.types import Table

AUTOGLUON = "AutoGluon"  # name of the arm


@dataclass(frozen=True)
class Request:
    """What AutoGluon is asked for."""

    preset: str
    seconds: int  # limit of a fit
    cpus: int | None  # cores of a fit; None = all


def cell(run: RunConfig, environment: Environment, request: Request) -> Records:
    """Fit AutoGluon on the training rows of a split and score it on the test rows; return one row.

    The test rows are written after the fit, and their labels never.

    Raises
    ------
    DataError
        If the environment fails, or answers something else than probabilities.
    """
    inputs = gather(run.data, run.loop)
    # Ignored: a helper process that AutoGluon left behind may still write there.
    with tempfile.TemporaryDirectory(prefix="weakspot-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        hand_over_train(inputs, request, folder)
        fitted = environment.run("fit", folder)
        hand_over_test(inputs, folder)
        scored = environment.run("score", folder)
    positive = probabilities(scored["proba"], len(inputs.test))
    proba = np.zeros((len(positive), len(inputs.schema.classes)))
    proba[:, inputs.schema.positive] = positive
    row = {"source": run.data.source, "seed": run.loop.seed, "arm": AUTOGLUON}
    row |= {SCORE: score(SCORE, JudgeRows.of(inputs.test), proba), "seconds_per_million": scored["seconds_per_million"]}
    return [row | fitted]


def hand_over_train(inputs: RunInputs, request: Request, folder: Path) -> None:
    """Write settings and the training rows, as the user has them but for the target: 1 = the class to catch, else 0."""
    target = str(inputs.dataset.target)
    positive = (inputs.train.y == inputs.schema.positive).astype(np.int64)
    train = raw_rows(inputs, inputs.train).assign(**{target: positive})
    atomic.write_file(folder / "train.parquet", train.to_parquet)
    settings = {"target": target, "metric": SCORE, **vars(request)}
    measured = {"scored_rows": SCORED_ROWS, "fast": FAST, "repeats": REPEATS}
    atomic.write_json(folder / "settings.json", settings | measured)


def hand_over_test(inputs: RunInputs, folder: Path) -> None:
    """Write the test rows, as the user has them, without the target."""
    atomic.write_file(folder / "test.parquet", raw_rows(inputs, inputs.test).to_parquet)


def raw_rows(inputs: RunInputs, part: Table) -> pd.DataFrame:
    """Return the rows of one side of the split, all columns as the user has them but the target."""
    frame = named(inputs.dataset.frame).drop(columns=str(inputs.dataset.target))
    return frame.iloc[part.row_number].reset_index(drop=True)


def probabilities(answer: object, rows: int, peer: str = AUTOGLUON) -> np.ndarray:
    """Return the answers (n,) as probabilities.

    Raises
    ------
    DataError
        If they are not one number between 0 and 1 for each row.
    """
    rule = f"{peer} must answer each of {rows:,} test rows with a number between 0 and 1"
    way_out = "use another version."
    try:
        proba = np.asarray(answer, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{rule}, and it answers something else ({error}): {way_out}") from error
    if proba.shape != (rows,):
        raise DataError(f"{rule}, and its answer is of shape {proba.shape}: {way_out}")
    wrong = proba[~((proba >= 0) & (proba <= 1))]
    if len(wrong):
        raise DataError(f"{rule}, and it answers {wrong[0]:g}: {way_out}")
    return proba
