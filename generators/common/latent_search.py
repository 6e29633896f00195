"""Region-conditional draws from any model that decodes standard normal latents, without retraining it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

import numpy as np

from generators.resampling.resample import proposals
from loop.rows import Rows
from loop.types import Condition, Request, Samples, SamplingMethod, Schema

Decode = Callable[[np.ndarray, np.random.Generator], tuple[np.ndarray, np.ndarray]]

PILOT = 1000  # draws from the prior before the proposal is adapted, and minimum size of a round
BATCH = 10_000  # most rows decoded at once: bounds memory
REJECT_ABOVE = 0.05  # share of prior draws inside above which plain rejection is used
ELITE = 100  # rows the proposal is fitted to while fewer are inside
FEWEST = 10  # rows nearer than the rest that are enough for a fit
BLIND = 0.2  # share of each round drawn from the prior: bounds the weights
FLOOR = 20 * PILOT  # draws that any request may take: one row can be as hard to find as a thousand
ROUNDS = 40
PATIENCE = 12  # rounds without a nearer row before the search gives up
WIDER = 2.0  # factor on shrunken variances: a box cut from a Gaussian has heavier tails than the Gaussian fitted to it
COPIES = 3  # most copies of one row


def draws_for(request: Request, each: int) -> int:
    """Return how many latents a request may take: ``each`` for every row, and enough to find the first one.

    If no row is requested or ``each`` is 0, it may take none.
    """
    return max(each * request.n, FLOOR) if request.n and each else 0


def from_latents(
    decode: Decode, width: int, request: Request, rng: np.random.Generator, *, most: int
) -> tuple[np.ndarray, np.ndarray, int, SamplingMethod]:
    """Draw up to ``request.n`` rows of a latent-variable model that lie inside a region and have the requested label.

    Draws from the prior first estimate how rare such rows are. Where they are common, draws outside are rejected. Where
    they are rare, a Gaussian over the latents moves towards them round by round: it is fitted to the rows inside or,
    while those are few, to the rows nearest to the region. All rounds together are one importance sample from a mixture
    that includes the prior. Rows are resampled from it in proportion to their weight, so they follow the model's own
    distribution inside the region, labels included.

    Parameters
    ----------
    decode : callable
        Maps latents (k, width) to rows (k, d) and labels (k,). It may draw from the generator it is given, and must
        accept k = 0.
    width : int
        Number of latent dimensions.
    request : Request
        Label None asks for labels as they are distributed inside the region.
    rng : np.random.Generator
        Source of all randomness.
    most : int
        Maximum number of latents decoded.

    Returns
    -------
    X : np.ndarray
        Rows of shape (m, d) with m <= request.n; no row occurs more than ``COPIES`` times.
    y : np.ndarray
        Labels of shape (m,).
    tried : int
        Latents decoded.
    sampling_method : str
        "native" if no draw had to be rejected, else "rejection" or "importance".

    References
    ----------
    Rubinstein: The Cross-Entropy Method for Combinatorial and Continuous Optimization. MCAP 1, 1999.
    Owen, Zhou: Safe and Effective Importance Sampling. JASA 95, 2000 (the prior in the mixture).
    Cornuet, Marin, Mira, Robert: Adaptive Multiple Importance Sampling. Scand. J. Statistics 39, 2012.
    El Masri, Morio, Simatos: Improvement of the cross-entropy method in high dimension. RESS 216, 2021.
    """

    def draw(Z: np.ndarray) -> _Rows:
        X, y = decode(Z, rng)
        return _Rows(Z, X, y, _inside(request, X, y))

    def blindly(n: int) -> _Rows:
        return draw(rng.standard_normal((n, width)))

    first = min(request.n, most)
    rows = _in_batches(blindly, first)
    if rows.inside.all():
        return rows.X, rows.y, first, "native"
    rows = _Rows.concat([rows, blindly(max(0, min(PILOT, most) - first))])
    if len(rows) >= most or rows.inside.mean() >= REJECT_ABOVE:
        return _by_rejection(blindly, rows, request.n, most)
    return _by_importance(draw, rows, request, rng, most)


def samples_from_latents(
    decode: Decode, width: int, request: Request, schema: Schema, rng: np.random.Generator, *, tries: int
) -> Samples:
    """Draw rows as `from_latents` does, with ``tries`` for each requested one; 0 = nothing is drawn.

    They are made from no real row, so they name no parents.
    """
    X, y, tried, sampling_method = from_latents(decode, width, request, rng, most=draws_for(request, tries))
    parents = np.full(len(X), -1, dtype=np.int64)
    return Samples(proposals(X, y, parents, schema), request, tried, sampling_method)


@dataclass(frozen=True, eq=False)
class _Rows:
    """Decoded rows with the latents they came from."""

    Z: np.ndarray  # (k, width)
    X: np.ndarray  # (k, d)
    y: np.ndarray  # (k,)
    inside: np.ndarray  # (k,) bool: in the region and with the requested label

    def __len__(self) -> int:
        return len(self.Z)

    def take(self, rows: np.ndarray) -> _Rows:
        return _Rows(self.Z[rows], self.X[rows], self.y[rows], self.inside[rows])

    @staticmethod
    def concat(parts: list[_Rows]) -> _Rows:
        Z, X, y, inside = (
            np.concatenate([getattr(part, name) for part in parts]) for name in ("Z", "X", "y", "inside")
        )
        return _Rows(Z, X, y, inside)


def _in_batches(blindly: Callable[[int], _Rows], n: int) -> _Rows:
    sizes = [BATCH] * (n // BATCH) + [n % BATCH]
    return _Rows.concat([blindly(size) for size in sizes])


def _by_rejection(
    blindly: Callable[[int], _Rows], pilot: _Rows, n: int, most: int
) -> tuple[np.ndarray, np.ndarray, int, SamplingMethod]:
    """Draw until n rows are inside or the draws are used up."""
    tried, found = len(pilot), pilot.take(pilot.inside)
    while len(found) < n and tried < most:
        size = min(BATCH, most - tried, ceil(1.1 * (n - len(found)) * (tried + 1) / (len(found) + 1)))
        drawn = blindly(size)
        tried, found = tried + size, _Rows.concat([found, drawn.take(drawn.inside)])
    return found.X[:n], found.y[:n], tried, "rejection"


def _by_importance(
    draw: Callable[[np.ndarray], _Rows], pilot: _Rows, request: Request, rng: np.random.Generator, most: int
) -> tuple[np.ndarray, np.ndarray, int, SamplingMethod]:
    """Move a proposal towards the region until the rows inside have an effective sample size of n."""
    scale = _spread(pilot.X)

    def gap(rows: _Rows) -> np.ndarray:
        return _gap(request, rows, scale)

    n, tried, idle = request.n, len(pilot), 0
    proposals: list[Proposal] = []
    counts = [tried]  # draws from the prior, then from each proposal
    nearest = _nearest(pilot, gap)
    for _ in range(ROUNDS):
        weight = importance_weights(nearest.Z, proposals, counts)
        if tried >= most or idle >= PATIENCE or _effective(weight[nearest.inside]) >= n:
            break
        elite = _elite(gap(nearest))
        proposals.append(Proposal.fit(nearest.Z[elite], weight[elite]))
        size = min(BATCH, max(PILOT, n), most - tried)
        blind = ceil(BLIND * size)
        Z = np.concatenate([rng.standard_normal((blind, pilot.Z.shape[1])), proposals[-1].draw(size - blind, rng)])
        tried, counts = tried + size, [counts[0] + blind, *counts[1:], size - blind]
        before, nearest = nearest, _nearest(_Rows.concat([nearest, draw(Z)]), gap)
        is_nearer = nearest.inside.sum() > before.inside.sum() or gap(nearest).mean() < 0.99 * gap(before).mean()
        idle = 0 if is_nearer else idle + 1
    found = nearest.take(nearest.inside)
    copies = copies_each(importance_weights(found.Z, proposals, counts), n, rng)
    chosen = rng.permutation(np.repeat(np.arange(len(found)), copies))
    return found.X[chosen], found.y[chosen], tried, "importance"


def _inside(request: Request, X: np.ndarray, y: np.ndarray) -> np.ndarray:  # (k,) bool
    inside = request.region.contains(Rows(X))
    return inside if request.label is None else inside & (y == request.label)


def _spread(X: np.ndarray) -> np.ndarray:
    """Standard deviation of each column (d,), 1 where nothing varies."""
    seen = np.ma.masked_invalid(X)
    spread = np.ma.filled(seen.std(axis=0), 0.0)
    return np.where(spread > 0, spread, 1.0)


def _gap(request: Request, rows: _Rows, scale: np.ndarray) -> np.ndarray:
    """Return distances to the region (k,): 0 inside, else a sum over violated conditions, plus 1 for a wrong label."""
    gap = np.zeros(len(rows)) if request.label is None else (rows.y != request.label).astype(float)
    for condition in request.region.rule:
        gap += _violation(condition, rows.X, scale[condition.column])
    # Open ends of an interval are outside at distance 0.
    return np.where(rows.inside, 0.0, np.maximum(gap, 1e-9))


def _violation(condition: Condition, X: np.ndarray, scale: float) -> np.ndarray:  # (k,)
    """Standard deviations to the interval of an ordered column, 1 for a wrong category or missingness."""
    x = X[:, condition.column]
    beyond = np.ones(len(x))
    if condition.codes is None:
        beyond = np.maximum(np.maximum(condition.low - x, x - condition.high), 0) / scale
    return np.where(condition.holds(Rows(X)), 0.0, np.where(np.isnan(x), 1.0, beyond))


def _nearest(rows: _Rows, gap: Callable[[_Rows], np.ndarray]) -> _Rows:
    """Keep all rows inside; if they are fewer than ``ELITE``, fill up with the nearest outside."""
    order = np.argsort(gap(rows), kind="stable")
    return rows.take(order[: max(ELITE, int(rows.inside.sum()))])


def _elite(gap: np.ndarray) -> np.ndarray:  # (k,) bool
    """Choose the rows to fit to: those nearer than the farthest distance, where many may tie; all if those are few."""
    nearer: np.ndarray = gap < gap.max()
    return nearer if nearer.sum() >= FEWEST else np.ones(len(gap), dtype=bool)


@dataclass(frozen=True, eq=False)
class Proposal:
    """A Gaussian over latents that differs from the standard normal in its mean and along a few directions."""

    mean: np.ndarray  # (width,)
    axes: np.ndarray  # (width, r) orthonormal
    variance: np.ndarray  # (r,) along the axes; 1 in all other directions

    @classmethod
    def fit(cls, Z: np.ndarray, weight: np.ndarray) -> Proposal:
        """Fit to weighted latents, ignoring deviations from the prior that chance could explain.

        The mean is shrunk (James, Stein 1961). Variances are fitted along it (El Masri et al. 2021) and along those
        directions whose variance lies outside the range expected of noise (Marchenko, Pastur 1967).
        """
        width, size = Z.shape[1], _effective(weight)
        share = weight / weight.sum()
        mean = share @ Z
        length = float(mean @ mean)
        mean = mean * max(0.0, 1 - width / (size * length + 1e-12))
        along = mean[:, None] / max(float(np.linalg.norm(mean)), 1e-12)  # (width, 1), zero if the mean is
        off = Z - mean
        covariance = (off * share[:, None]).T @ off
        across = np.eye(width) - along @ along.T
        values, vectors = np.linalg.eigh(across @ covariance @ across + along @ along.T)
        noise = np.sqrt(width / size)
        clear = (values < max(0.0, 1 - noise) ** 2 - 1e-9) | (values > (1 + noise) ** 2)
        axes = np.hstack([along, vectors[:, clear]])[:, int(not mean.any()) :]
        variance = np.einsum("ir,ij,jr->r", axes, covariance, axes) + size**-2  # keeps it above zero
        return cls(mean, axes, np.where(variance < 1, np.minimum(WIDER * variance, 1), variance))

    def draw(self, n: int, rng: np.random.Generator) -> np.ndarray:  # (n, width)
        noise = rng.standard_normal((n, len(self.mean)))
        drawn: np.ndarray = self.mean + noise + ((noise @ self.axes) * (np.sqrt(self.variance) - 1)) @ self.axes.T
        return drawn

    def log_ratio(self, Z: np.ndarray) -> np.ndarray:
        """Log density over that of the prior, shape (k,)."""
        off = Z - self.mean
        excess = (off @ self.axes) ** 2 @ (1 / self.variance - 1)
        ratio: np.ndarray = ((Z**2).sum(axis=1) - (off**2).sum(axis=1) - excess - np.log(self.variance).sum()) / 2
        return ratio


def importance_weights(Z: np.ndarray, proposals: list[Proposal], counts: list[int]) -> np.ndarray:
    """Importance weights (k,), up to a factor, of draws from the mixture of the prior and all proposals."""
    parts = [np.zeros(len(Z)), *(proposal.log_ratio(Z) for proposal in proposals)]
    log_weight = -np.logaddexp.reduce(np.stack(parts) + np.log(counts)[:, None], axis=0)
    weight: np.ndarray = np.exp(log_weight - log_weight.max(initial=-np.inf))
    return weight


def _effective(weight: np.ndarray) -> float:
    """Effective sample size (Kish 1965)."""
    return float(weight.sum() ** 2 / max((weight**2).sum(), 1e-300))


def copies_each(weight: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Return how often to deliver each row (k,): in proportion to its weight, at most ``COPIES`` times, n in all.

    What is cut from the heaviest rows goes to the others (truncated importance sampling, Ionides 2008).
    """
    if len(weight) * COPIES <= n:
        return np.full(len(weight), COPIES)
    order = np.argsort(-weight)
    tail = np.cumsum(weight[order][::-1])[::-1]  # weight of this row and all lighter ones
    factor = (n - COPIES * np.arange(len(weight))) / tail
    cut = int(np.argmax(factor * weight[order] <= COPIES))  # rows heavier than this one are cut off
    expected = np.minimum(factor[cut] * weight, COPIES)
    copies: np.ndarray = np.diff(np.floor(np.cumsum(expected) + rng.random()), prepend=0).astype(int)
    return copies
