"""Operating points chosen on judge rows and scored on test rows, and the effect of calibration."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from experiments.config.operating_points import AnyPoint, evaluation_rows
from experiments.run.inputs import RunInputs
from loop.cycle.controller import Outcome
from loop.evaluation.calibration import Calibration, calibrate, effect
from loop.evaluation.judge_rows import JudgeRows
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


def calibrations(method: str, inputs: RunInputs, outcome: Outcome, seed: int) -> tuple[Calibration, Calibration]:
    """Fit a calibration for the learner on real rows alone and one for the loop, both in the same way.

    Each is fitted on the real judge rows, with probabilities from learners that had not seen them. Equal probabilities
    give equal calibrations.

    Parameters
    ----------
    method : str
        See `loop.evaluation.calibration.calibrate`.
    seed : int
        Root seed of the run.
    """
    judged = JudgeRows.of(inputs.train, outcome.judged)
    real_only, loop = (
        calibrate(method, judged, proba, stream(seed, "calibration"))
        for proba in (outcome.proba_real_only, outcome.proba)
    )
    return real_only, loop


def answer_records(
    points: Sequence[AnyPoint],
    inputs: RunInputs,
    judged: JudgeRows,
    real_only: Answers,
    loop: Answers,
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
    real_only, loop : Answers
        Of the learner on real rows alone and of the loop.
    rng : numpy.random.Generator
        Draws the bootstrap and deals the folds.

    Returns
    -------
    dict
        ``operating``: the rows of `loop.evaluation.threshold_table.operating_table`, one for each point.
        ``calibration``: its parameters, and its effect on judge and test rows (`loop.evaluation.calibration.effect`).
    """
    tested, positive = JudgeRows.of(inputs.test), judged.positive
    chosen_on, judged_on = evaluation_rows(points, inputs.dataset, judged, tested)
    chosen, scored = (
        (real_only.calibration.apply(before)[:, positive], loop.calibration.apply(after)[:, positive])
        for before, after in ((real_only.judged, loop.judged), (real_only.tested, loop.tested))
    )
    told = effect(loop.calibration, (judged, loop.judged), (tested, loop.tested), rng)
    return {
        "operating": plain(operating_table(points, chosen_on, chosen, judged_on, scored, rng)),
        "calibration": plain({"parameters": loop.calibration.to_json(), **told}),
    }


def answer_metrics(operating: Sequence[Record], calibration: Record) -> dict[str, float]:
    """Flatten the result of `answer_records` to metrics of a run; numbers that are not finite are left out.

    ``point/NAME/`` holds the thresholds, the promised and delivered figures of both models, and the interval of their
    difference; ``calibration/`` holds the scores on test rows before and after calibration.
    """
    figures: dict[str, object] = {}
    for row in operating:
        point = {f"difference{end}": row["difference"][key] for key, end in INTERVAL.items()}
        for arm in ("real_only", "loop"):
            point[f"{arm}_threshold"] = row[arm]["threshold"]
            for when in ("promised", "delivered"):
                point |= {f"{arm}_{name}_{when}": value for name, value in row[arm][when].items()}
        figures |= {f"point/{row['point']}/{name}": value for name, value in point.items()}
    for metric, told in calibration["test"].items():
        figures |= {f"calibration/{metric}_{when}": value for when, value in told.items()}
    numbers = {name: float(str(value)) for name, value in figures.items()}
    return {name: value for name, value in numbers.items() if math.isfinite(value)}
