"""The encoder of series: what its columns say, that each row has its own, and what it refuses."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from series_tables import series_frame, series_table

from learners.encoders.curves import Curves
from learners.encoders.series_values import filled, lengths_of
from loop.errors import DataError


def some(seed: int = 0, n: int = 40, channels: int = 2) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(channels, rng.integers(3, 50))).cumsum(axis=1) for _ in range(n)]


def fitted(cells: list[np.ndarray]) -> tuple[Curves, np.ndarray]:
    encoder = Curves()
    entries = encoder.stacked(cells)
    return encoder.fit(entries), entries


@given(seed=st.integers(0, 1000), channels=st.integers(1, 3))
def test_a_row_has_its_columns_in_any_company(seed: int, channels: int) -> None:
    encoder, entries = fitted(some(seed, 20, channels))
    entries[3, 0, 1] = np.nan
    columns = encoder.columns(entries)
    assert np.isfinite(columns).all()
    assert columns.shape == (20, len(encoder.names))
    np.testing.assert_array_equal(encoder.columns(entries[3:4]), columns[3:4])
    np.testing.assert_array_equal(encoder.columns(entries[::-2]), columns[::-2])
    assert encoder.columns(entries[:0]).shape == (0, len(encoder.names))


def test_columns_say_what_their_names_say() -> None:
    line = np.linspace(2, 6, 41)
    zigzag = np.tile([0.0, 1.0], 20)
    encoder, entries = fitted([line, zigzag, np.full(10, 7.0)])
    told = [dict(zip(encoder.names, row, strict=True)) for row in encoder.columns(entries)]
    assert told[0]["mean"] == pytest.approx(4)
    assert told[0]["slope"] == pytest.approx(4, rel=0.05)
    assert told[0]["lowest"] == 2
    assert told[0]["highest"] == 6
    assert told[0]["crossings"] == pytest.approx(1 / 41)
    assert [each["length"] for each in told] == [41, 40, 10]
    assert told[1]["crossings"] == pytest.approx(39 / 40)
    assert told[1]["change_1"] == pytest.approx(2)
    assert told[1]["change_2"] == pytest.approx(0, abs=1e-6)
    assert told[2]["spread"] == 0
    assert told[2]["change_1"] == 0


def test_missing_values_are_filled_on_a_line_and_counted() -> None:
    encoder, entries = fitted([np.array([0.0, np.nan, 2.0, 3.0, np.nan, np.nan]), np.arange(6.0)])
    assert lengths_of(entries).tolist() == [4, 6]
    np.testing.assert_array_equal(filled(entries)[0][0, 0], [0, 1, 2, 3, 0, 0])
    missing = encoder.columns(entries)[:, encoder.names.index("missing")]
    np.testing.assert_allclose(missing, [0.25, 0])


def test_what_was_learnt_goes_through_json() -> None:
    encoder, entries = fitted(some())
    again = Curves.from_json(json.loads(json.dumps(encoder.to_json())))
    np.testing.assert_array_equal(again.columns(entries), encoder.columns(entries))
    assert again.names == encoder.names
    for wrong in ({}, {**encoder.to_json(), "scale": [1.0]}, {**encoder.to_json(), "shape": [2, 1]}):
        with pytest.raises(DataError):
            Curves.from_json(wrong)


def test_cells_come_back_and_longer_ones_are_cut() -> None:
    cells = some()
    encoder, entries = fitted(cells)
    for cell, again in zip(cells, encoder.cells(entries), strict=True):
        np.testing.assert_array_equal(np.float32(cell), again)
    longest = entries.shape[2]
    long = encoder.stacked([np.ones((2, longest + 30))])
    assert long.shape == (1, 2, longest)
    assert encoder.stacked([]).shape == (0, 2, longest)
    lists = encoder.stacked([[[1, 2, 3], [4, 5, 6]]])
    assert lengths_of(lists).tolist() == [3]


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        (None, "must have a series"),
        ("words", "numbers along time"),
        ([[1.0], [2.0, 3.0]], "equal length"),
        ([], "got the shape"),
        (np.ones((2, 2, 2)), "got the shape"),
        ([1.0, np.inf], "below"),
        ([np.nan, np.nan], "must have a value"),
        (np.ones((3, 5)), "same number of channels"),
    ],
)
def test_bad_cells_are_refused_in_a_sentence(cell: object, told: str) -> None:
    with pytest.raises(DataError, match=told) as caught:
        Curves().stacked([np.ones((1, 5)), cell])
    assert len(str(caught.value)) <= 300


def test_a_schema_takes_series_from_a_frame() -> None:
    table, frame = series_table(channels=2, several_lengths=True), series_frame(channels=2, several_lengths=True)
    entries = table.rows.arrays["wave"]
    assert entries.dtype == np.float32
    np.testing.assert_array_equal(table.schema.arrays[0].encoder.cells(entries)[5], frame["wave"][5])
    assert "wave_slope" in table.schema.names


def test_normalised_series_have_one_mean_and_one_spread() -> None:
    """Series that were normalised before they were written differ in the last digits, which tell nothing."""
    cells = [((cell - cell.mean()) / cell.std()).round(5) for cell in some(channels=1)]
    encoder, entries = fitted(cells)
    columns = encoder.columns(entries)
    assert set(columns[:, 0]) == {0}
    assert set(columns[:, 1]) == {1}
