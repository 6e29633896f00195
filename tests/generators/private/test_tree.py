"""The private tree: exact regions, what is bought, groups, and what it refuses."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from generators import PrivateTree
from generators.private import noise
from generators.private.contributions import bounded
from generators.private.tree_model import ROOT, TreeModel
from loop.data.encoding import decode
from loop.errors import ConfigError, DataError
from loop.rows import Rows
from loop.supplies.supply import Supply
from loop.testing.tables import mixed_table, numeric_table
from loop.types import Column, Condition, Region, Request, Schema, Table


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def fitted(table: Table, epsilon: float = 1.0, **settings: object) -> PrivateTree:
    return PrivateTree(epsilon, **settings).fit(table, rng())  # type: ignore[arg-type]


def rare_table(n: int = 20_000) -> Table:
    """One row in a thousand has the code 1, and its number is high."""
    draws = rng(1)
    rare = (np.arange(n) % 1000 == 0).astype(float)
    X = np.column_stack([rare, np.round(draws.normal(50 + 30 * rare, 5, n)), draws.normal(size=n)])
    columns = (
        Column("rare", "boolean", "bool", 0, 1),
        Column("size", "integer", "int64", 0, 200),
        Column("free", "numeric", "float64", -10, 10),
    )
    return Table.real(X, (draws.random(n) < 0.5).astype(np.int64), Schema(columns, ("no", "yes")))


REGIONS = (
    Region((Condition(0, codes=frozenset({1})),)),
    Region((Condition(0, codes=frozenset({1})), Condition(1, 79, 81))),
    Region((Condition(1, 89.5, 90.5), Condition(2, 0.1, 0.1001))),  # cuts bins, a single whole number
    Region((Condition(1, 150, 160),)),  # no row at all, but the statement allows it
)


@pytest.mark.parametrize("region", REGIONS, ids=range(len(REGIONS)))
@pytest.mark.parametrize("label", [None, 0, 1])
def test_a_rare_region_is_filled_exactly(region: Region, label: int | None) -> None:
    samples = TREE.sample(Request(region, label, 300), rng())
    assert len(samples.table) == samples.tried == 300
    assert region.contains(samples.table.rows).all()
    assert label is None or (samples.table.y == label).all()


TREE = fitted(rare_table())


def test_a_region_has_the_distribution_of_unconditional_rows_inside_it() -> None:
    """Exact conditioning: what messages give is what throwing rows away would give."""
    region = Region((Condition(1, 40, 47), Condition(2, -0.3, 2)))
    anywhere = TREE.sample(Request(Region(), None, 60_000), rng(1)).table
    inside = anywhere.take(region.contains(anywhere.rows))
    asked = TREE.sample(Request(region, None, 10_000), rng(2)).table
    assert len(inside) > 3000
    assert abs(inside.y.mean() - asked.y.mean()) < 0.03
    np.testing.assert_allclose(inside.X.mean(axis=0), asked.X.mean(axis=0), atol=0.12)
    np.testing.assert_allclose(inside.X.std(axis=0), asked.X.std(axis=0), atol=0.12)


def test_messages_are_the_sums_over_all_rows_of_bins() -> None:
    draws = rng(3)
    sizes, parent = (3, 2, 4), (ROOT, 0, 1)
    chances = tuple(
        draws.dirichlet(np.ones(b), size=(1 if up == ROOT else sizes[up], 2))
        for b, up in zip(sizes, parent, strict=True)
    )
    model = TreeModel(np.array([0.3, 0.7]), parent, chances)
    shares = [np.array([0.5, 1.0, 0.0]), np.array([1.0, 0.2]), np.array([0.0, 1.0, 1.0, 0.3])]
    whole = np.einsum("k,ka,akb,bkc,a,b,c->k", model.classes, chances[0][0], chances[1], chances[2], *shares)
    classes, _ = model.tilted(shares)
    np.testing.assert_allclose(classes / classes.sum(), whole / whole.sum())
    bins, y = model.draw(20_000, shares, None, draws)
    assert abs(y.mean() - whole[1] / whole.sum()) < 0.02
    assert not (bins[:, 0] == 2).any()
    assert not (bins[:, 2] == 0).any()


def test_nothing_outside_the_statement_is_possible() -> None:
    samples = TREE.sample(Request(Region((Condition(1, 300, 400),)), None, 20), rng())
    assert len(samples.table) == samples.tried == 0
    assert samples.shortfall == 20


def test_more_rows_are_free_and_repeatable() -> None:
    before = list(TREE.spent_)
    one, other = (TREE.sample(Request(REGIONS[1], None, 50), rng(5)).table for _ in range(2))
    np.testing.assert_array_equal(one.X, other.X)
    assert TREE.spent_ == before


@pytest.mark.parametrize("settings", [{}, {"bought_categories": ("merchant", "channel")}])
@pytest.mark.parametrize("epsilon", [1.0, 20.0])
def test_the_whole_budget_is_spent_and_no_more(epsilon: float, settings: dict[str, object]) -> None:
    tree = fitted(mixed_table(4000), epsilon, delta=1e-5, **settings)
    from generators.private.accounting import rho_of

    allowed = rho_of(epsilon, 5e-6 if settings else 1e-5)
    spent = sum(rho for _, rho, _ in tree.spent_)
    assert 0.97 * allowed < spent <= allowed * (1 + 1e-9)
    assert sum(delta for *_, delta in tree.spent_) <= (5e-6 if settings else 0) * (1 + 1e-9)
    assert f"({epsilon:g}, 1e-05)" in tree.privacy()


@pytest.mark.parametrize(("installed", "told"), [(True, "opendp"), (False, "weakspot's own sampler")])
def test_opendp_draws_the_noise_where_it_is_installed(
    installed: bool, told: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = []

    def recorded(counts: np.ndarray, variance: Fraction) -> np.ndarray:
        asked.append(len(counts))
        return noise.SAMPLERS[noise.OWN](counts, variance)

    monkeypatch.setattr(noise, "has_opendp", lambda: installed)
    monkeypatch.setitem(noise.SAMPLERS, noise.OPENDP, recorded)
    tree = fitted(numeric_table(2000))
    measured = [purpose for purpose, *_ in tree.spent_ if "edge" not in purpose]
    assert len(asked) == (len(measured) if installed else 0)
    assert tree.privacy().endswith(f"noise of counts drawn by {told}")
    tree.save(tmp_path)
    monkeypatch.setattr(noise, "has_opendp", lambda: not installed)
    assert PrivateTree.load(tmp_path).privacy() == tree.privacy()  # who drew it, not who would


def test_two_fits_differ() -> None:
    one, other = (fitted(numeric_table()) for _ in range(2))
    request = Request(Region(), None, 50)
    assert not np.array_equal(one.sample(request, rng()).table.X, other.sample(request, rng()).table.X)


def test_ranges_are_bought_where_none_is_stated() -> None:
    table = numeric_table(5000)
    open_ = tuple(replace(column, low=-np.inf, high=np.inf) for column in table.schema.columns)
    tree = fitted(replace(table, schema=replace(table.schema, columns=open_)), 3.0)
    for column in tree.schema_.columns:  # powers of two about the few outermost normal values
        assert column.low in (-2.0, -4.0, -8.0)
        assert column.high in (2.0, 4.0, 8.0)
    assert any("range of x0" in purpose for purpose, *_ in tree.spent_)
    made = tree.sample(Request(Region(), None, 4000), rng()).table
    assert abs(made.X[:, 0].std() - 1) < 0.15


def test_a_category_of_one_row_is_not_shown() -> None:
    table = mixed_table(4000)
    X = table.X.copy()
    X[0, 5] = 4  # a category that nobody else has
    tree = fitted(replace(table, rows=Rows(X)), 3.0, bought_categories=("merchant",))
    merchant = tree.schema_.columns[5]
    assert merchant.categories == ("grocery", "travel", "online", "jewels")[: len(merchant.categories)]
    assert len(merchant.categories) >= 3
    made = tree.sample(Request(Region(), None, 500), rng()).table
    assert set(decode(tree.schema_, made)["merchant"]) <= set(merchant.categories)


def test_so_many_rows_of_a_group_count() -> None:
    unit = np.repeat([3, 1, 7], [500, 2, 30])
    taken = bounded(unit, 10)
    assert np.bincount(unit[taken], minlength=8).tolist() == [0, 2, 0, 10, 0, 0, 0, 10]
    assert (np.diff(taken) > 0).all()
    assert not np.array_equal(taken, bounded(unit, 10))  # at random


def test_a_group_costs_more_noise() -> None:
    table = numeric_table(3000)
    grouped = replace(table, unit=np.arange(3000) // 3)
    tree = fitted(grouped, most_rows_per_group=3)
    assert "all rows of one group, of which at most 3 count" in tree.privacy()
    assert sum(rho for _, rho, _ in tree.spent_) <= sum(rho for _, rho, _ in fitted(table).spent_) * 1.01
    assert len(tree.sample(Request(Region(), 1, 40), rng()).table) == 40


def test_with_too_few_rows_no_pair_is_measured() -> None:
    assert all(up == ROOT for up in fitted(numeric_table(200)).measured_.model.parent)
    assert any(up != ROOT for up in fitted(numeric_table(20_000)).measured_.model.parent)


def test_values_beyond_the_statement_tell_nothing() -> None:
    table = numeric_table(3000)
    X = table.X.copy()
    X[:5] = 1e7
    X[5:10] = np.nan  # where nothing may be missing: these rows are left out
    made = fitted(replace(table, rows=Rows(X)), 10.0).sample(Request(Region(), None, 3000), rng()).table
    for x, column in zip(made.X.T, table.schema.columns, strict=True):
        assert column.low <= x.min() <= x.max() <= column.high


def test_a_loop_refuses_it() -> None:
    with pytest.raises(ConfigError, match="must not be private"):
        Supply(PrivateTree(), None, None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epsilon": 0.0}, "epsilon"),
        ({"epsilon": 1e4}, "epsilon"),
        ({"delta": 0.5}, "delta must lie between"),
        ({"delta": 0.0}, "delta must lie between"),
        ({"most_rows_per_group": 0}, "most_rows_per_group must be between"),
        ({"most_bins": 1}, "most_bins"),
        ({"sampler": "dice"}, "sampler must be auto, own or opendp"),
    ],
)
def test_bad_settings(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        PrivateTree(**settings)  # type: ignore[arg-type]


def test_bad_tables() -> None:
    table = numeric_table()
    with pytest.raises(ConfigError, match="must be stated where rows have groups"):
        fitted(replace(table, unit=np.arange(len(table))))
    with pytest.raises(ConfigError, match="must be stated where rows have groups"):
        fitted(table, most_rows_per_group=2)
    with pytest.raises(ConfigError, match="bought_categories must be columns of categories, got 'x0'"):
        fitted(table, bought_categories=("x0",))
    few = mixed_table(60)
    with pytest.raises(DataError, match="'merchant' none stood out of the noise"):
        fitted(few, 0.1, bought_categories=("merchant",))
