"""Sources of proposals, one a file. The catalogue names them without importing them, so heavy libraries load late."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from generators.imblearn_adapter import ImblearnAdapter
    from generators.neighbourhood import Neighbourhood
    from generators.reject import Reject
    from generators.resample import Resample

CATALOGUE: dict[str, str] = {
    "resample": "generators.resample:Resample",
    "neighbourhood": "generators.neighbourhood:Neighbourhood",
    "imblearn": "generators.imblearn_adapter:ImblearnAdapter",
    "reject": "generators.reject:Reject",
}

__all__ = ["CATALOGUE", "ImblearnAdapter", "Neighbourhood", "Reject", "Resample"]


def __getattr__(name: str) -> Any:
    for home in CATALOGUE.values():
        module, _, public = home.partition(":")
        if public == name:
            return getattr(import_module(module), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
