"""The delivered model: a learner with the schema of its frames and the calibration of its probabilities."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from loop.data.encoding import check_range, encode_features
from loop.evaluation.calibration import Calibration, Identity
from loop.protocols import Predictor
from loop.rows import Rows
from loop.types import Schema


@dataclass(frozen=True, eq=False)
class Model:
    """Predicts for frames with the columns of the schema."""

    schema: Schema
    learner: Predictor
    calibration: Calibration = field(default_factory=Identity)

    @property
    def classes_(self) -> np.ndarray:
        """Class names (K,) in the order of the probabilities."""
        return np.asarray(self.schema.classes)

    def predict_proba(self, frame: pd.DataFrame) -> np.ndarray:
        """Return calibrated class probabilities (n, K), in the order of ``schema.classes``.

        Raises
        ------
        DataError
            If a column is missing or of another type, or holds numbers too large.
        """
        return self.proba_of(self.encoded(frame))

    def encoded(self, frame: pd.DataFrame) -> Rows:
        """Return the rows of a frame as the learner takes them; errors are those of `predict_proba`."""
        rows = encode_features(self.schema, frame)
        check_range(self.schema, rows.X)
        return rows

    def proba_of(self, rows: Rows) -> np.ndarray:
        """Return calibrated class probabilities (n, K) of encoded rows."""
        return self.calibration.apply(self.learner.predict_proba(rows))

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        """Return the most probable class of each row, shape (n,)."""
        chosen: np.ndarray = self.classes_[self.predict_proba(frame).argmax(axis=1)]
        return chosen
