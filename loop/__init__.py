"""The loop: train, find weak regions, make rows there, retrain, and prove whether that helped."""

from typing import TYPE_CHECKING

from loop.catalogue import lazy

if TYPE_CHECKING:
    from loop.controller import conclude, generations, prepare
    from loop.estimator import LoopClassifier
    from loop.parts import Parts, Settings

__all__ = ["LoopClassifier", "Parts", "Settings", "conclude", "generations", "prepare"]

__getattr__ = lazy(
    __name__,
    (
        "loop.estimator:LoopClassifier",
        "loop.parts:Parts",
        "loop.parts:Settings",
        "loop.controller:conclude",
        "loop.controller:generations",
        "loop.controller:prepare",
    ),
)
