"""Every generator of the catalogue on tables that break things: huge, rare, empty, wide, whole up to the last digit."""

import pickle
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from generator_makers import maker
from of_columns import of_columns

from generators import GENERATORS, WRAPPERS, ImblearnAdapter, Neighbourhood
from loop.errors import ConditionError, ConfigError
from loop.rows import Rows
from loop.testing.generators.common import column_regions
from loop.testing.generators.values import check_values
from loop.testing.tables import numeric_table
from loop.types import Column, Condition, Region, Request, Samples, Schema, Table

MAKERS = {name: maker(name, short=True) for name in (*of_columns(GENERATORS), *WRAPPERS.names())}
QUICK = ("resample", "neighbourhood", "reject", "copula", "rules")  # the others take minutes for all tables together
NAMES = [pytest.param(name, marks=() if name in QUICK else pytest.mark.stress) for name in MAKERS]
LARGEST = 2**53 - 1  # float64 holds all whole numbers up to here
MOST_SECONDS = 60  # of the processor, for fitting (shortly) and all draws together: what takes longer is of no use


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def constant_columns() -> Table:
    table = numeric_table(300, 4)
    return _with_columns(table, lambda number, x: np.full_like(x, -3.25) if number else np.zeros_like(x))


def missing_columns() -> Table:
    return _with_columns(numeric_table(300, 4), lambda number, x: np.full_like(x, np.nan) if number > 1 else x)


def nothing_but_missing() -> Table:
    return _with_columns(numeric_table(300, 3), lambda number, x: np.full_like(x, np.nan))


def one_row_classes() -> Table:
    table = numeric_table(300)
    y = table.y.copy()
    y[:3] = [2, 3, 4]
    return replace(table, y=y, schema=replace(table.schema, classes=tuple("abcde")))


def ten_thousand_categories() -> Table:
    table = numeric_table(12_000, 3)
    table.X[:, 1] = rng(1).permutation(np.arange(12_000) % 10_000)
    many = Column("many", "categorical", "str", 0, 9_999, tuple(f"c{code}" for code in range(10_000)))
    columns = table.schema.columns
    return replace(table, schema=replace(table.schema, columns=(columns[0], many, columns[2])))


def five_hundred_columns() -> Table:
    return numeric_table(400, 500)


def largest_integers() -> Table:
    table = numeric_table(400, 3)
    table.X[:, 0] = LARGEST - rng(1).integers(0, 1000, 400)
    table.X[:, 1] = LARGEST
    table.X[:, 2] = LARGEST * rng(2).integers(-1, 2, 400)
    columns = tuple(
        Column(f"big{number}", "integer", "int64", float(x.min()), float(x.max())) for number, x in enumerate(table.X.T)
    )
    return replace(table, schema=replace(table.schema, columns=columns))


TABLES: dict[str, Callable[[], Table]] = {
    make.__name__: make
    for make in (
        constant_columns,
        missing_columns,
        nothing_but_missing,
        one_row_classes,
        ten_thousand_categories,
        five_hundred_columns,
        largest_integers,
    )
}


@pytest.mark.slow
@pytest.mark.parametrize("table_name", TABLES)
@pytest.mark.parametrize("name", NAMES)
def test_survives(name, table_name):
    """Rows anywhere, of each class, and in a region: all that columns can hold; the input stays as it was."""
    table = TABLES[table_name]()
    before = pickle.dumps(table)
    requests = [Request(Region(), label, 50) for label in (None, *range(table.n_classes))]
    requests += [Request(region, None, 20) for region in column_regions(table)[:2]]
    with _in_time():
        generator = MAKERS[name]().fit(table, rng())
        for request in requests:
            _check(_sample_or_refuse(generator, request), table)
        assert len(generator.sample(requests[0], rng()).table) >= 40  # of 50: the way out is never to deliver nothing
    assert pickle.dumps(table) == before, "the input was changed"


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_whole_numbers_stay_exact(name):
    made = MAKERS[name]().fit(largest_integers(), rng()).sample(Request(Region(), None, 300), rng()).table
    assert (made.X[:, 1] == LARGEST).all(), "a constant changed in its last digit"
    assert made.X[:, 0].min() >= LARGEST - 999
    assert len(np.unique(made.X[:, 0])) > 10


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_region_of_one_row_in_ten_thousand(name):
    """500 rows of a region with 20 of 200,000 rows, or an honest shortfall."""
    table, region = rare_region()
    with _in_time():
        generator = MAKERS[name]().fit(table, rng())
        for label in (None, 1):
            samples = _sample_or_refuse(generator, Request(region, label, 500))
            _check(samples, table)
            if samples is not None:
                delivered = f"{len(samples.table)} of 500 rows, {samples.tried} tried, by {samples.sampling_method}"
                print(f"{name}, label {label}: {delivered}")


def rare_region(n: int = 200_000) -> tuple[Table, Region]:
    """Three normal columns and one of four categories; about 20 rows are inside, half of them positive."""
    X = rng().normal(size=(n, 4))
    X[:, 3] = rng(1).integers(0, 4, n)
    region = Region((Condition(0, low=2.0), Condition(1, low=2.0, high=3.0), Condition(3, codes=frozenset({2}))))
    y = (rng(2).random(n) < np.where(region.contains(Rows(X)), 0.5, 0.01)).astype(np.int64)
    columns = tuple(Column(f"x{i}", "numeric", "float64", X[:, i].min(), X[:, i].max()) for i in range(3))
    columns += (Column("kind", "categorical", "str", 0, 3, tuple("abcd")),)
    assert 10 <= region.contains(Rows(X)).sum() <= 40
    return Table.real(X, y, Schema(columns, ("no", "yes"))), region


@contextmanager
def _in_time() -> Iterator[None]:
    """Assert that a block ends in time, however busy the machine is with other work."""
    started = time.process_time()
    yield
    seconds = time.process_time() - started
    print(f"{seconds:.1f} s")
    assert seconds < MOST_SECONDS


def _check(samples: Samples | None, table: Table) -> None:
    if samples is None:
        return
    request, made = samples.request, samples.table
    check_values(made)
    assert len(made) + samples.shortfall == request.n
    assert 0 <= len(made) <= min(request.n, samples.tried)
    assert request.region.contains(made.rows).all()
    assert request.label is None or (made.y == request.label).all()
    assert set(made.parents.flat) <= {-1, *table.row_number.tolist()}


def _sample_or_refuse(generator, request: Request) -> Samples | None:
    try:
        return generator.sample(request, rng())
    except ConditionError:
        return None


def _with_columns(table: Table, change: Callable[[int, np.ndarray], np.ndarray]) -> Table:
    """Replace columns, and what the schema knows of them."""
    X = np.column_stack([change(number, x) for number, x in enumerate(table.X.T)])
    columns = tuple(
        Column(f"x{number}", "numeric", "float64", missing=True)
        if np.isnan(x).all()
        else Column(f"x{number}", "numeric", "float64", float(x.min()), float(x.max()))
        for number, x in enumerate(X.T)
    )
    return replace(table, rows=Rows(X), schema=replace(table.schema, columns=columns))


class TestReference:
    """The search for neighbours is bounded by looking among some of the rows; nothing else may change."""

    def test_rows_outside_it_find_proper_neighbours(self):
        table = numeric_table(400, 3)
        generator = Neighbourhood(interpolate=1, swap=0, noise=0, neighbours=1, reference=200).fit(table, rng())
        made = generator.sample(Request(Region(), None, 2000), rng()).table
        start, among = table.X[made.parents[:, 0]], table.X[generator.reference_]
        distance = np.linalg.norm((start[:, None] - among) / generator.scale_, axis=2)
        distance[distance == 0] = np.inf  # the row itself
        nearest = among[distance.argmin(axis=1)]
        span = np.linalg.norm(nearest - start, axis=1)
        detour = np.linalg.norm(made.X - start, axis=1) + np.linalg.norm(nearest - made.X, axis=1)
        np.testing.assert_allclose(detour, span, atol=1e-4)  # on the straight line to the one nearest row
        assert np.isin(made.parents[:, 0], generator.reference_).mean() < 0.6, "all rows start proposals"

    def test_it_survives_saving(self, tmp_path):
        table, request = numeric_table(400), Request(Region(), None, 50)
        generator = Neighbourhood(reference=100).fit(table, rng(5))
        generator.save(tmp_path)
        loaded = Neighbourhood.load(tmp_path)
        np.testing.assert_array_equal(loaded.sample(request, rng()).table.X, generator.sample(request, rng()).table.X)

    def test_an_over_sampler_sees_that_many_of_a_class(self):
        table = numeric_table(400)
        generator = ImblearnAdapter("RandomOverSampler", reference=10).fit(table, rng())
        made = generator.sample(Request(Region(), 0, 200), rng()).table
        assert len(made) == 200
        assert len(np.unique(made.X, axis=0)) <= 10
        smote = ImblearnAdapter("BorderlineSMOTE", reference=20).fit(table, rng())
        assert len(smote.sample(Request(Region(), 1, 30), rng()).table) == 30

    @pytest.mark.parametrize("make", [lambda: Neighbourhood(reference=0), lambda: ImblearnAdapter(reference=1)])
    def test_too_few_rows_are_refused(self, make):
        with pytest.raises(ConfigError, match="reference must be at least"):
            make()
