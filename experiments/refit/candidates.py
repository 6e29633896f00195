"""Models of all rows on the judge rows of the run, which choose one, and on its test rows, which measure it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from experiments.arms.scoring import METRICS, SCORE, proves
from learners import XGBoost
from loop.evaluation.bootstrap import paired
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import evaluate, score
from loop.rows import Rows
from loop.seeds import stream
from loop.types import Interval

SAMPLE = "model of the run"


@dataclass(frozen=True, eq=False)
class Candidate:
    """A learner fitted on all rows that are not held out."""

    name: str
    learner: XGBoost
    seconds: float  # to fit it


@dataclass(frozen=True)
class Choice:
    """Which of the models is delivered, and why."""

    at: int
    judge_rows: int
    scores: tuple[float, ...]  # average precision of each model on the judge rows
    difference: Interval | None  # of the second model from the first there; None = there is one model
    sentence: str


@dataclass(frozen=True, eq=False)
class Tested:
    """The models on the test rows, that of the run last."""

    choice: Choice
    test_rows: int
    names: tuple[str, ...]
    seconds: tuple[float, ...]  # to fit each; not that of the run
    metrics: tuple[dict[str, float], ...]
    over_run: Interval  # average precision of the delivered model minus that of the run's
    proven: bool
    sentence: str

    @property
    def delivered(self) -> str:
        """Name of the delivered model."""
        return self.names[self.choice.at]


def chosen(models: Sequence[Candidate], judged: JudgeRows, answers: Sequence[np.ndarray], seed: int) -> Choice:
    """Choose the model with the better average precision on the judge rows; of equals the one without new rows.

    Parameters
    ----------
    models : sequence of Candidate
        One, or two: without and with new rows.
    judged : JudgeRows, j rows
        That no model was fitted on.
    answers : sequence of ndarray of shape (j, K)
        Of each model.
    seed : int
        Root seed of the run.
    """
    scores = tuple(score(SCORE, judged, each) for each in answers)
    if len(models) == 1:
        why = "the run keeps no new rows, so there is nothing to compare it with"
        return Choice(0, len(judged), scores, None, f"Delivered: {models[0].name}; {why}.")
    difference = paired(SCORE, judged, answers[0], answers[1], stream(seed, "all rows", "judge")).difference
    at = int(scores[1] > scores[0])
    told = f"average precision of {models[1].name} {difference} over {models[0].name}"
    sentence = f"Delivered: {models[at].name}; {told} on {len(judged):,} judge rows."
    return Choice(at, len(judged), scores, difference, sentence)


def tested(
    models: Sequence[Candidate], choice: Choice, test: JudgeRows, rows: Rows, sample: np.ndarray, seed: int
) -> Tested:
    """Measure the models on the test rows, and compare the delivered one with the model of the run.

    Parameters
    ----------
    models : sequence of Candidate
    choice : Choice
    test : JudgeRows, n rows
    rows : Rows, n rows
        Their features.
    sample : ndarray of shape (n, K)
        Answers of the model that the run has delivered.
    seed : int
        Root seed of the run.
    """
    answers = [*(each.learner.predict_proba(rows) for each in models), sample]
    difference = paired(SCORE, test, sample, answers[choice.at], stream(seed, "all rows", "test")).difference
    proven = proves(difference, test)
    what = "Proven gain" if proven else "Harm" if difference.high < 0 else "No proven gain"
    sentence = f"{what} over the {SAMPLE}: average precision {difference} on {len(test):,} test rows."
    return Tested(
        choice,
        len(test),
        (*(each.name for each in models), SAMPLE),
        tuple(each.seconds for each in models),
        tuple(evaluate(METRICS, test, each) for each in answers),
        difference,
        proven,
        sentence,
    )
