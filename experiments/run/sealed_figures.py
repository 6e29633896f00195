"""What is measured once the test rows are opened, beside the scores of arms: operating points, calibration and more."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from experiments.arms.delivery import answers_of
from experiments.arms.importance import importance
from experiments.arms.names import REAL_ONLY
from experiments.config.operating_points import AnyPoint, days_spanned, evaluation_rows
from experiments.config.run_config import RunConfig
from experiments.report.expected import Period, expected
from experiments.report.mended import mended
from experiments.run.inputs import RunInputs
from experiments.run.result import Result
from experiments.trust.fairness.figures import POINT, WHEN, Scores
from experiments.trust.fairness.record import fairness_record
from loop.evaluation.calibration import Calibration, calibrate, effect
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.operating_points import EvaluationRows
from loop.evaluation.threshold_table import operating_table
from loop.seeds import stream
from loop.support.plain_json import Record, plain

INTERVAL = {"estimate": "", "low": "_low", "high": "_high"}  # keys of an interval, and suffixes of metric names


@dataclass(frozen=True, eq=False)
class Answers:
    """The probabilities of a model before calibration, and its calibration."""

    judged: np.ndarray  # (j, K) for judge rows, out of fold
    tested: np.ndarray  # (n, K) for test rows
    calibration: Calibration
    positive: int  # code of the class to catch

    @property
    def judged_scores(self) -> np.ndarray:  # (j,)
        """Calibrated probability of the class to catch, of each judge row."""
        return self.calibration.apply(self.judged)[:, self.positive]

    @property
    def tested_scores(self) -> np.ndarray:  # (n,)
        """Calibrated probability of the class to catch, of each test row."""
        return self.calibration.apply(self.tested)[:, self.positive]


def calibration_of(method: str, judged: JudgeRows, proba: np.ndarray, seed: int) -> Calibration:
    """Fit the calibration of a model on its out-of-fold answers for the real judge rows.

    Equal probabilities give equal calibrations.

    Parameters
    ----------
    method : str
        See `loop.evaluation.calibration.calibrate`.
    judged : JudgeRows, j rows
    proba : ndarray of shape (j, K)
        By models that had not seen these rows.
    seed : int
        Root seed of the run.
    """
    return calibrate(method, judged, proba, stream(seed, "calibration"))


def answer_records(
    points: Sequence[AnyPoint],
    inputs: RunInputs,
    judged: JudgeRows,
    before: Answers,
    after: Answers,
    rng: np.random.Generator,
) -> Record:
    """Return the operating points and the effect of calibration as values that JSON can hold.

    Thresholds apply to calibrated probabilities, which the delivered model gives.

    Parameters
    ----------
    points : sequence of operating points
    inputs : RunInputs
    judged : JudgeRows, j rows
        On which thresholds are chosen.
    before, after : Answers
        Of the learner on real rows alone and of the delivered model.
    rng : numpy.random.Generator
        Draws the bootstrap and deals the folds.

    Returns
    -------
    dict
        ``operating``: the rows of `loop.evaluation.threshold_table.operating_table`, one for each point.
        ``calibration``: its parameters, and its effect on judge and test rows (`loop.evaluation.calibration.effect`).
    """
    tested = JudgeRows.of(inputs.test)
    chosen_on, judged_on = evaluation_rows(points, inputs.dataset, judged, tested)
    chosen, scored = (before.judged_scores, after.judged_scores), (before.tested_scores, after.tested_scores)
    told = effect(after.calibration, (judged, after.judged), (tested, after.tested), rng)
    return {
        "operating": plain(operating_table(points, chosen_on, chosen, judged_on, scored, rng)),
        "calibration": plain({"parameters": after.calibration.to_json(), **told}),
    }


def answer_metrics(operating: Sequence[Record], calibration: Record) -> dict[str, float]:
    """Flatten the result of `answer_records` to metrics of a run; numbers that are not finite are left out.

    ``point/NAME/`` holds the thresholds, the promised and delivered figures of both models, and the interval of their
    difference; ``calibration/`` holds the scores on test rows before and after calibration.
    """
    figures: dict[str, object] = {}
    for row in operating:
        point = {f"difference{end}": row["difference"][key] for key, end in INTERVAL.items()}
        for arm in ("before", "after"):
            point[f"{arm}_threshold"] = row[arm]["threshold"]
            for when in ("promised", "delivered"):
                point |= {f"{arm}_{name}_{when}": value for name, value in row[arm][when].items()}
        figures |= {f"point/{row['point']}/{name}": value for name, value in point.items()}
    for metric, told in calibration["test"].items():
        figures |= {f"calibration/{metric}_{when}": value for when, value in told.items()}
    numbers = {name: float(str(value)) for name, value in figures.items()}
    return {name: value for name, value in numbers.items() if math.isfinite(value)}


def sealed_figures(config: RunConfig, inputs: RunInputs, result: Result) -> Record:
    """Choose operating points on judge rows, and score them, calibrations, groups and weak regions on test rows.

    Parameters
    ----------
    config : RunConfig
    inputs : RunInputs
    result : Result
        With the learner on real rows alone, the best plain model and the delivered one among its arms.

    Returns
    -------
    dict
        Parts of a report: ``groups``, ``group_gaps``, ``worst_group``, ``operating``, ``calibration``, ``expected``,
        ``mended`` and ``importance``.
    """
    judged = JudgeRows.of(inputs.train, result.looped.outcome.judged)
    of = _answering(config, inputs, result, judged)
    before, after = of(REAL_ONLY), of(result.delivery.name)
    positive, pair = inputs.schema.positive, (before, after)
    chosen = {when: each.judged[:, positive] for when, each in zip(WHEN, pair, strict=True)}
    tested = {when: each.tested[:, positive] for when, each in zip(WHEN, pair, strict=True)}
    scores = {
        when: Scores(chosen[when], tested[when], each.tested_scores) for when, each in zip(WHEN, pair, strict=True)
    }
    points, seed = config.metrics.operating_points, config.loop.seed
    rows, test_rows = EvaluationRows(judged), EvaluationRows(JudgeRows.of(inputs.test))
    old, new = (POINT.alert(POINT.choose(rows, chosen[when]), test_rows, tested[when]) for when in WHEN)
    regions = mended(
        result.first_regions, inputs.test, (before.tested, after.tested), (old, new), stream(seed, "mended")
    )
    told = answer_records(points, inputs, judged, before, after, stream(seed, "answers"))
    best = of(result.delivery.best_plain)
    delivered = result.decided.named(result.delivery.name).predictor
    return {
        "importance": importance(delivered, inputs.test, stream(seed, "importance")),
        **fairness_record(config.fairness, judged, inputs.test, scores, stream(seed, "groups")),
        "mended": regions,
        "expected": _expected(config, inputs, judged, best, after),
        **told,
    }


def _answering(config: RunConfig, inputs: RunInputs, result: Result, judged: JudgeRows) -> Callable[[str], Answers]:
    """Return what gives the answers of an arm by its name, calibrated as the delivered model is."""

    def of(name: str) -> Answers:
        answers, seed = answers_of(result.decided.named(name)), config.loop.seed
        calibration = calibration_of(config.calibration.method, judged, answers, seed)
        return Answers(answers, result.proba[name], calibration, inputs.schema.positive)

    return of


def _expected(config: RunConfig, inputs: RunInputs, judged: JudgeRows, best: Answers, after: Answers) -> Record:
    """Return what is expected of the delivered model against the best plain one."""
    points, tested = config.metrics.operating_points, JudgeRows.of(inputs.test)
    chosen_on, judged_on = evaluation_rows(points, inputs.dataset, judged, tested)
    period = Period.of(judged_on, days_spanned(inputs.dataset, inputs.test.row_number))
    chosen, scored = (best.judged_scores, after.judged_scores), (best.tested_scores, after.tested_scores)
    rng = stream(config.loop.seed, "expected")
    return expected(points, (chosen_on, chosen), (judged_on, scored), period, rng)
