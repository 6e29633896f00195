"""An XGBoost learner or a forest as an ONNX file, with what it takes to encode a frame for it."""

from pathlib import Path

from experiments.export.encoding import FILE, encoding_of
from learners.forest import Forest
from learners.xgboost import XGBoost
from loop.errors import ConfigError
from loop.model import Model
from loop.support.atomic import write_json

MODEL = "model.onnx"


def write_onnx(model: Model, learner: XGBoost | Forest, folder: Path) -> None:
    """Write the graph and the encoding of its columns into a folder; offsets and calibration are in the graph.

    Parameters
    ----------
    model : Model
    learner : XGBoost or Forest
        The learner of the model.
    folder : Path
        Exists and is empty.

    Raises
    ------
    ConfigError
        If the library onnx is not installed.
    """
    try:
        from experiments.export.graph import graph_of
    except ImportError as error:
        if error.name is None or error.name.split(".")[0] != "onnx":
            raise
        raise ConfigError(
            "--to onnx must find the library onnx, and Python cannot import it: pip install 'weakspot[export]'."
        ) from error
    (folder / MODEL).write_bytes(graph_of(model, learner).SerializeToString())
    write_json(folder / FILE, encoding_of(model))
