"""The encoding beside an exported model: names that XGBoost allows, and calibrations of one form."""

import json

import numpy as np
import pytest
from exported_models import CALIBRATIONS, mixed_frame
from served_pages import serving_lines

from experiments.export.encoding import calibration_of, encoding_of, feature_names
from loop.data.schema import infer
from loop.evaluation.calibration import Identity
from loop.model import Model


def test_names_stay_apart() -> None:
    assert feature_names(["a[", "a_", "a]", "a<"]) == ["a__", "a_", "a___", "a____"]


def test_names_without_brackets_stay() -> None:
    assert feature_names(["amount (EUR)", "", "größe"]) == ["amount (EUR)", "", "größe"]


@pytest.mark.parametrize("method", CALIBRATIONS)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_calibrations_are_read_as_the_page_says(n_classes: int, method: str) -> None:
    calibration = CALIBRATIONS[method][n_classes]
    p = np.random.default_rng(0).dirichlet(np.full(n_classes, 0.3), 300)
    p[:2] = np.eye(n_classes)[:2]
    told = json.loads(json.dumps(calibration_of(calibration)))
    np.testing.assert_allclose(serving_lines().calibrated(p, **told), calibration.apply(p), atol=1e-12)


def test_columns_are_told_in_order_with_their_kinds() -> None:
    frame = mixed_frame()
    told = encoding_of(Model(infer(frame, "kind"), None, Identity()))  # type: ignore[arg-type]
    kinds = ["numeric", "integer", "categorical", "boolean", "datetime", "categorical"]
    assert [column["kind"] for column in told["columns"]] == kinds
    assert [column["name"] for column in told["columns"]] == list(frame.columns[:-1])
