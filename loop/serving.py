"""A model where it is served by MLflow: it takes rows as they arrive there, in frames, JSON or CSV."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from loop.data.retyping import retyped
from loop.model import Model


@dataclass(frozen=True, eq=False)
class ServedModel:
    """Predicts for rows that lost their types on the way; see `loop.data.retyping.retyped`."""

    model: Model

    @property
    def classes_(self) -> np.ndarray:
        """Class names (K,) in the order of the probabilities."""
        return self.model.classes_

    def predict_proba(self, frame: pd.DataFrame) -> np.ndarray:
        """Return calibrated class probabilities (n, K); errors are those of `Model.predict_proba` and `retyped`."""
        return self.model.predict_proba(retyped(self.model.schema, frame))

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        """Return the most probable class of each row, shape (n,)."""
        return self.model.predict(retyped(self.model.schema, frame))

    def __setstate__(self, state: Mapping[str, object]) -> None:
        """Be loaded where MLflow serves; its server then takes CSV, too."""
        self.__dict__.update(state)
        take_csv()


def take_csv() -> None:
    """Let MLflow's scoring server read CSV for signatures with columns of any type.

    It takes frames and JSON for them, and its `Schema.pandas_types`, used for CSV alone, raises. A type of MLflow's own
    is no way out: none takes an integer column with and without missing values. Here a column of any type is read as
    text, so that nothing is lost before the model's own schema decides; signatures of other models are not affected.
    """
    try:
        from mlflow.types.schema import AnyType, Schema
    except ModuleNotFoundError:  # the model was unpickled without MLflow, so there is no server
        return
    if getattr(Schema.pandas_types, "takes_any", False):
        return
    usual = Schema.pandas_types

    def pandas_types(schema: Schema) -> list[np.dtype]:
        if schema.is_tensor_spec() or not any(isinstance(column.type, AnyType) for column in schema.inputs):
            types: list[np.dtype] = usual(schema)
            return types
        return [
            np.dtype(object) if isinstance(column.type, AnyType) else column.type.to_pandas()
            for column in schema.inputs
        ]

    pandas_types.takes_any = True  # type: ignore[attr-defined]
    Schema.pandas_types = pandas_types
