"""Given rows: they obey the laws of generators that ask nothing of labels or parents, and each is proposed once."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from tiny import rare_table, tiny_parts

from loop.cycle.driver import run_loop
from loop.cycle.lanes import deal
from loop.cycle.parts import Settings
from loop.data.encoding import decode
from loop.data.split import equal_to
from loop.errors import DataError
from loop.protocols import Finite
from loop.rows import Rows
from loop.supplies.given import GivenRows
from loop.testing.generators import Make, conditioning, honesty, learning, reproducibility, values
from loop.testing.tables import mixed_table
from loop.types import Condition, Region, Request, Table

ANYWHERE = Request(Region(), None, 1000)
LAWS: tuple[Callable[[Make], None], ...] = (
    conditioning.delivers_inside_a_region_on_each_column,
    conditioning.beats_unconditional_sampling_on_each_column,
    conditioning.conditions_on_later_discrete_columns,
    *values.LAWS[:1],  # not the ranges of the training rows: others are real, too
    values.keeps_rare_categories,
    values.keeps_constant_and_empty_columns,
    honesty.says_which_way_was_taken,
    honesty.reports_what_it_delivered,
    honesty.answers_zero_with_an_empty_table,
    honesty.gives_up_on_an_impossible_region,
    honesty.names_parents_that_exist,
    *learning.LAWS[:4],
    *reproducibility.LAWS,
)
LABELLED: tuple[Callable[[Make], None], ...] = (
    *LAWS,
    learning.copes_with_a_class_of_one_row,
    conditioning.gives_the_label_asked_for,
    conditioning.keeps_the_prior_when_no_label_is_asked,
    honesty.marks_rows_as_synthetic,
)


@cache
def frame() -> pd.DataFrame:
    table = mixed_table(8000, seed=5)
    return decode(table.schema, table).drop(columns="target")


def by_score(table: Table, rows: Rows, rng: np.random.Generator) -> np.ndarray:
    """Label a tenth of the rows as positive."""
    return np.eye(table.n_classes)[(rows.X[:, 1] > 1.28).astype(int)]


unknown: Make = lambda: GivenRows(frame())  # noqa: E731
labelled: Make = lambda: GivenRows(frame(), by_score)  # noqa: E731


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_rows_without_labels_obey(law: Callable[[Make], None]) -> None:
    law(unknown)


@pytest.mark.parametrize("law", LABELLED, ids=lambda law: law.__name__)
def test_labelled_rows_obey(law: Callable[[Make], None]) -> None:
    law(labelled)


def small(n: int = 300, seed: int = 1) -> pd.DataFrame:
    table = rare_table(n, seed)
    return decode(table.schema, table)[["x0", "x1", "x2", "x3"]]


def sampled(generator: GivenRows, request: Request = ANYWHERE) -> Table:
    return generator.sample(request, np.random.default_rng(0)).table


def test_each_row_comes_once_as_it_is_and_nothing_is_said_of_its_label() -> None:
    made = sampled(GivenRows(small()).fit(rare_table(), np.random.default_rng(0)))
    assert sorted(made.X[:, 0]) == sorted(small()["x0"])
    assert (made.y == -1).all()
    assert made.soft is not None
    assert np.isnan(made.soft).all()
    assert (made.parents == -1).all()
    assert not made.is_real.any()


def test_rows_that_are_known_already_are_refused_and_counted() -> None:
    table = rare_table()
    generator = GivenRows(pd.concat([small(), decode(table.schema, table)[["x0", "x1", "x2", "x3"]][:40]]))
    generator.fit(table.take(np.arange(10, 500)), np.random.default_rng(0))  # a lane without ten of them
    assert generator.refused_ == 30
    made = sampled(generator)
    assert len(made) == 310
    assert equal_to(made.X, table.X).sum() == 10


def test_what_has_no_label_is_never_proposed_and_probabilities_stay_soft() -> None:
    def some(table: Table, rows: Rows, rng: np.random.Generator) -> np.ndarray:
        proba = np.tile([0.3, 0.7], (len(rows), 1))
        proba[rows.X[:, 0] < 0] = np.nan
        return proba

    made = sampled(GivenRows(small(), some).fit(rare_table(), np.random.default_rng(0)))
    assert (made.X[:, 0] >= 0).all()
    assert len(made) == (small()["x0"] >= 0).sum()
    assert (made.y == 1).all()
    assert made.soft is not None
    assert (made.soft == [0.3, 0.7]).all()


def test_rows_without_labels_answer_for_any_class() -> None:
    generator = GivenRows(small()).fit(rare_table(), np.random.default_rng(0))
    assert len(sampled(generator, Request(Region(), 1, 20))) == 20


def test_without_some_rows_the_others_are_left() -> None:
    generator = GivenRows(small()).fit(rare_table(), np.random.default_rng(0))
    assert isinstance(generator, Finite)
    first = sampled(generator, Request(Region(), None, 100))
    rest = sampled(generator.without(first.rows))
    assert len(rest) == 200
    assert not equal_to(rest.X, first.X).any()
    assert len(sampled(generator)) == 300  # itself unchanged


def test_a_missing_column_and_a_table_without_real_rows_are_refused() -> None:
    with pytest.raises(DataError, match="'x3' must be in the data"):
        GivenRows(small().drop(columns="x3")).fit(rare_table(), np.random.default_rng(0))
    table = rare_table()
    with pytest.raises(DataError, match="given rows must be compared with real rows"):
        GivenRows(small()).fit(replace(table, generation=np.ones(len(table), dtype=np.int64)), np.random.default_rng(0))


def test_a_loop_takes_no_row_twice_and_ends_when_none_is_left() -> None:
    """A pool of sixty: the second generation gets the rows that the first has left, and the third none."""
    table = rare_table(300)
    parts = tiny_parts(generator=GivenRows(small(60)), gates=(), settings=Settings(generations=4, jobs=1, pool=2))
    parts = replace(parts, supplies=(replace(parts.supplies[0], name="taught: pool", rows=160, stated=True),))
    run = run_loop(parts, table, deal(table, np.random.default_rng(0)), np.random.default_rng(0))
    assert [len(each.rows) for each in run.history] == [40, 20, 0]
    made = run.outcome.synthetic
    assert sorted(made.X[:, 0]) == sorted(small(60)["x0"])
    assert made.soft is not None
    assert {origin.supply for origin in run.outcome.origins} == {"taught: pool"}
    assert not made.is_real.any()
    assert run.outcome.caught == ()  # given rows cannot be held back


def test_one_row_answers_one_request_of_a_generation() -> None:
    """Regions and the rest of the space are asked for in turn; both would get the same rows of a small pool."""
    from loop.cycle.propose import _sampled

    generator = GivenRows(small(50)).fit(rare_table(), np.random.default_rng(0))
    right = Region((Condition(0, low=0.0),), text="x0 > 0")
    one, other = _sampled(generator, (Request(right, None, 50), Request(Region(), None, 50)), np.random.default_rng(0))
    assert len(one.table) + len(other.table) == 50
    assert not equal_to(other.table.X, one.table.X).any()
