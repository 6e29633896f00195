"""The encoding of mixed rows loses nothing, and chances decode into what they say."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from generators.common.mode_encoding import FEW, MOST_LEVELS, MOST_MODES, ColumnModes, Modes
from loop.rows import Rows
from loop.testing.tables import mixed_table, numeric_table
from loop.types import Table


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def round_trip(column: ColumnModes, x: np.ndarray) -> np.ndarray:
    return column.decode(column.encode(x, rng()), rng(1))


def test_rows_come_back():
    table = mixed_table()
    modes = Modes.of(table)
    X, y = modes.decode(modes.encode(table.X, table.y, rng()), rng(1))
    np.testing.assert_allclose(X, table.X, atol=1e-6)
    np.testing.assert_array_equal(y, table.y)


def test_every_span_is_one_hot_and_places_are_bounded():
    table = mixed_table()
    modes = Modes.of(table)
    vectors = modes.encode(table.X, table.y, rng())
    assert vectors.shape == (len(table), modes.width)
    for span in modes.spans:
        assert set(np.unique(vectors[:, span])) <= {0, 1}
        assert (vectors[:, span].sum(axis=1) == 1).all()
    assert np.abs(vectors[:, modes.scalars]).max() <= 1
    covered = [position for span in modes.spans for position in range(span.start, span.stop)]
    assert sorted([*covered, *modes.scalars]) == list(range(modes.width))


def test_parts_lay_out_the_vector():
    modes = Modes.of(mixed_table())
    ends = np.cumsum([size for size, _ in modes.parts])
    laid = [
        (slice(int(end) - size, int(end)), is_modes) for end, (size, is_modes) in zip(ends, modes.parts, strict=True)
    ]
    assert ends[-1] == modes.width
    assert tuple(part for part, is_modes in laid if is_modes) == modes.spans
    assert [part.start for part, is_modes in laid if not is_modes] == modes.scalars.tolist()


def test_gaussian_modes_own_the_place_beside_them():
    table = mixed_table()
    modes = Modes.of(table)
    vectors = modes.encode(table.X, table.y, rng())
    in_gaussian = vectors @ modes.gaussian
    assert set(np.unique(in_gaussian)) <= {0, 1}
    assert (vectors[:, modes.scalars][in_gaussian == 0] == 0).all(), "a place within an atom"


def test_finds_planted_modes():
    x = np.concatenate([rng().normal(-50, 1, 700), rng().normal(50, 5, 300)])
    column = ColumnModes.ordered(x)
    left = column.mean < 0
    assert abs(column.weight[left].sum() - 0.7) < 0.01
    assert abs(column.weight[left] @ column.mean[left] / 0.7 + 50) < 1
    assert len(column.mean) <= MOST_MODES + 1


def test_outliers_are_within_reach():
    x = np.append(rng().lognormal(0, 1, 50_000), [5e4, 1e5])
    back = round_trip(ColumnModes.ordered(x), x)
    np.testing.assert_allclose(back[-2:], x[-2:], rtol=1e-5)
    assert (np.abs(back - x) > 1e-4).mean() < 0.001


def test_a_repeated_value_is_kept_exactly():
    x = np.where(rng().random(2000) < 0.3, 40.0, rng(1).normal(40, 10, 2000))
    column = ColumnModes.ordered(x)
    assert column.atoms.tolist() == [40.0]
    assert ((round_trip(column, x) == 40) == (x == 40)).all()


@pytest.mark.parametrize(
    "x",
    [
        np.full(30, 7.0),
        np.full(30, np.nan),
        np.array([1.0]),
        np.arange(FEW, dtype=float),
        np.append(np.repeat(np.arange(19.0), 50), [100.0, np.nan]),  # the mixture is left with one value
        np.append(np.zeros(10_000), 1e-300 * np.arange(1, 40)),
        np.append(rng().normal(size=1000), [1e15, -1e15]),
    ],
    ids=["constant", "empty", "one row", "few values", "one value left", "tiny values", "huge values"],
)
def test_odd_columns_come_back(x):
    scale = np.nanmax(np.abs(x), initial=0)
    np.testing.assert_allclose(round_trip(ColumnModes.ordered(x), x), x, atol=1e-6 * scale + 1e-12)


values = st.one_of(st.floats(-1e6, 1e6, width=32), st.just(np.nan), st.integers(-3, 3).map(float))


@settings(max_examples=60, deadline=None)
@given(x=arrays(np.float64, st.integers(1, 60), elements=values))
def test_any_column_keeps_its_range_and_its_missing_values(x):
    back = round_trip(ColumnModes.ordered(x), x)
    np.testing.assert_array_equal(np.isnan(back), np.isnan(x))
    spread = np.ptp(x[~np.isnan(x)]) if (~np.isnan(x)).any() else 0
    assert np.nanmax(np.abs(back - x), initial=0) <= spread


def test_rare_categories_share_a_place_and_keep_their_shares():
    x = np.concatenate([np.repeat(np.arange(300.0), 10), np.arange(300.0, 10_000), np.full(50, np.nan)])
    column = ColumnModes.discrete(x)
    assert column.n_modes == MOST_LEVELS
    back = round_trip(column, x)
    np.testing.assert_array_equal(np.isnan(back), np.isnan(x))
    common = np.isin(x, column.atoms) | np.isnan(x)
    np.testing.assert_array_equal(back[common], x[common])
    assert np.isin(back[~common], column.rare).all()
    assert len(np.unique(back[~common])) > 3000
    assert abs((back[~common] < 300).mean() - (x[~common] < 300).mean()) < 0.02


def test_modes_are_drawn_by_their_chances():
    column = ColumnModes.discrete(np.array([0.0, 1.0, 2.0]))
    chances = np.tile(np.array([0.2, 0.0, 0.8], np.float32), (20_000, 1))
    drawn = column.decode(chances, rng())
    np.testing.assert_allclose([(drawn == code).mean() for code in (0, 1, 2)], [0.2, 0, 0.8], atol=0.01)


def test_decoded_values_can_be_held():
    table = mixed_table()
    modes = Modes.of(table)
    X, _ = modes.decode(rng().random((500, modes.width)), rng(1))
    for x, column in zip(X.T, table.schema.columns, strict=True):
        seen = x[~np.isnan(x)]
        assert column.missing or len(seen) == len(x)
        assert ((seen >= column.low) & (seen <= column.high)).all(), column.name
        if column.kind != "numeric":
            assert (seen == np.round(seen)).all()


def test_covers_what_it_can_hold_only():
    table = mixed_table()
    modes = Modes.of(table)
    assert modes.covers(table.take(np.arange(50)))

    def changed(column: int, value: float) -> Table:
        X = table.X.copy()
        X[0, column] = value
        return replace(table, rows=Rows(X))

    assert modes.covers(changed(1, 3.21)), "a new number"
    assert not modes.covers(changed(1, np.nan)), "the first missing value"
    assert not modes.covers(changed(5, 4)), "a category of no row"
    assert not modes.covers(replace(table, y=np.full(len(table), 2))), "a new class"
    assert not modes.covers(changed(1, 60.0)), "a number that no Gaussian reaches"
    assert not modes.covers(numeric_table())
    backwards = table.schema.columns[5].categories[::-1]
    for column, other in ((1, {"name": "points"}), (2, {"kind": "numeric"}), (5, {"categories": backwards})):
        columns = [replace(each, **other) if i == column else each for i, each in enumerate(table.schema.columns)]
        assert not modes.covers(replace(table, schema=replace(table.schema, columns=tuple(columns)))), other
    assert not modes.covers(replace(table, schema=replace(table.schema, classes=("fraud", "fine")))), "other classes"


def test_json_holds_all():
    table = mixed_table()
    modes = Modes.of(table)
    again = Modes.from_json(json.loads(json.dumps(modes.to_json())), table.schema)
    one, other = (each.encode(table.X, table.y, rng()) for each in (modes, again))
    np.testing.assert_array_equal(one, other)
