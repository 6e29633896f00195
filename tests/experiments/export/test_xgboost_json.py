"""Trees as XGBoost's JSON: the lines of the documents serve them, and answer as the model does."""

import json
from pathlib import Path

import numpy as np
import pytest
import xgboost as xgb
from exported_models import CALIBRATIONS, delivered, mixed_frame
from served_pages import serving_lines

from experiments.export.export import export
from learners import XGBoost

SMALL = XGBoost(trees=40, depth=5, rate=0.2)


@pytest.mark.parametrize("method", CALIBRATIONS)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_lines_of_the_page_answer_as_the_model_does(n_classes: int, method: str, tmp_path: Path) -> None:
    frame = mixed_frame(n_classes=n_classes)
    model = delivered(SMALL, frame, CALIBRATIONS[method][n_classes])
    export(model, "xgboost-json", tmp_path / "out")
    new = mixed_frame(seed=1, categories=15)  # three of the shops are unknown
    expected = model.predict_proba(new)
    assert np.ptp(expected[:, 1]) > 0.3
    np.testing.assert_allclose(serving_lines().served(new, tmp_path / "out"), expected, rtol=0, atol=1e-6)


def test_zoned_datetimes_are_read(tmp_path: Path) -> None:
    frame = mixed_frame()
    frame["paid <at>"] = frame["paid <at>"].dt.tz_localize("Europe/Berlin", ambiguous=True, nonexistent="shift_forward")
    model = delivered(SMALL, frame)
    export(model, "xgboost-json", tmp_path / "out")
    served = serving_lines().served(frame, tmp_path / "out")
    np.testing.assert_allclose(served, model.predict_proba(frame), rtol=0, atol=1e-6)


def test_the_booster_knows_its_columns(tmp_path: Path) -> None:
    model = delivered(SMALL, mixed_frame())
    export(model, "xgboost-json", tmp_path / "out")
    booster = xgb.Booster(model_file=tmp_path / "out" / "model.json")
    encoding = json.loads((tmp_path / "out" / "encoding.json").read_text())
    assert booster.feature_names == ["amount _EUR_", "card", "shop", "abroad", "paid _at>", "level"]
    assert booster.feature_names == [column["feature"] for column in encoding["columns"]]
    assert booster.feature_types == ["float", "float", "c", "float", "float", "c"]
    assert model.learner.booster_.feature_names is None  # type: ignore[attr-defined]  # the model is as it was
    assert encoding["classes"] == ["a", "b"]


def test_offsets_and_categories_are_in_the_encoding(tmp_path: Path) -> None:
    model = delivered(SMALL, mixed_frame())
    export(model, "xgboost-json", tmp_path / "out")
    columns = {each["name"]: each for each in json.loads((tmp_path / "out" / "encoding.json").read_text())["columns"]}
    assert columns["card"]["offset"] >= 4_000_000_000
    assert columns["paid <at>"]["offset"] > 1_700_000_000
    assert columns["amount [EUR]"]["offset"] == 0
    assert columns["level"]["categories"] == [10, 20, 30]
    assert "categories" not in columns["card"]
