"""Tables of four shapes that have misled a loop: what is delivered is no harm, and what is called proven is there.

The shapes are insurance claims whose signal is in two categories, payments in two lanes with a teacher of two members,
a register with copies of its rare rows, and some sixty strokes that a linear model predicts best. The test parts are
large, so the margins are for what judge rows cannot know: with sixty to three hundred positives, an average precision
out of fold is uncertain by 0.02 to 0.04.
"""

import numpy as np
import pytest
from shapes import METRIC, SHAPES, Cell, cell

from experiments.arms.names import REAL_ONLY, TARGETED, TEACHER
from loop.data.schema import IDENTIFIER
from loop.evaluation.bootstrap import paired
from loop.evaluation.judge_rows import JudgeRows
from loop.types import Interval

pytestmark = pytest.mark.slow
# Seeds whose judge rows mislead: with the protections switched off, each shape shows harm or a false claim in them.
SEEDS = {"claims": (0, 4, 5, 7), "payments": (3, 5, 7, 8), "copies": (0, 3, 5, 6), "strokes": (0, 2, 3, 5)}
HARM_ONCE, HARM_ON_AVERAGE = 0.03, 0.01  # of average precision
COST = 0.02  # of generations whose teacher has no edge, on average


def cells(shape: str) -> list[Cell]:
    return [cell(shape, seed) for seed in SEEDS[shape]]


def naive(each: Cell) -> Interval:
    """The loop's gain on the judge rows as if they were looked at once, and training rows and customers were fixed."""
    outcome, table = each.run.outcome, each.run.prepared.table
    if not outcome.verdict.kept:
        return Interval(0.0, 0.0, 0.0)
    judged = JudgeRows(table.y[outcome.judged], table.schema.positive)
    return paired(METRIC, judged, outcome.proba_real_only, outcome.proba, np.random.default_rng(0)).difference


@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_delivered_is_no_harm(shape: str) -> None:
    gains = [each.gain(each.delivery.name, each.delivery.best_plain) for each in cells(shape)]
    assert min(gains) > -HARM_ONCE
    assert np.mean(gains) > -HARM_ON_AVERAGE


@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_called_proven_is_there(shape: str) -> None:
    for each in cells(shape):
        assert not each.run.outcome.verdict.proven or each.gain(TARGETED, REAL_ONLY) > 0


def test_in_two_lanes_judge_rows_alone_would_prove_a_gain_that_is_none() -> None:
    misled = [each for each in cells("payments") if naive(each).low > 0 and each.gain(TARGETED, REAL_ONLY) < 0]
    assert misled, "the case is about a gain on judge rows that test rows do not have"
    assert not any(each.run.outcome.verdict.proven for each in misled)


def test_copies_of_rare_rows_are_in_one_lane_and_prove_nothing_by_their_number() -> None:
    for each in cells("copies"):
        prepared = each.run.prepared
        assert dict(prepared.table.schema.excluded) == {"number": IDENTIFIER}, (
            "the case is about copies but for a number"
        )
        homes: dict[bytes, set[int]] = {}
        for lane in prepared.lanes[:-1]:
            for row in prepared.table.X[lane.judge]:
                homes.setdefault(row.tobytes(), set()).add(lane.index)
        assert max(map(len, homes.values())) == 1
        assert len(homes) < len(prepared.table)
    inflated = [each for each in cells("copies") if naive(each).low > each.gain(TARGETED, REAL_ONLY)]
    assert inflated, "the case is about gains on judge rows that test rows show in part only"
    assert not any(each.run.outcome.verdict.proven for each in inflated)


def test_generations_of_a_teacher_without_an_edge_earn_their_place_and_cost_little() -> None:
    for each in cells("claims"):
        assert each.gain(TEACHER, REAL_ONLY) < -0.03, "the case is about a teacher that knows less than the learner"
        assert each.run.prepared.parts.acceptance.prior_mean == 0
        kept = [generation.decision for generation in each.run.history if generation.decision.kept]
        assert all(decision.difference.estimate > 0 for decision in kept)
        assert each.delivery.name != TEACHER
    assert np.mean([each.gain(TARGETED, REAL_ONLY) for each in cells("claims")]) > -COST


def test_of_sixty_strokes_nothing_is_proven_and_a_linear_model_is_not_missed() -> None:
    for each in cells("strokes"):
        assert 40 <= each.run.prepared.table.y.sum() <= 80
        assert each.gain("logistic regression", REAL_ONLY) > 0, "the case is about a table for a linear model"
        assert not each.run.outcome.verdict.proven
    missed = [each.gain(each.delivery.name, "logistic regression") for each in cells("strokes")]
    assert np.mean(missed) > -HARM_ON_AVERAGE
