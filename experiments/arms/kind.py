"""A kind of plain model that the loop has to beat."""

from dataclasses import dataclass

from loop.protocols import Learner

BOOSTED, RANDOM, OTHER = "boosted trees", "random trees", "other"  # families


@dataclass(frozen=True, eq=False)
class Kind:
    """A kind of plain model; the variant that is best in the first lanes stands for it."""

    name: str
    family: str
    variants: tuple[Learner, ...]  # unfitted
    slow: bool = True  # whether it is fitted on fewer rows of large tables
