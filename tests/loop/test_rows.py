"""Rows keep what belongs together together: the columns, and the arrays beside them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loop.errors import DataError
from loop.rows import Rows
from loop.testing.tables import mixed_table
from loop.types import Table


def numbered(start: int, n: int) -> Rows:
    """Rows whose columns, image and text all hold the row's number."""
    number = np.arange(start, start + n)
    image = np.broadcast_to(number[:, None, None, None], (n, 1, 2, 3)).astype(np.float32)
    return Rows(number[:, None].astype(float), {"image": image, "text": number.astype(str)})


def assert_aligned(rows: Rows, wanted: np.ndarray) -> None:
    np.testing.assert_array_equal(rows.X[:, 0], wanted)
    assert rows.arrays["image"].shape == (len(wanted), 1, 2, 3)
    np.testing.assert_array_equal(rows.arrays["image"].mean(axis=(1, 2, 3)), wanted)
    np.testing.assert_array_equal(rows.arrays["text"], wanted.astype(int).astype(str))


@given(st.lists(st.integers(0, 6), min_size=1, max_size=4), st.data())
def test_take_and_concat_keep_arrays_aligned(sizes: list[int], data: st.DataObject) -> None:
    starts = np.cumsum([0, *sizes])
    whole = Rows.concat([numbered(int(start), n) for start, n in zip(starts, sizes, strict=False)])
    assert_aligned(whole, np.arange(sum(sizes)))
    if not sum(sizes):
        return
    index = np.array(data.draw(st.lists(st.integers(0, len(whole) - 1))), dtype=np.int64)
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=len(whole), max_size=len(whole))), dtype=bool)
    assert_aligned(whole.take(index), index)
    assert_aligned(whole.take(mask), np.flatnonzero(mask))
    table = Table.real(whole, np.zeros(len(whole)), mixed_table(10).schema)
    assert_aligned(table.take(index).rows, index)
    assert_aligned(Table.concat([table.take(mask), table]).rows, np.append(np.flatnonzero(mask), np.arange(len(whole))))


def test_a_table_carries_arrays_along() -> None:
    table = mixed_table(20)
    images = np.arange(20)[:, None, None, None] * np.ones((1, 3, 2, 2))
    table = Table.real(Rows(table.X, {"image": images}), table.y, table.schema)
    for same in (table.numbered(np.arange(20) + 5), replace(table, weight=np.full(20, 2.0))):
        assert same.rows.arrays["image"] is images
    assert Table.real(table.X, table.y, table.schema).rows.arrays == {}


@pytest.mark.parametrize("array", [np.zeros((3, 2)), np.zeros(()), np.zeros((0, 4))])
def test_arrays_of_other_rows_are_refused(array: np.ndarray) -> None:
    with pytest.raises(DataError, match=r"one entry a row, 4, and 'image' has the shape"):
        Rows(np.zeros((4, 2)), {"image": array})


@pytest.mark.parametrize("others", [{}, {"picture": np.zeros((2, 4))}, {"image": np.zeros((2, 5))}])
def test_rows_with_other_arrays_are_not_put_together(others: dict[str, np.ndarray]) -> None:
    one, other = Rows(np.zeros((2, 1)), {"image": np.zeros((2, 4))}), Rows(np.zeros((2, 1)), others)
    for parts in ([one, other], [other, one]):
        with pytest.raises(DataError, match=r"array '(image|picture)'"):
            Rows.concat(parts)


@pytest.mark.parametrize("chosen", [np.arange(4), np.ones(4, dtype=bool), [0, 1, 2, 3]])
def test_all_rows_in_their_order_are_not_copied(chosen: np.ndarray) -> None:
    rows = Rows(np.arange(8.0).reshape(4, 2))
    assert rows.take(chosen) is rows


@pytest.mark.parametrize("chosen", [np.arange(3), np.arange(4)[::-1], np.array([0, 1, 2, 2]), np.arange(4) > 0])
def test_other_choices_are_those_of_numpy(chosen: np.ndarray) -> None:
    X = np.arange(8.0).reshape(4, 2)
    np.testing.assert_array_equal(Rows(X).take(chosen).X, X[chosen])


def test_a_mask_for_fewer_rows_is_refused() -> None:
    with pytest.raises(IndexError):
        Rows(np.zeros((4, 2))).take(np.ones(3, dtype=bool))
