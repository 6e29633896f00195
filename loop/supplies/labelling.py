"""Labelling: which labels the chosen rows get."""

from dataclasses import dataclass, replace

import numpy as np

from loop.errors import ConfigError
from loop.supplies.pool import Pool
from loop.types import Table


@dataclass(frozen=True)
class ByTeacher:
    """The teacher's probabilities become soft labels.

    Soft, not drawn: labels drawn from the same probabilities add label noise, and that costs more than the new rows
    gain.
    """

    needs_teacher = True

    def label(self, pool: Pool, rng: np.random.Generator) -> Table:
        """Return the rows with the teacher's probabilities (n, K) as soft labels; ConfigError without a teacher."""
        if pool.teacher is None:
            raise ConfigError("labeller 'teacher' needs a teacher, got none: pass one or use 'condition'")
        return replace(pool.table, soft=pool.teacher, y=pool.teacher.argmax(axis=1))


@dataclass(frozen=True)
class ByCondition:
    """Each row keeps the label that was requested, or its parent's, as in classical oversampling."""

    needs_teacher = False

    def label(self, pool: Pool, rng: np.random.Generator) -> Table:
        """Return the rows with the labels that they have."""
        return pool.table
