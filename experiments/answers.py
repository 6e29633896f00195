"""What a run says of its answers: operating points chosen on judge rows and judged on test rows, and calibration."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from experiments.material import Material
from experiments.operating_points import AnyPoint, grounds
from loop.calibration import Calibration, effect
from loop.operating import operating_table
from loop.tracking.records import Record, plain


@dataclass(frozen=True, eq=False)
class Answers:
    """What a model says before it is calibrated, and its calibration."""

    judged: np.ndarray  # (j, K) to judge rows, out of fold
    tested: np.ndarray  # (n, K) to test rows
    calibration: Calibration


def answer_records(
    points: Sequence[AnyPoint],
    material: Material,
    judged: np.ndarray,
    real_only: Answers,
    loop: Answers,
    rng: np.random.Generator,
) -> Record:
    """Return the rows of `loop.operating.operating_table` and what calibration did, as values that JSON can hold.

    Thresholds are those of calibrated probabilities, which the delivered model gives.

    Parameters
    ----------
    judged : (j,) int
        Positions of the judge rows in the training table.
    real_only, loop : Answers
        Of the learner on real rows alone and of the loop.
    rng : numpy.random.Generator
        Draws the bootstrap and deals the folds.

    Returns
    -------
    dict
        ``operating``, a list with one entry a point, and ``calibration``: its parameters, and its effect on judge and
        test rows as `loop.calibration.effect` tells it.
    """
    train, test = material.train, material.test
    positive = test.schema.positive
    chosen_on, judged_on = grounds(points, material.dataset, train, test, judged)
    chosen, scored = (
        (real_only.calibration.apply(before)[:, positive], loop.calibration.apply(after)[:, positive])
        for before, after in ((real_only.judged, loop.judged), (real_only.tested, loop.tested))
    )
    told = effect(loop.calibration, (train.y[judged], loop.judged), (test.y, loop.tested), positive, rng)
    return {
        "operating": plain(operating_table(points, chosen_on, chosen, judged_on, scored, rng)),
        "calibration": plain({"parameters": loop.calibration.to_json(), **told}),
    }
