"""Trees as an ONNX graph: ONNX Runtime answers as the model does."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from exported_models import CALIBRATIONS, delivered, mixed_frame
from served_pages import serving_lines

pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from experiments.export.export import export  # noqa: E402
from learners import ExtraTrees, Forest, XGBoost  # noqa: E402
from loop.evaluation.calibration import Platt  # noqa: E402
from loop.protocols import Learner  # noqa: E402

LEARNERS: dict[str, Learner] = {
    "xgboost": XGBoost(trees=40, depth=5, rate=0.2),
    "forest": Forest(trees=30, min_leaf=2),
    "extra_trees": ExtraTrees(trees=30, max_features=0.5, min_leaf=2),
    "one hot": ExtraTrees(trees=30, min_leaf=2, categories="one_hot"),
}


def answered(folder: Path, rows: pd.DataFrame) -> np.ndarray:
    session = onnxruntime.InferenceSession(folder / "model.onnx")
    columns = json.loads((folder / "encoding.json").read_text())["columns"]
    proba: np.ndarray = session.run(None, {"rows": serving_lines().encoded(rows, columns)})[0]
    return proba


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("name", LEARNERS)
def test_the_graph_answers_as_the_model_does(name: str, n_classes: int, tmp_path: Path) -> None:
    model = delivered(LEARNERS[name], mixed_frame(n_classes=n_classes))
    new = mixed_frame(seed=1, categories=15)
    for method in CALIBRATIONS:
        model = replace(model, calibration=CALIBRATIONS[method][n_classes])
        export(model, "onnx", tmp_path / "out")
        expected = model.predict_proba(new)
        np.testing.assert_allclose(answered(tmp_path / "out", new), expected, rtol=0, atol=1e-5, err_msg=method)


def test_splits_of_many_categories_hold(tmp_path: Path) -> None:
    """Most rows have a shop that a set of many shops decides about."""
    frame = mixed_frame(4000, categories=300)
    model = delivered(XGBoost(trees=30, depth=6, rate=0.3), frame)
    export(model, "onnx", tmp_path / "out")
    np.testing.assert_allclose(answered(tmp_path / "out", frame), model.predict_proba(frame), rtol=0, atol=1e-5)


def test_a_calibration_of_nearly_certain_answers_is_not_magnified(tmp_path: Path) -> None:
    """A slope below 1 magnifies what single precision leaves of a probability of nearly 1."""
    frame = mixed_frame(2000)
    frame["kind"] = np.where(frame["level"].astype("int64") > 15, "a", "b")
    model = delivered(XGBoost(trees=200, depth=3, rate=0.5, min_child_weight=0, l2=0), frame, Platt(0.3, (0.0, 0.0)))
    export(model, "onnx", tmp_path / "out")
    expected = model.predict_proba(frame)
    assert expected.max() > 0.99
    np.testing.assert_allclose(answered(tmp_path / "out", frame), expected, rtol=0, atol=1e-5)


def test_large_whole_numbers_are_kept_apart(tmp_path: Path) -> None:
    """Neighbours of four thousand million are one number in single precision, but for the offset."""
    frame = mixed_frame(600)
    frame["kind"] = np.where(frame["card"] % 2 == 0, "a", "b")
    frame["card"] = 4_000_000_000 + frame["card"] % 2 + 10 * (frame["card"] % 3)
    model = delivered(XGBoost(trees=20, rate=0.3), frame)
    export(model, "onnx", tmp_path / "out")
    proba = answered(tmp_path / "out", frame)
    assert ((proba[:, 1] > 0.5) == (frame["kind"] == "b")).all()
    np.testing.assert_allclose(proba, model.predict_proba(frame), rtol=0, atol=1e-5)
