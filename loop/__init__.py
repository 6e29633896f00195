"""The loop: train, find weak regions, make rows there, retrain, and prove whether that helped.

Lanes and judge rows are explained in `loop.cycle.lanes`.
"""

from typing import TYPE_CHECKING

from loop.catalogue import lazy

if TYPE_CHECKING:
    from loop.cycle.conclusion import conclude
    from loop.cycle.controller import generations, prepare
    from loop.cycle.driver import run_loop
    from loop.cycle.parts import Parts, Settings
    from loop.estimator import LoopClassifier

__all__ = ["LoopClassifier", "Parts", "Settings", "conclude", "generations", "prepare", "run_loop"]

__getattr__ = lazy(
    __name__,
    (
        "loop.estimator:LoopClassifier",
        "loop.cycle.parts:Parts",
        "loop.cycle.parts:Settings",
        "loop.cycle.conclusion:conclude",
        "loop.cycle.controller:generations",
        "loop.cycle.controller:prepare",
        "loop.cycle.driver:run_loop",
    ),
)
