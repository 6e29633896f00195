"""The final model in a format that plain MLflow serves: ``mlflow models predict -m URI`` returns probabilities.

The format is MLflow's scikit-learn flavour with cloudpickle. Its safer format, skops, accepts only
classes on a list of trusted ones, which ours are not. So load such a model only from a store that you trust.
"""

import importlib.util
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd

from experiments.run.requirements import requirements_of
from loop.model import Model
from loop.tracking.uplink import quiet

CODE = ("loop", "generators", "learners")  # copied with the model, since no package index has it


class Classifier(Protocol):
    """A fitted scikit-learn style classifier."""

    @property
    def classes_(self) -> np.ndarray:
        """Class names in the order of the probabilities."""
        ...

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Return probabilities of shape (n, K) for a frame of n rows."""
        ...


def save_model(model: Classifier, example: pd.DataFrame, path: Path) -> None:
    """Write a model in MLflow's format to a new folder, with signature, input example and what it needs to be served.

    Parameters
    ----------
    model : Classifier
        Fitted on frames with the columns of `example`.
    example : DataFrame
        A few input rows, kept beside the model. They fix the signature: integers become double, because a missing
        value turns an integer column into floats; categories become text.
    path : Path
        The folder, which must not exist.
    """
    rows = _as_served(example)
    answer = np.asarray(model.predict_proba(rows))
    with quiet():
        import mlflow.sklearn
        from mlflow.models import infer_signature

        mlflow.sklearn.save_model(
            model,
            path,
            serialization_format="cloudpickle",
            signature=infer_signature(rows, answer),
            input_example=rows,
            pyfunc_predict_fn="predict_proba",
            pip_requirements=requirements_of(model.learner if isinstance(model, Model) else None),
            code_paths=[str(_package_folder(name)) for name in CODE],
            metadata={"classes": [str(name) for name in model.classes_]},  # in the order of the predicted columns
        )


def _as_served(example: pd.DataFrame) -> pd.DataFrame:
    """Convert the example to the types that a server receives."""
    whole = {name: "float64" for name, dtype in example.dtypes.items() if pd.api.types.is_integer_dtype(dtype)}
    named = {name: "object" for name, dtype in example.dtypes.items() if isinstance(dtype, pd.CategoricalDtype)}
    return example.astype({**whole, **named})


def _package_folder(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(name)
    return Path(spec.origin).parent
