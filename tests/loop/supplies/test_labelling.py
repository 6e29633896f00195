"""Labels of new rows: the teacher's doubt stays doubt, and the condition stays what was asked for."""

from collections.abc import Callable

import numpy as np
import pytest

from loop.catalogue import LABELLERS
from loop.errors import ConfigError
from loop.supplies.labelling import ByCondition, ByTeacher
from loop.supplies.pool import Pool
from loop.testing.labellers import LAWS, Make
from loop.testing.tables import numeric_table

TABLE = numeric_table(6)
TAUGHT = np.array([[0.9, 0.1], [0.5, 0.5], [0.4, 0.6], [0.0, 1.0], [1.0, 0.0], [0.7, 0.3]])
POOL = Pool(TABLE, learner=1 - TAUGHT, teacher=TAUGHT, variance=np.zeros(6))


def test_teacher_labels_are_soft_and_their_code_the_likeliest_class() -> None:
    labelled = ByTeacher().label(POOL, np.random.default_rng(0))
    np.testing.assert_array_equal(labelled.targets, TAUGHT)
    np.testing.assert_array_equal(labelled.y, [0, 0, 1, 1, 0, 0])


def test_condition_labels_are_hard_and_as_proposed() -> None:
    labelled = ByCondition().label(POOL, np.random.default_rng(0))
    np.testing.assert_array_equal(labelled.y, TABLE.y)
    assert np.isin(labelled.targets, (0, 1)).all()


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
@pytest.mark.parametrize("name", LABELLERS.names())
def test_law(name: str, law: Callable[[Make], None]) -> None:
    law(lambda: LABELLERS.make(name))


@pytest.mark.parametrize("name", LABELLERS.names())
def test_rows_and_their_trail_stay(name: str) -> None:
    labelled = LABELLERS.make(name).label(POOL, np.random.default_rng(0))
    for field in ("X", "weight", "generation", "supply", "parents"):
        np.testing.assert_array_equal(getattr(labelled, field), getattr(TABLE, field))


def test_labels_without_a_teacher_are_refused() -> None:
    with pytest.raises(ConfigError, match="needs a teacher, got none: pass one or use 'condition'"):
        ByTeacher().label(Pool(TABLE, TAUGHT), np.random.default_rng(0))
