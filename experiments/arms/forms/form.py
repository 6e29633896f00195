"""The usual parts for one kind of array: what the loop trains, what teaches it, what makes rows, what must be beaten."""

from dataclasses import dataclass

from experiments.arms.plain import Kind
from loop.protocols import Generator, Learner


@dataclass(frozen=True, eq=False)
class Form:
    """Unfitted parts for rows whose first array has one kind of encoder."""

    learner: Learner
    members: tuple[Learner, ...]  # of the teacher's committee
    generator: Generator
    kinds: tuple[Kind, ...]  # plain models on real rows alone, with what others would use instead of the loop
