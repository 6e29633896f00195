"""Calibration undoes what was planted, leaves good probabilities alone, and never turns a ranking round."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_runs import frame

from experiments.storage.run_folder import load_model, save_model
from learners import Linear
from loop.data.encoding import encode
from loop.data.schema import infer
from loop.errors import ConfigError, DataError
from loop.evaluation.calibration import METHODS, Identity, Isotonic, Platt, calibrate, cross_fitted, effect, from_json
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import score
from loop.model import Model

seeds = st.integers(0, 10**6)


def rare(n: int, rng: np.random.Generator, slope: float = 1.0, offset: float = 0.0) -> tuple[JudgeRows, np.ndarray]:
    """Draw labels from true log-odds and state ``slope * log-odds + offset`` instead: judge rows and answers (n, 2)."""
    z = -2.5 + 1.5 * rng.standard_normal(n)
    y = (rng.random(n) < 1 / (1 + np.exp(-z))).astype(np.int64)
    return JudgeRows(y, 1), stated(slope * z + offset)


def stated(log_odds: np.ndarray) -> np.ndarray:
    p = 1 / (1 + np.exp(-log_odds))
    return np.column_stack([1 - p, p])


def classes(n: int, rng: np.random.Generator, slope: float, offset: np.ndarray) -> tuple[JudgeRows, np.ndarray]:
    """Draw labels of several classes and distort their log-probabilities: judge rows and answers (n, K)."""
    z = 1.5 * rng.standard_normal((n, len(offset)))
    y = (z + rng.gumbel(size=z.shape)).argmax(axis=1)
    proba = np.exp(slope * z + offset)
    return JudgeRows(y, 1), proba / proba.sum(axis=1, keepdims=True)


@settings(max_examples=25, deadline=None)
@given(slope=st.floats(0.4, 2.5), offset=st.floats(-2, 2), seed=seeds)
def test_a_planted_line_in_the_log_odds_is_undone(slope: float, offset: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    found = calibrate("platt", *rare(20_000, rng, slope, offset), rng)
    z = np.linspace(-5, 1, 50)
    np.testing.assert_allclose(found.apply(stated(slope * z + offset)), stated(z), atol=0.04)


def test_twice_the_log_odds_and_one_more_is_undone_on_new_rows() -> None:
    rng = np.random.default_rng(0)
    judged, tested = rare(20_000, rng, 2, 1), rare(20_000, rng, 2, 1)
    found = calibrate("auto", *judged, rng)
    assert isinstance(found, Platt)
    assert (found.slope, found.offset[1]) == pytest.approx((0.5, -0.5), abs=0.06)
    for part in effect(found, judged, tested, rng).values():
        assert list(part) == ["brier", "log_loss", "calibration_error"]
        assert all(each["after"] < each["before"] for each in part.values())
        assert part["calibration_error"]["after"] < 0.015


def test_a_temperature_and_a_bias_a_class_are_undone() -> None:
    rng = np.random.default_rng(0)
    found = calibrate("platt", *classes(20_000, rng, 2, np.array([0.0, 1.0, -1.0])), rng)
    assert isinstance(found, Platt)
    np.testing.assert_allclose([found.slope, *found.offset], [0.5, 0, -0.5, 0.5], atol=0.06)


@settings(max_examples=30, deadline=None)
@given(seed=seeds, n_classes=st.sampled_from([2, 3, 5]), method=st.sampled_from(METHODS))
def test_answers_stay_probabilities_at_the_ends_too(seed: int, n_classes: int, method: str) -> None:
    rng = np.random.default_rng(seed)
    judged, proba = classes(80, rng, 3, rng.standard_normal(n_classes))
    proba[:n_classes] = np.eye(n_classes)  # certain, and wrong somewhere
    for answers in (calibrate(method, judged, proba, rng).apply(proba), cross_fitted(method, judged, proba, rng)):
        assert ((answers >= 0) & (answers <= 1)).all()
        np.testing.assert_allclose(answers.sum(axis=1), 1)


@settings(max_examples=30, deadline=None)
@given(seed=seeds, against=st.booleans())
def test_platt_leaves_every_ranking_as_it_was(seed: int, against: bool) -> None:
    rng = np.random.default_rng(seed)
    judged, proba = rare(300, rng, slope=-1 if against else 1)  # even answers that are upside down are not turned round
    judged.y[:2] = (0, 1)
    after = calibrate("platt", judged, proba, rng).apply(proba)
    assert (np.argsort(after[:, 1], kind="stable") == np.argsort(proba[:, 1], kind="stable")).all()
    assert score("average_precision", judged, after) == pytest.approx(score("average_precision", judged, proba))


def test_isotonic_undoes_what_no_line_can() -> None:
    rng = np.random.default_rng(0)
    judged, proba = rare(20_000, rng)
    bent = stated(np.cbrt(np.log(proba[:, 1] / proba[:, 0]) + 2.5))
    lines, steps = (
        score("log_loss", judged, cross_fitted(method, judged, bent, rng)) for method in ("platt", "isotonic")
    )
    assert steps < lines


def test_auto_leaves_most_well_calibrated_learners_alone_and_never_harms_much() -> None:
    rng = np.random.default_rng(0)
    left, harm = 0, []
    for _ in range(60):
        found = calibrate("auto", *rare(1000, rng), rng)
        left += found == Identity()
        judged, proba = rare(2000, rng)
        harm.append(score("log_loss", judged, found.apply(proba)) - score("log_loss", judged, proba))
    assert left > 30
    assert np.mean(harm) < 0.001


def test_no_row_has_a_part_in_its_own_cross_fitted_answer() -> None:
    rng = np.random.default_rng(0)
    judged, proba = JudgeRows(np.arange(400) % 2, 1), stated(rng.standard_normal(400))  # labels that nothing tells
    own = calibrate("isotonic", judged, proba, rng).apply(proba)
    crossed = cross_fitted("isotonic", judged, proba, rng)
    assert score("log_loss", judged, own) < np.log(2) < score("log_loss", judged, crossed)


def test_a_weight_is_a_number_of_rows() -> None:
    rng = np.random.default_rng(0)
    judged, proba = rare(300, rng, 2, 1)
    times = rng.integers(0, 4, 300)
    repeated = np.repeat(np.arange(300), times)
    for method in ("platt", "isotonic"):
        weighted = calibrate(method, replace(judged, weight=times.astype(float)), proba, rng).apply(proba)
        np.testing.assert_allclose(
            weighted, calibrate(method, judged.take(repeated), proba[repeated], rng).apply(proba), atol=1e-5
        )


def test_the_same_stream_gives_the_same_calibration() -> None:
    judged, proba = rare(500, np.random.default_rng(0), 1.2)
    first, second = (calibrate("auto", judged, proba, np.random.default_rng(7)) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("method", ["none", "platt", "isotonic"])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_what_is_written_as_json_answers_the_same(method: str, n_classes: int) -> None:
    rng = np.random.default_rng(0)
    judged, proba = classes(200, rng, 2, np.zeros(n_classes))
    found = calibrate(method, judged, proba, rng)
    again = from_json(json.loads(json.dumps(found.to_json(), allow_nan=False)), proba.shape[1])
    assert type(again) is type(found)
    assert (again.apply(proba) == found.apply(proba)).all()


@pytest.mark.parametrize(
    "record", [{}, {"method": "magic"}, {"method": "platt"}, {"method": "platt", "slope": "x", "offset": []}]
)
def test_a_damaged_record_is_named(record: dict[str, object]) -> None:
    with pytest.raises(DataError, match="save the model again"):
        from_json(record, 2)


def test_bad_input_is_named() -> None:
    rng = np.random.default_rng(0)
    judged, proba = rare(20, rng)
    with pytest.raises(ConfigError, match=r"auto, none, platt, isotonic, got 'magic'"):
        calibrate("magic", judged, proba, rng)
    with pytest.raises(DataError, match="got none"):
        calibrate("platt", judged.take(np.arange(0)), proba[:0], rng)


class TestModel:
    @pytest.mark.parametrize("calibration", [Platt(0.5, (0.0, -1.0)), Isotonic((((0.0, 1.0), (0.1, 0.6)),))])
    def test_a_model_answers_calibrated_probabilities_and_keeps_them_on_disk(
        self, tmp_path: Path, calibration: Platt | Isotonic
    ) -> None:
        rows = frame()
        schema = infer(rows, "fraud", positive="yes")
        learner = Linear().fit(encode(schema, rows), np.random.default_rng(0))
        plain, model = Model(schema, learner), Model(schema, learner, calibration)
        np.testing.assert_array_equal(model.predict_proba(rows), calibration.apply(plain.predict_proba(rows)))
        save_model(model, tmp_path / "model")
        np.testing.assert_array_equal(load_model(tmp_path / "model").predict_proba(rows), model.predict_proba(rows))
        (tmp_path / "model" / "calibration.json").unlink()
        with pytest.raises(DataError, match=r"calibration\.json"):
            load_model(tmp_path / "model")
        (tmp_path / "model" / "files.json").unlink()
        with pytest.raises(DataError, match=r"files\.json"):
            load_model(tmp_path / "model")
