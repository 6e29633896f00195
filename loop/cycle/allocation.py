"""Allocation of the budget: how many new rows are requested in each weak region, and how many anywhere."""

from collections.abc import Sequence

import numpy as np

from loop.errors import ConfigError
from loop.regions.weakness import seed_weights
from loop.types import Region, Request


def anywhere(weakness: np.ndarray, by_weakness: bool) -> Region:
    """Return the region without a rule: it holds the whole feature space, and all rows are its seeds.

    Parameters
    ----------
    weakness : ndarray of shape (n,)
        Weakness of each row, higher is weaker, NaN where it was not measured.
    by_weakness : bool
        True: rows start proposals in proportion to their weakness; False: all equally often.
    """
    weight = seed_weights(weakness) if by_weakness else np.ones(len(weakness))
    return Region(rows=len(weakness), seeds=np.arange(len(weakness)), seed_weight=weight)


def allocate(
    regions: Sequence[Region], n: int, *, share_anywhere: float = 0.5, background: Region
) -> tuple[Request, ...]:
    """Split n rows between the background and the weak regions.

    A weak region's part is proportional to its surplus weakness, the deficit times its rows; a region without a
    positive deficit gets nothing. If none has one, all rows go to the background.

    Parameters
    ----------
    regions : sequence of Region
        Weak regions, with their deficits.
    n : int
        Rows to ask for, at least 0.
    share_anywhere : float
        Part of the rows, between 0 and 1, for the background region.
    background : Region
        Usually the one made by `anywhere`.

    Returns
    -------
    tuple of Request
        The regions in their order, then the background; none asks for 0 rows, and all together for exactly n.

    Raises
    ------
    ConfigError
        If n is negative or the share is outside 0..1.
    """
    if n < 0:
        raise ConfigError(f"the number of rows to allocate must be at least 0, got {n}: ask for more or for none.")
    if not 0.0 <= share_anywhere <= 1.0:
        raise ConfigError(f"share_anywhere must be between 0 and 1, got {share_anywhere}: 0.5 is the default.")
    surplus = np.array([_surplus(region) for region in regions], dtype=np.float64)
    if surplus.sum() > 0:
        shares = np.append((1.0 - share_anywhere) * (surplus / surplus.sum()), share_anywhere)
    else:
        shares = np.append(np.zeros(len(regions)), 1.0)
    asked = zip([*regions, background], _largest_remainder(shares, n), strict=True)
    return tuple(Request(region, region.label, int(rows)) for region, rows in asked if rows > 0)


def _surplus(region: Region) -> float:
    return 0.0 if region.deficit is None else max(region.deficit.estimate, 0.0) * region.rows


def _largest_remainder(shares: np.ndarray, n: int) -> np.ndarray:  # (k,) int, sums to n
    """Round the quotas ``shares * n`` (Hamilton's method); of equal remainders the first wins."""
    quotas = shares * n
    counts: np.ndarray = np.floor(quotas).astype(np.int64)
    first = np.argsort(counts - quotas, kind="stable")[: n - counts.sum()]
    counts[first] += 1
    return counts
