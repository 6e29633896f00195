"""The last lines of the suite and of the claims, on figures known beforehand, and one small cell of noise."""

import numpy as np
import pandas as pd
import pytest
from tiny import tiny_parts

from experiments.arms import plain
from experiments.arms.kind import OTHER, RANDOM, Kind
from experiments.arms.names import BEST_PLAIN, DELIVERED, REAL_ONLY
from experiments.benchmarks import claims, no_signal, rare_suite
from experiments.data.protocols import noise_table
from experiments.data.split import Split
from learners import ExtraTrees, Linear

STUDENT = "loop: targeted"


def results(delivered: float, student: float, best: float, wobble: float = 0.0) -> pd.DataFrame:
    """Scores of nine tables on four splits; on the last table the delivered model loses what it gains elsewhere."""
    rows = []
    for number in range(9):
        for seed in range(4):
            gain = -delivered if number == 8 else delivered
            ap = {REAL_ONLY: 0.5, BEST_PLAIN: 0.5 + best, DELIVERED: 0.5 + best + gain, STUDENT: 0.5 + student}
            ap[DELIVERED] += wobble * (seed - 1.5)
            for arm, value in ap.items():
                note = "extra trees" if arm in (BEST_PLAIN, DELIVERED) else ""
                rows.append(
                    {
                        "source": f"t{number}",
                        "table": f"t{number}",
                        "seed": seed,
                        "arm": arm,
                        "average_precision": value,
                    }
                    | {"seconds_per_million": 3.0 if arm == STUDENT else 2.0, "note": note}
                    | ({"gain_high": gain + 0.01} if arm == DELIVERED else {})
                )
    return pd.DataFrame(rows)


def test_the_suite_s_last_line_holds_mean_differences_over_tables() -> None:
    told = rare_suite.headline(results(0.02, 0.04, 0.03, wobble=0.001), STUDENT)
    assert told["delivered_minus_best_plain"] == pytest.approx(0.02 * 7 / 9, abs=1e-4)
    assert told["student_minus_best_plain"] == pytest.approx(0.01)
    assert told["student_minus_xgboost"] == pytest.approx(0.04)
    assert told["student_scoring_ratio"] == 1.5
    assert told["significant_losses"] == ["t8"]
    assert told["runs_with_harm"] == 4  # the splits of t8
    assert told["best_plain"] == {"extra trees": 36}
    assert (told["tables"], told["splits"]) == (9, 4)
    assert "best_kind_in_hindsight" not in told


def test_the_best_kind_in_hindsight_is_told() -> None:
    base = results(0.02, 0.04, 0.03)
    kinds = {"extra trees": 0.54, "MLP": 0.45}
    rows = [base.query("arm == @REAL_ONLY").assign(arm=kind, average_precision=ap) for kind, ap in kinds.items()]
    told = rare_suite.headline(pd.concat([base, *rows]), STUDENT)
    assert told["best_kind_in_hindsight"] == "extra trees"
    assert told["delivered_minus_best_in_hindsight"] == pytest.approx(0.53 + 0.02 * 7 / 9 - 0.54, abs=1e-4)


def test_a_loss_within_the_noise_is_not_significant() -> None:
    told = rare_suite.headline(results(0.02, 0.04, 0.03, wobble=0.05), STUDENT)
    assert told["significant_losses"] == []


def test_claims_are_counted_and_promises_averaged() -> None:
    cells = pd.DataFrame(
        {
            "judge_proven": [1.0, 1.0, 0.0, 0.0],
            "loop_gain": [0.1, -0.01, -0.2, 0.0],
            "promised": [0.01, 0.0, 0.03, 0.0],
            "delivered_gain": [0.02, 0.0, -0.02, 0.0],
            "delivered_over_real_only": [0.03, 0.01, 0.0, 0.0],
            "harm": [0.0, 0.0, 1.0, 0.0],
        }
    )
    told = claims.headline(cells)
    assert (told["cells"], told["proven"], told["proven_below_zero"]) == (4, 2, 1)
    assert (told["promised"], told["delivered"]) == (0.01, 0.0)
    assert (told["harm"], told["delivered_over_real_only"]) == (1, 0.01)
    assert (told["promised_by_loop_or_teacher"], told["delivered_by_loop_or_teacher"]) == (0.02, 0.0)


def test_rows_of_a_suite_cell_become_one_row() -> None:
    rows = results(0.02, 0.04, 0.03).query("source == 't0' and seed == 0").to_dict("records")
    extra = {STUDENT: {"judge_proven": 1.0}, DELIVERED: {"promised": 0.01}}
    (row,) = claims.suite_rows([each | extra.get(each["arm"], {}) for each in rows], STUDENT)
    assert (row["table"], row["seed"], row["name"], row["promised"]) == ("t0", 0, "extra trees", 0.01)
    assert row["loop_gain"] == pytest.approx(0.04)
    assert row["delivered_gain"] == pytest.approx(0.02)
    assert row["delivered_over_real_only"] == pytest.approx(0.05)
    assert row["harm"] == 0


def test_a_cell_of_noise_has_a_promise_and_what_was_delivered(monkeypatch: pytest.MonkeyPatch) -> None:
    small = Split.of(noise_table(300, 3, 0, 0.15), 0)
    quick = (Kind("logistic regression", OTHER, (Linear(),)), Kind("extra trees", RANDOM, (ExtraTrees(trees=10),)))
    monkeypatch.setattr(claims, "split_of", lambda kind, seed: small)
    monkeypatch.setattr(claims, "compose", lambda settings: tiny_parts())
    monkeypatch.setattr(plain, "kinds", lambda schema: quick)
    (row,) = claims.noise_cell("noise", 0)
    assert row["judge_proven"] == 0
    assert np.isfinite([row["promised"], row["loop_gain"], row["delivered_gain"]]).all()
    assert abs(row["promised"]) < 0.1
    assert row["harm"] in (0, 1)
    assert -1 < row["delivered_over_real_only"] < 1
    assert no_signal.split_of is not claims.split_of  # the small table was used
