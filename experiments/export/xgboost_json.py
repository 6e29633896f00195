"""An XGBoost learner as XGBoost's own JSON, with what encodes a frame for it and calibrates its answers."""

from pathlib import Path

import xgboost as xgb

from experiments.export.encoding import FILE, calibration_of, encoding_of, feature_names, with_features
from learners.xgboost import XGBoost
from loop.model import Model
from loop.support.atomic import write_json

MODEL = "model.json"


def write_xgboost_json(model: Model, learner: XGBoost, folder: Path) -> None:
    """Write the trees and their encoding into a folder.

    Parameters
    ----------
    model : Model
    learner : XGBoost
        The learner of the model.
    folder : Path
        Exists and is empty.
    """
    booster = xgb.Booster(model_file=learner.booster_.save_raw("ubj"))  # a copy, as it gets names
    booster.feature_names = feature_names(model.schema.names)
    booster.feature_types = list(learner.feature_types_)
    booster.save_model(folder / MODEL)
    encoding = with_features(encoding_of(model), booster.feature_names, learner.offsets_.offsets)
    write_json(folder / FILE, encoding | {"calibration": calibration_of(model.calibration)})
