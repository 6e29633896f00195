"""The final model in a format that plain MLflow serves: ``mlflow models predict -m URI`` returns probabilities.

The format is MLflow's scikit-learn flavour with cloudpickle. Its safer format, skops, accepts only
classes on a list of trusted ones, which ours are not. So load such a model only from a store that you trust.
"""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd

from experiments.run.requirements import requirements_of
from experiments.trust.provenance.record import Provenance
from loop.catalogue import ENCODERS
from loop.data.encoding import original_columns, original_names
from loop.model import Model
from loop.serving import ServedModel
from loop.tracking.uplink import quiet

CODE = ("loop", "generators", "learners")  # copied with the model, since no package index has it


def save_model(model: Model, example: pd.DataFrame, path: Path, made_from: Provenance | None = None) -> None:
    """Write a model in MLflow's format to a new folder, with signature, input example and what it needs to be served.

    The signature names the columns and leaves their types open, as MLflow's types take integers either with or without
    missing values, and no time with a zone. The schema of the model decides instead, see `loop.serving`.

    Parameters
    ----------
    model : Model
    example : DataFrame
        A few input rows as the user wrote them, kept beside the model.
    path : Path
        The folder, which must not exist.
    made_from : Provenance, optional
        Kept beside the model, so that its inputs with their licences can be told where it is served.
    """
    served = ServedModel(model)
    for array in model.schema.arrays:  # as they arrive where they are served
        cells = pd.Series([_listed(cell) for cell in example[array.column]], index=example.index, dtype=object)
        example = example.assign(**{array.column: cells})
    answer = np.asarray(served.predict_proba(example))
    known = original_columns(model.schema)
    with quiet():
        import mlflow.sklearn
        from mlflow.models import ModelSignature, infer_signature
        from mlflow.types.schema import AnyType, ColSpec, Schema

        columns = Schema([ColSpec(AnyType(), name) for name in original_names(model.schema)])
        mlflow.sklearn.save_model(
            served,
            path,
            serialization_format="cloudpickle",
            signature=ModelSignature(columns, infer_signature(model_output=answer).outputs),
            input_example=example,
            pyfunc_predict_fn="predict_proba",
            pip_requirements=requirements_of(model.learner),
            code_paths=[str(_package_folder(name)) for name in CODE],
            metadata={
                "classes": [str(name) for name in model.classes_],  # in the order of the predicted columns
                "columns": {column.name: column.kind for column in known}
                | {array.column: str(ENCODERS.name_of(type(array.encoder))) for array in model.schema.arrays},
                **({} if made_from is None else {"provenance": made_from.record}),
            },
        )


def _listed(cell: object) -> object:
    return cell.tolist() if isinstance(cell, np.ndarray) else cell


def _package_folder(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(name)
    return Path(spec.origin).parent
