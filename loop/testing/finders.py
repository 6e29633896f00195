"""Laws that every finder of weak regions must obey, on tables where the truth is known."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from scipy.stats import binom

from loop.protocols import RegionFinder
from loop.testing.held import hold
from loop.types import Column, Region, Schema, Table

Inside = Callable[[Table], np.ndarray]  # which rows of a table are weak: a mask (n,)

SCHEMA = Schema(
    columns=(
        Column("amount", "numeric", "float64"),
        Column("hour", "integer", "int64"),
        Column("merchant", "categorical", "str", categories=("food", "fuel", "travel", "games", "rent")),
        Column("age", "numeric", "float64", missing=True),
        Column("abroad", "boolean", "bool"),
    ),
    classes=("honest", "fraud"),
)

BOXES: dict[str, Inside] = {
    "numeric": lambda table: table.X[:, 0] > 1.0,
    "integer": lambda table: table.X[:, 1] < 5,
    "categorical": lambda table: np.isin(table.X[:, 2], [1, 3]),
    "missing": lambda table: np.isnan(table.X[:, 3]),
    "both": lambda table: (table.X[:, 0] > 0.0) & np.isin(table.X[:, 2], [0, 4]),
}

NOISE: dict[str, Callable[[Table, np.random.Generator], np.ndarray]] = {
    "exponential": lambda table, rng: rng.exponential(size=len(table)),
    "heavy-tailed": lambda table, rng: rng.pareto(1.2, size=len(table)),
    "rare random labels": lambda table, rng: np.where(rng.random(len(table)) < 0.03, -np.log(0.03), -np.log(0.97)),
}


def draw_table(rng: np.random.Generator, n: int = 600) -> Table:
    """Draw real rows with every kind of column, a fifth of the ages missing and a fifth of the rows positive."""
    X = np.column_stack(
        [
            rng.normal(size=n),
            rng.integers(24, size=n),
            rng.integers(5, size=n),
            np.where(rng.random(n) < 0.2, np.nan, rng.gamma(2.0, 20.0, size=n)),
            rng.random(n) < 0.5,
        ]
    )
    return Table.real(X, rng.random(n) < 0.2, SCHEMA)


def plant(table: Table, inside: Inside, rng: np.random.Generator) -> np.ndarray:  # (n,)
    """Draw exponential weakness with a mean of 4 inside and 1 outside."""
    return rng.exponential(size=len(table)) * np.where(inside(table), 4.0, 1.0)


def planted_region_is_found(finder: RegionFinder, inside: Inside) -> None:
    found = 0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        table = draw_table(rng)
        regions = finder.find(table, plant(table, inside, rng), rng)
        found += any(_jaccard(_members(region, table), inside(table)) > 0.5 for region in regions)
    assert found >= 9, f"found the planted region in {found} of 10 seeds"


def noise_has_no_regions(finder: RegionFinder, noise: Callable[[Table, np.random.Generator], np.ndarray]) -> None:
    seeds, alarms = 60, 0
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        table = draw_table(rng, n=400)
        alarms += bool(finder.find(table, noise(table, rng), rng))
    assert alarms <= binom.ppf(0.99, seeds, 0.05), f"regions on pure noise in {alarms} of {seeds} seeds"


def counts_are_true(finder: RegionFinder, inside: Inside) -> None:
    table, _, regions = _example(finder, inside)
    for region in regions:
        members = _members(region, table)
        assert region.rows == members.sum()
        assert region.positives == (members & (table.y == SCHEMA.positive)).sum()


def seeds_are_the_rows_inside(finder: RegionFinder, inside: Inside) -> None:
    table, weakness, regions = _example(finder, inside)
    for region in regions:
        assert region.seeds is not None
        assert region.seed_weight is not None
        np.testing.assert_array_equal(region.seeds, np.flatnonzero(_members(region, table)))
        np.testing.assert_array_equal(region.seed_weight, weakness[region.seeds])


def worst_comes_first(finder: RegionFinder) -> None:
    rng = np.random.default_rng(3)
    table = draw_table(rng, n=3000)
    missing, late, games = np.isnan(table.X[:, 3]), table.X[:, 1] > 20, table.X[:, 2] == 3
    mean = np.select([missing, late, games], [3.0, 8.0, 5.0], 1.0) + (2.0 * (table.y == 1))
    deficits = [region.deficit for region in finder.find(table, rng.exponential(mean), rng)]
    estimates = [deficit.estimate for deficit in deficits if deficit is not None]
    assert len(estimates) == len(deficits) > 0
    assert estimates == sorted(estimates, reverse=True)
    assert all(deficit.low <= deficit.estimate <= deficit.high for deficit in deficits if deficit is not None)


def only_measured_real_rows_count(finder: RegionFinder, inside: Inside) -> None:
    """Synthetic rows and rows with unknown weakness, however weak or many, change nothing."""
    table, weakness, regions = _example(finder, inside)
    made = replace(draw_table(np.random.default_rng(8), n=300), generation=np.ones(300, dtype=np.int64))
    unmeasured = draw_table(np.random.default_rng(9), n=50)
    more = Table.concat([table, made, unmeasured])
    loud = np.concatenate([weakness, np.full(300, 1e6), np.full(50, np.nan)])
    _assert_same(finder.find(more, loud, np.random.default_rng(1)), regions)


def same_seed_same_regions(finder: RegionFinder, inside: Inside) -> None:
    table, weakness, regions = _example(finder, inside)
    np.random.random()  # noqa: NPY002 - moves the global state, which must not matter
    _assert_same(finder.find(table, weakness, np.random.default_rng(1)), regions)


def inputs_stay_as_they_are(finder: RegionFinder, inside: Inside) -> None:
    table = draw_table(np.random.default_rng(0))
    weakness = plant(table, inside, np.random.default_rng(0))
    before = [array.copy() for array in (table.X, table.y, table.weight, table.generation, weakness)]
    finder.find(table, weakness, np.random.default_rng(1))
    for array, copy in zip((table.X, table.y, table.weight, table.generation, weakness), before, strict=True):
        np.testing.assert_array_equal(array, copy)


def nothing_is_found_where_nothing_differs(finder: RegionFinder) -> None:
    table = draw_table(np.random.default_rng(0))
    assert finder.find(table, np.full(len(table), 0.7), np.random.default_rng(1)) == ()
    assert finder.find(table.take(np.arange(3)), np.array([0.0, 0.0, 9.0]), np.random.default_rng(1)) == ()
    assert finder.find(table.take(np.arange(0)), np.zeros(0), np.random.default_rng(1)) == ()


def intervals_hold_the_truth(finder: RegionFinder, insides: Mapping[str, Inside], least: float = 0.85) -> None:
    """A deficit measured on the rows that chose its region would be too large (the winner's curse)."""
    fresh = draw_table(np.random.default_rng(99), n=20_000)
    held = []
    for seed in range(240 // (len(insides) + 1)):
        for inside in (*insides.values(), _nowhere):
            rng = np.random.default_rng(seed)
            table = draw_table(rng)
            mean = np.where(inside(fresh), 4.0, 1.0)
            for region in finder.find(table, plant(table, inside, rng), rng):
                members = _members(region, fresh)
                assert region.deficit is not None
                held.append(region.deficit.low <= mean[members].mean() - mean[~members].mean() <= region.deficit.high)
    assert np.mean(held) >= least, f"{np.mean(held):.0%} of {len(held)} intervals hold the true deficit"


LAWS: tuple[Callable[[RegionFinder], None], ...] = (worst_comes_first, nothing_is_found_where_nothing_differs)
PLANTED_LAWS: tuple[Callable[[RegionFinder, Inside], None], ...] = (
    planted_region_is_found,
    counts_are_true,
    seeds_are_the_rows_inside,
    only_measured_real_rows_count,
    same_seed_same_regions,
    inputs_stay_as_they_are,
)
NOISE_LAWS = (noise_has_no_regions,)
SLOW_LAWS = (intervals_hold_the_truth,)


def check_finder(
    make: Callable[[], RegionFinder], insides: Mapping[str, Inside] = BOXES, *, slow: bool = False
) -> None:
    """Hold a finder of weak regions to the laws of finders, on tables with the columns of `SCHEMA`.

    Parameters
    ----------
    make : callable
        Makes a finder, such as the class itself.
    insides : mapping of str to callable
        Places that the finder can find: each tells which rows (n,) of a table are weak. By default a range of numbers,
        one of whole numbers, two categories, the rows with a missing value, and a place of two columns.
    slow : bool
        Whether to ask also if the intervals of the deficits are honest, which takes many searches.

    Raises
    ------
    AssertionError
        With the first law that is broken, and what was seen.
    """
    finder = make()
    for inside in insides.values():
        hold(PLANTED_LAWS, finder, inside)
    for noise in NOISE.values():
        hold(NOISE_LAWS, finder, noise)
    hold(LAWS, finder)
    hold(SLOW_LAWS * slow, finder, insides)


def _example(finder: RegionFinder, inside: Inside) -> tuple[Table, np.ndarray, tuple[Region, ...]]:
    rng = np.random.default_rng(0)
    table = draw_table(rng)
    weakness = plant(table, inside, rng)
    regions = finder.find(table, weakness, np.random.default_rng(1))
    assert regions, "the example has a weak region"
    return table, weakness, regions


def _nowhere(table: Table) -> np.ndarray:  # (n,) bool
    return np.zeros(len(table), dtype=bool)


def _members(region: Region, table: Table) -> np.ndarray:  # (n,) bool
    inside = region.contains(table.rows)
    return inside if region.label is None else inside & (table.y == region.label)


def _jaccard(a: np.ndarray, b: np.ndarray) -> float:
    return float((a & b).sum() / (a | b).sum())


def _assert_same(one: tuple[Region, ...], other: tuple[Region, ...]) -> None:
    def facts(regions: tuple[Region, ...]) -> list[tuple[object, ...]]:
        return [(r.text, r.label, r.rows, r.positives, r.deficit, list(_or_none(r.seeds))) for r in regions]

    assert facts(one) == facts(other)


def _or_none(seeds: np.ndarray | None) -> np.ndarray:
    return np.zeros(0) if seeds is None else seeds
