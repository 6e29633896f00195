"""How the scenarios of a rule book are mixed inside a region, and the rejection that makes rows follow the book."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil

import numpy as np

from generators.rules.book import Book, Scenario
from generators.rules.draws import Limit
from generators.rules.sources import Source
from loop.types import Request, Samples, SamplingMethod, Table

PILOT = 4000  # rows to find the largest mass of a scenario; one is enough where the mass is constant
UNSEEN = 0.1  # share of the draws for scenarios whose pilot rows had no mass: rare rows may have some

Batch = tuple[Table, np.ndarray, np.ndarray, int]  # rows inside (m,), their mass and scenario (m,), rows drawn


@dataclass(frozen=True, eq=False)
class Mixture:
    """How a request is sampled: the limit of each column, and the frequency of each of the s scenarios."""

    inside: Mapping[str, Limit]
    weight: np.ndarray  # (s,) share of the rows without limits, up to a factor
    bound: np.ndarray  # (s,) largest mass of a row of the scenario so far
    drawn: int = 0  # rows drawn to learn this

    @property
    def chance(self) -> np.ndarray:
        """Probability (s,) of each scenario; all zero if none reaches the region."""
        share: np.ndarray = self.weight * self.bound
        chance: np.ndarray = share / (share.sum() or 1.0)
        return chance


def explored(book: Book, inside: Mapping[str, Limit], weight: np.ndarray, mass: Callable[[int, int], float]) -> Mixture:
    """Learn the largest mass of each scenario from a few rows.

    Parameters
    ----------
    book : Book
        The s scenarios.
    inside : mapping of str to Limit
        The condition on each limited column.
    weight : np.ndarray
        Share of the rows of each scenario without limits, (s,), up to a factor.
    mass : callable
        Draws n rows of one scenario, from its number and n, and returns their largest mass.
    """
    bound, unseen, drawn = np.ones(len(weight)), np.zeros(len(weight), dtype=bool), 0
    for number in np.flatnonzero(weight) if inside else ():
        n = PILOT if _varies(book, book.scenarios[number], inside) else 1
        bound[number] = mass(int(number), n)
        unseen[number] = n > 1 and not bound[number]
        drawn += n
    if unseen.any():
        reached = (weight * bound).sum()
        bound[unseen] = UNSEEN / (1 - UNSEEN) * reached / weight[unseen].sum() if reached else 1.0
    return Mixture(inside, weight, bound, drawn)


def thinned(
    draw: Callable[[int, Mixture], Batch],
    request: Request,
    mixture: Mixture,
    tries: int,
    batch: int,
    rng: np.random.Generator,
) -> Samples:
    """Draw rows and keep each with probability proportional to its mass, at most ``tries * request.n`` draws.

    Rejection needs a bound of the masses, and the largest one so far is only an estimate. Where a row exceeds the
    bound, it is raised, and the rows kept before are thinned to those that the new bound would have accepted.

    Parameters
    ----------
    draw : callable
        Draws n rows of a mixture; returns rows inside the region, their mass and scenario (m,), and rows drawn.
    request : Request
        The rows wanted.
    mixture : Mixture
        From `explored`.
    tries, batch : int
        Maximum number of draws for each requested row, and of rows drawn at once.
    rng : np.random.Generator
        Draws which rows are kept.
    """
    budget, asked, made, pilot = tries * request.n, 0, 0, mixture.drawn
    parts: list[_Part] = []
    while not parts or (_found(parts) < request.n and asked < budget):
        found = _found(parts)
        needed = ceil((request.n - found) * (asked + 1) / (found + 1))
        n = min(batch, budget - asked, max(request.n, needed))
        rows, mass, scenario, drawn = draw(n, mixture)
        luck = mass / (mixture.bound[scenario] * (1 - rng.random(len(rows))))
        parts.append(_Part(rows, luck, mixture.bound))
        bound = mixture.bound.copy()
        np.maximum.at(bound, scenario, mass)
        mixture = Mixture(mixture.inside, mixture.weight, bound)
        parts = [part.under(bound) for part in parts]
        asked, made = asked + n, made + drawn
    sampling_method: SamplingMethod = "rejection" if made > _found(parts) else "native"
    # Random order: which rows are cut off must not depend on the order in which they were made.
    kept = rng.permutation(_found(parts))[: request.n]
    return Samples(Table.concat([part.rows for part in parts]).take(kept), request, pilot + made, sampling_method)


@dataclass(frozen=True, eq=False)
class _Part:
    """Rows drawn under the same bounds."""

    rows: Table
    luck: np.ndarray  # (m,) largest factor on all bounds at which the row would still be kept
    bound: np.ndarray  # (s,)

    def under(self, bound: np.ndarray) -> _Part:
        """Keep the rows that higher bounds would have kept; one factor for all scenarios preserves their shares."""
        factor = (bound[self.bound > 0] / self.bound[self.bound > 0]).max()
        keep = self.luck >= factor
        return self if keep.all() else _Part(self.rows.take(keep), self.luck[keep], self.bound)


def _found(parts: list[_Part]) -> int:
    return sum(len(part.rows) for part in parts)


def _varies(book: Book, scenario: Scenario, inside: Mapping[str, Limit]) -> bool:
    """Tell whether the mass differs from row to row: a limited source reads columns, or the class that was drawn."""
    label = {book.target: book.label_of(scenario)}
    told = {**({} if scenario.where else book.columns), **scenario.columns, **label}
    limited = [told.get(name) for name in inside]  # None: a column of the row that rows start from
    by_class = book.target not in inside
    return any(source is not None and _reads(source, by_class) for source in limited)


def _reads(source: Source, by_class: bool) -> bool:
    return bool(source.names) or (source.kind == "data" and by_class)
