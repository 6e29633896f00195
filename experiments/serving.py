"""Log the final model so that plain MLflow serves it: ``mlflow models predict -m URI`` answers with probabilities.

The format is MLflow's scikit-learn flavour with cloudpickle. Its safer format, skops, refuses every class that is not
on a list of trusted ones, which ours cannot be; so load such a model only from a store that you trust.
"""

import importlib.metadata
import importlib.util
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd

from loop.tracking import MlflowTracker
from loop.tracking.uplink import Uplink, lost_connection, quiet

FOLDER = "model"
REQUIREMENTS = ("cloudpickle", "numpy", "pandas", "scikit-learn", "scipy", "xgboost")
CODE = ("loop", "generators", "learners")  # travels with the model, since no package index has it


class Classifier(Protocol):
    """A fitted scikit-learn style classifier."""

    @property
    def classes_(self) -> np.ndarray:
        """Class names in the order of the probabilities."""
        ...

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Return probabilities of shape (n, K) for a frame of n rows."""
        ...


def log_model(
    tracker: MlflowTracker, model: Classifier, example: pd.DataFrame, requirements: Sequence[str] = REQUIREMENTS
) -> str:
    """Keep a fitted model among the files of an open run; register it if the settings name a registered model.

    Parameters
    ----------
    tracker : MlflowTracker
        Of a run that has been started and not finished.
    model : Classifier
        Fitted on frames with the columns of `example`.
    example : DataFrame
        A few input rows, kept beside the model. They fix the signature: integers become double, because a missing
        value turns an integer column into floats; categories become text.
    requirements : sequence of str
        Distributions that serving needs, pinned to the versions installed here.

    Returns
    -------
    str
        ``runs:/RUN/model``, or the folder of the local copy if MLflow did not take it (see ``tracker.failure``).
    """
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / FOLDER
        save_model(model, example, path, requirements)
        tracker.attach(path)
    if tracker.uplink is None or tracker.failure is not None:
        return str(tracker.local.folder / "files" / FOLDER)
    if tracker.settings.registered_model is not None:
        _register(tracker, tracker.uplink, tracker.settings.registered_model)
    return f"runs:/{tracker.uplink.run_id}/{FOLDER}"


def save_model(
    model: Classifier, example: pd.DataFrame, path: Path, requirements: Sequence[str] = REQUIREMENTS
) -> None:
    """Write a model in MLflow's format to a new folder, with signature, input example and the code it needs."""
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
            pip_requirements=[f"{name}=={importlib.metadata.version(name)}" for name in requirements],
            code_paths=[str(_package_folder(name)) for name in CODE],
            metadata={"classes": [str(name) for name in model.classes_]},  # the order of the answer's columns
        )


def _as_served(example: pd.DataFrame) -> pd.DataFrame:
    """Give the example the types in which rows arrive at a server."""
    whole = {name: "float64" for name, dtype in example.dtypes.items() if pd.api.types.is_integer_dtype(dtype)}
    named = {name: "object" for name, dtype in example.dtypes.items() if isinstance(dtype, pd.CategoricalDtype)}
    return example.astype({**whole, **named})


def _package_folder(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(name)
    return Path(spec.origin).parent


def _register(tracker: MlflowTracker, uplink: Uplink, name: str) -> None:
    with quiet():
        try:
            if not uplink.client.search_registered_models(f"name = '{name}'"):
                uplink.client.create_registered_model(name)
            uplink.client.create_model_version(name, f"runs:/{uplink.run_id}/{FOLDER}", uplink.run_id)
        except lost_connection() as error:
            cause = str(error).splitlines()[0]
            tracker.unregistered = f"MLflow did not register the model as {name!r} ({cause}): register it by hand."
