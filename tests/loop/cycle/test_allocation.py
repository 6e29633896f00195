"""Allocation: what is asked for adds up, and goes where the weakness is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loop.cycle.allocation import allocate, anywhere
from loop.errors import ConfigError
from loop.rows import Rows
from loop.types import Interval, Region

BACKGROUND = anywhere(np.ones(10), by_weakness=False)


def _region(deficit: float | None, rows: int, label: int | None = None) -> Region:
    interval = None if deficit is None else Interval(deficit, deficit - 1, deficit + 1)
    return Region(text=f"{deficit} x {rows}", rows=rows, deficit=interval, label=label)


REGIONS = st.lists(
    st.builds(_region, st.none() | st.floats(-10, 10), st.integers(0, 10_000), st.none() | st.integers(0, 3)),
    max_size=12,
)
SHARES = st.floats(0, 1)


@given(REGIONS, st.integers(0, 100_000), SHARES)
def test_requests_add_up_and_none_is_empty(regions: list[Region], n: int, share: float) -> None:
    requests = allocate(regions, n, share_anywhere=share, background=BACKGROUND)
    assert sum(request.n for request in requests) == n
    assert all(request.n > 0 and isinstance(request.n, int) for request in requests)
    assert all(request.label == request.region.label for request in requests)


@given(REGIONS, st.integers(0, 100_000), SHARES)
def test_every_request_is_within_one_row_of_its_quota(regions: list[Region], n: int, share: float) -> None:
    requests = allocate(regions, n, share_anywhere=share, background=BACKGROUND)
    asked = {id(request.region): request.n for request in requests}
    surplus = {id(r): max(r.deficit.estimate, 0.0) * r.rows if r.deficit else 0.0 for r in regions}
    total = sum(surplus.values())
    assert abs(asked.get(id(BACKGROUND), 0) - (share * n if total else n)) < 1 + 1e-6
    for region in regions:
        quota = (1 - share) * n * surplus[id(region)] / total if total else 0.0
        assert abs(asked.get(id(region), 0) - quota) < 1 + 1e-6


@given(REGIONS, st.integers(0, 100_000))
def test_regions_without_a_positive_deficit_get_nothing(regions: list[Region], n: int) -> None:
    for request in allocate(regions, n, share_anywhere=0.3, background=BACKGROUND):
        deficit = request.region.deficit
        assert request.region is BACKGROUND or (deficit is not None and deficit.estimate > 0)


def test_regions_keep_their_order_and_the_background_is_last() -> None:
    regions = [_region(3.0, 10), _region(2.0, 30, label=1), _region(1.0, 10)]
    requests = allocate(regions, 40, share_anywhere=0.5, background=BACKGROUND)
    assert [request.region for request in requests] == [*regions, BACKGROUND]
    assert [request.n for request in requests] == [6, 12, 2, 20]


def test_without_regions_all_goes_anywhere() -> None:
    (request,) = allocate([], 7, share_anywhere=0.0, background=BACKGROUND)
    assert (request.region, request.n) == (BACKGROUND, 7)
    assert allocate([], 0, background=BACKGROUND) == ()


@pytest.mark.parametrize(("n", "share"), [(-1, 0.5), (1, -0.1), (1, 1.1), (1, float("nan"))])
def test_impossible_budgets_are_refused(n: int, share: float) -> None:
    with pytest.raises(ConfigError):
        allocate([], n, share_anywhere=share, background=BACKGROUND)


def test_anywhere_starts_from_all_rows() -> None:
    weakness = np.array([3.0, -1.0, 0.0, np.nan])
    alike, weighted = anywhere(weakness, by_weakness=False), anywhere(weakness, by_weakness=True)
    assert alike.contains(Rows(np.zeros((5, 2)))).all()
    assert alike.seeds is not None
    np.testing.assert_array_equal(alike.seeds, [0, 1, 2, 3])
    np.testing.assert_array_equal(np.array(alike.seed_weight), [1.0, 1.0, 1.0, 1.0])
    np.testing.assert_array_equal(np.array(weighted.seed_weight), [3.0, 0.0, 0.0, 0.0])
    nothing = anywhere(np.zeros(2), by_weakness=True)
    np.testing.assert_array_equal(np.array(nothing.seed_weight), [1.0, 1.0])
