"""Labelling: what the chosen rows are taught as."""

from dataclasses import dataclass, replace

import numpy as np

from loop.cycle.pool import Pool
from loop.errors import ConfigError
from loop.types import Table


@dataclass(frozen=True)
class ByTeacher:
    """The teacher's probabilities become soft labels.

    Soft, not drawn: labels drawn from the same probabilities teach the doubt as if it were noise, and cost more
    than the new rows bring.
    """

    needs_teacher = True

    def label(self, pool: Pool, rng: np.random.Generator) -> Table:
        if pool.teacher is None:
            raise ConfigError("labeller 'teacher' needs a teacher, got none: pass one or use 'condition'")
        return replace(pool.table, soft=pool.teacher, y=pool.teacher.argmax(axis=1))


@dataclass(frozen=True)
class ByCondition:
    """The label the row was asked for, or its parent's: the classical way."""

    needs_teacher = False

    def label(self, pool: Pool, rng: np.random.Generator) -> Table:
        return pool.table
