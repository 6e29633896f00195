"""The catalogue of learners. A name costs nothing until it is used: libraries load with their learner."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from learners.committee import Committee
    from learners.forest import ExtraTrees, Forest
    from learners.linear import Linear
    from learners.mlp import MLP
    from learners.sklearn_adapter import SklearnAdapter
    from learners.xgboost import XGBoost

__all__ = ["CATALOGUE", "MLP", "Committee", "ExtraTrees", "Forest", "Linear", "SklearnAdapter", "XGBoost"]

CATALOGUE: dict[str, str] = {
    "linear": "learners.linear:Linear",
    "forest": "learners.forest:Forest",
    "extra_trees": "learners.forest:ExtraTrees",
    "sklearn_adapter": "learners.sklearn_adapter:SklearnAdapter",
    "mlp": "learners.mlp:MLP",
    "xgboost": "learners.xgboost:XGBoost",
    "committee": "learners.committee:Committee",
}

_MODULES = {name: module for module, name in (path.split(":") for path in CATALOGUE.values())}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
