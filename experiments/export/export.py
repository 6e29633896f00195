"""Exporting a delivered model: which learner goes into which format, and where it is written."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from experiments.export.encoding import FILE
from experiments.export.onnx_file import write_onnx
from experiments.export.xgboost_json import write_xgboost_json
from learners.forest import ExtraTrees, Forest
from learners.xgboost import XGBoost
from loop.catalogue import check_name
from loop.errors import ConfigError
from loop.model import Model
from loop.support.atomic import replaced

Writer = Callable[[Model, Any, Path], None]
FORMATS: dict[str, tuple[Writer, tuple[type, ...]]] = {  # and the learners that each of them holds
    "xgboost-json": (write_xgboost_json, (XGBoost,)),
    "onnx": (write_onnx, (XGBoost, Forest, ExtraTrees)),
}


def export(model: Model, to: str, folder: Path, *beside: Path) -> None:
    """Write a model in a format that is served without weakspot, replacing an older export but nothing else.

    Parameters
    ----------
    model : Model
    to : str
        One of `FORMATS`.
    folder : Path
        Made; gets the model and ``encoding.json``.
    *beside : Path
        Files that are copied into it, as far as they exist, such as what the model was made from.

    Raises
    ------
    ConfigError
        If there is no such format, it cannot hold the learner of the model or needs a library that is not installed,
        or the folder holds something other than an export.
    """
    check_name("--to", to, tuple(FORMATS))
    write, kinds = FORMATS[to]
    if type(model.learner) not in kinds:  # not of a subclass, which may predict in another way
        raise ConfigError(_refusal(to, type(model.learner)))
    free = not folder.exists() or (folder.is_dir() and ((folder / FILE).is_file() or not any(folder.iterdir())))
    if not free:
        raise ConfigError(
            f"--out must be a new or empty folder, or an older export, and {folder} is not: choose another."
        )
    with replaced(folder) as partial:
        write(model, model.learner, partial)
        for path in filter(Path.is_file, beside):
            shutil.copyfile(path, partial / path.name)


def _refusal(to: str, kind: type) -> str:
    held = ", ".join(each.__name__ for each in FORMATS[to][1])
    others = [name for name, (_, kinds) in FORMATS.items() if kind in kinds]
    elsewhere = "serve it with weakspot predict or MLflow, or run with --learner xgboost and deliver: loop"
    way_out = f"take --to {others[0]}" if others else elsewhere
    return f"--to {to} must get a learner of kind {held}, and the model is of kind {kind.__name__}: {way_out}."
