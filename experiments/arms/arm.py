"""One fitted model of a comparison."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from experiments.arms.names import TEACHER, WITH_STATED, is_loop
from loop.cycle.held_back import Caught
from loop.protocols import Predictor

AS_MUCH = 0.05  # of two models that catch so nearly the same share of a stated pattern, the judge rows choose


@dataclass(frozen=True, eq=False)
class Arm:
    """One fitted model of a comparison: a plain model, another cheap alternative, the loop or its teacher."""

    name: str
    predictor: Predictor
    seconds_fit: float
    note: str = ""
    plain: bool = False  # whether it is a plain model: a learner with given settings, on the real rows as they are
    judged: np.ndarray | None = None  # (j, K) out-of-fold answers for the judge rows, of arms that may be delivered
    whole: Callable[[], Predictor] | None = None  # fits it on all rows, where the predictor was fitted on fewer
    known: tuple[Caught, ...] = ()  # stated patterns that it was taught, with what it catches of them

    @property
    def cheap(self) -> bool:
        """Whether this is an alternative that the loop has to beat."""
        return not is_loop(self.name) and self.name not in (TEACHER, WITH_STATED)

    @property
    def knows(self) -> bool:
        """Whether it catches more of a stated pattern than the learner on real rows alone."""
        return any(each.after.estimate - each.before.estimate > AS_MUCH for each in self.known)
