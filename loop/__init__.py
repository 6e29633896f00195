"""The loop: train, find weak regions, make rows there, retrain, and prove whether that helped."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loop.controller import conclude, generations, prepare
    from loop.estimator import LoopClassifier
    from loop.parts import Parts, Settings

__all__ = ["LoopClassifier", "Parts", "Settings", "conclude", "generations", "prepare"]

_HOME = {
    "LoopClassifier": "loop.estimator",
    "Parts": "loop.parts",
    "Settings": "loop.parts",
    "conclude": "loop.controller",
    "generations": "loop.controller",
    "prepare": "loop.controller",
}


def __getattr__(name: str) -> object:
    """Load a public name on first use, so that ``import loop`` stays fast."""
    if name not in _HOME:
        raise AttributeError(f"module 'loop' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
