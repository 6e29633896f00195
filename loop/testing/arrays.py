"""Laws of learners and generators that work on the arrays beside the columns.

Each takes a maker of unfitted parts and a table of two or more classes whose schema has one array, with an encoder.
"""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from loop.encoders import rows_of
from loop.errors import DataError
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import score
from loop.protocols import Generator, Learner
from loop.rows import Rows
from loop.types import Condition, Region, Request, Samples, Table

MakeLearner = Callable[[], Learner]
MakeGenerator = Callable[[], Generator]


def _rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def _content(table: Table) -> list[bytes]:
    held = (table.X, table.y, table.weight, table.parents, table.targets, *table.rows.arrays.values())
    return [np.ascontiguousarray(each).tobytes() for each in held]


def _refuses(make: Callable[[], Any], table: Table) -> None:
    try:
        make().fit(table, _rng())
    except DataError:
        return
    raise AssertionError("the table must be refused by a DataError")


def _array(table: Table) -> str:
    return table.schema.arrays[0].column


def upper_halves(table: Table) -> list[Region]:
    """Return a region for each column made of the array: its rows above the median."""
    at = [table.schema.names.index(name) for name in table.schema.arrays[0].names if name in table.schema.names]
    return [Region((Condition(i, low=float(np.median(table.X[:, i]))),), f"column {i}") for i in at]


def _samples(make: MakeGenerator, table: Table, region: Region, label: int | None, n: int, seed: int = 1) -> Samples:
    return make().fit(table, _rng()).sample(Request(region, label, n), _rng(seed))


def rows_agree_with_their_arrays(make: MakeGenerator, table: Table) -> None:
    made, name = _samples(make, table, Region(), None, 40).table, _array(table)
    assert len(made) > 0
    real = table.rows.arrays[name]
    assert made.rows.arrays[name].dtype.kind == real.dtype.kind
    assert made.rows.arrays[name].shape[1:] == real.shape[1:]
    np.testing.assert_array_equal(rows_of(made.schema, made.X, made.rows.arrays).X, made.X)
    Table.concat([table, made])  # what is made can be put beside what is real


def rows_lie_in_the_region(make: MakeGenerator, table: Table) -> None:
    generator, found = make().fit(table, _rng()), 0
    for region in upper_halves(table):
        samples = generator.sample(Request(region, None, 20), _rng(1))
        assert len(samples.table) <= 20
        assert samples.tried >= len(samples.table)
        assert region.contains(samples.table.rows).all(), region.text
        found += len(samples.table) > 0
    assert found >= len(upper_halves(table)) / 2, "most regions that hold half of all rows must be reached"


def rows_have_the_label_asked_for(make: MakeGenerator, table: Table) -> None:
    for label in range(table.n_classes):
        made = _samples(make, table, Region(), label, 10).table
        assert len(made) > 0
        assert (made.y == label).all()


def nothing_is_made_where_nothing_is_asked(make: MakeGenerator, table: Table) -> None:
    nowhere = Region((Condition(0, low=1e30),), "nowhere")
    for region, n in ((Region(), 0), (nowhere, 3)):
        made = _samples(make, table, region, None, n).table
        assert len(made) == 0
        assert set(made.rows.arrays) == set(table.rows.arrays), "no rows have the arrays, too"


def parents_are_real_rows(make: MakeGenerator, table: Table) -> None:
    made = _samples(make, table.numbered(np.arange(len(table)) + 1000), Region(), None, 30).table
    assert np.isin(made.parents, [-1, *range(1000, 1000 + len(table))]).all()
    assert (made.generation == -1).all()


def the_seed_decides(make: MakeGenerator, table: Table) -> None:
    one, same, other = (_samples(make, table, Region(), None, 20, seed).table for seed in (1, 1, 2))
    assert _content(one) == _content(same)
    assert _content(one) != _content(other)


def the_table_is_left_alone(make: MakeGenerator, table: Table) -> None:
    before = _content(table)
    made = _samples(make, table, Region(), None, 20).table
    for array in made.rows.arrays.values():
        array[...] = array[:1]  # what is handed out must be no view of what is kept
    assert _content(table) == before


def only_real_rows_teach(make: MakeGenerator, table: Table) -> None:
    _refuses(make, replace(table, generation=np.ones(len(table), dtype=np.int64)))


def a_saved_generator_makes_the_same_rows(make: MakeGenerator, table: Table) -> None:
    generator: Any = make().fit(table, _rng())
    with tempfile.TemporaryDirectory() as folder:
        generator.save(Path(folder) / "part")
        again = type(generator).load(Path(folder) / "part")
    request = Request(Region(), None, 15)
    assert _content(again.sample(request, _rng(1)).table) == _content(generator.sample(request, _rng(1)).table)


GENERATOR_LAWS: tuple[Callable[[MakeGenerator, Table], None], ...] = (
    rows_agree_with_their_arrays,
    rows_lie_in_the_region,
    rows_have_the_label_asked_for,
    nothing_is_made_where_nothing_is_asked,
    parents_are_real_rows,
    the_seed_decides,
    the_table_is_left_alone,
    only_real_rows_teach,
    a_saved_generator_makes_the_same_rows,
)


def _proba(make: MakeLearner, table: Table, rows: Rows, seed: int = 0) -> np.ndarray:
    return make().fit(table, _rng(seed)).predict_proba(rows)


def _valid(proba: np.ndarray, n: int, n_classes: int) -> None:
    assert proba.shape == (n, n_classes)
    assert (proba >= 0).all()
    np.testing.assert_allclose(proba.sum(axis=1), 1, atol=1e-5)


def answers_are_probabilities(make: MakeLearner, table: Table) -> None:
    learner = make().fit(table, _rng())
    for rows in (table.rows, table.rows.take(np.arange(1)), table.rows.take(np.arange(0))):
        _valid(learner.predict_proba(rows), len(rows), table.n_classes)


def a_row_has_its_answer_in_any_company(make: MakeLearner, table: Table) -> None:
    learner = make().fit(table, _rng())
    some = np.arange(0, len(table), 7)
    alone, together = learner.predict_proba(table.rows.take(some)), learner.predict_proba(table.rows)[some]
    np.testing.assert_allclose(alone, together, atol=1e-5)


def new_rows_are_told_apart(make: MakeLearner, table: Table) -> None:
    order = _rng(5).permutation(len(table))
    half = len(table) // 2
    learner = make().fit(table.take(order[:half]), _rng())
    other = table.take(order[half:])
    positive = other.schema.positive
    judged = JudgeRows((other.y == positive).astype(int), 1)
    proba = learner.predict_proba(other.rows)[:, positive]
    found = score("average_precision", judged, np.column_stack([1 - proba, proba]))
    assert found > 1.5 * judged.y.mean(), f"average precision {found:.2f} at a prevalence of {judged.y.mean():.2f}"


def the_seed_of_a_fit_decides(make: MakeLearner, table: Table) -> None:
    np.testing.assert_array_equal(_proba(make, table, table.rows, 3), _proba(make, table, table.rows, 3))


def soft_labels_count(make: MakeLearner, table: Table) -> None:
    soft = np.roll(np.eye(table.n_classes)[table.y], 1, axis=1)  # each row says the next class
    taught = _proba(make, replace(table, soft=soft), table.rows)
    assert (taught.argmax(axis=1) == soft.argmax(axis=1)).mean() > (taught.argmax(axis=1) == table.y).mean()


def rows_without_weight_teach_nothing(make: MakeLearner, table: Table) -> None:
    wrong = (table.y + 1) % table.n_classes
    without = replace(table, y=wrong, soft=None, weight=np.zeros(len(table)))
    both = Table.concat([table, without, without])  # twice, so that one that ignores weights follows them
    proba = _proba(make, both, table.rows)
    assert (proba.argmax(axis=1) == table.y).mean() > (proba.argmax(axis=1) == wrong).mean()


def absent_classes_keep_their_column(make: MakeLearner, table: Table) -> None:
    proba = _proba(make, table.take(table.y != 0), table.rows)
    _valid(proba, len(table), table.n_classes)
    assert proba[:, 0].mean() < 0.2
    one = _proba(make, table.take(table.y == 0), table.rows)
    _valid(one, len(table), table.n_classes)


def the_training_table_is_left_alone(make: MakeLearner, table: Table) -> None:
    before = _content(table)
    _proba(make, table, table.rows)
    assert _content(table) == before


def rows_without_the_array_are_refused(make: MakeLearner, table: Table) -> None:
    bare = replace(table, rows=Rows(table.X), schema=replace(table.schema, arrays=()))
    _refuses(make, bare)


def a_saved_learner_gives_the_same_answers(make: MakeLearner, table: Table) -> None:
    learner: Any = make().fit(table, _rng())
    with tempfile.TemporaryDirectory() as folder:
        learner.save(Path(folder) / "part")
        again = type(learner).load(Path(folder) / "part")
    np.testing.assert_array_equal(again.predict_proba(table.rows), learner.predict_proba(table.rows))


LEARNER_LAWS: tuple[Callable[[MakeLearner, Table], None], ...] = (
    answers_are_probabilities,
    a_row_has_its_answer_in_any_company,
    new_rows_are_told_apart,
    the_seed_of_a_fit_decides,
    soft_labels_count,
    rows_without_weight_teach_nothing,
    absent_classes_keep_their_column,
    the_training_table_is_left_alone,
    rows_without_the_array_are_refused,
    a_saved_learner_gives_the_same_answers,
)
