"""Weak regions as boxes, chosen on one half of the rows and confirmed on the other."""

from dataclasses import dataclass

import numpy as np

from loop.data.split import duplicate_groups
from loop.regions import clusters
from loop.regions.boxes import Rule, weak_boxes
from loop.regions.rule_text import describe
from loop.regions.significance import benjamini_hochberg, difference, permutation_p
from loop.regions.weakness import measured_rows, seed_weights
from loop.support.setting_checks import check_bounds
from loop.types import Region, Table

SAME = 0.5  # regions with a higher Jaccard similarity of their rows count as one


@dataclass(frozen=True)
class TreeFinder:
    """Finds boxes in feature space, by regression trees on the weakness.

    The worst leaf of a tree looks worse than it is on the rows that chose it. So the rows are split in two halves, and
    the leaves of a tree grown on one half are tested and measured on the other, in both directions.

    Parameters
    ----------
    depth : int
        Most conditions in a rule.
    min_share : float
        Fewest rows in a region, as a share of those measured.
    min_rows, min_positives : int
        Fewest rows, and fewest rows of the positive class, in a region, both halves together.
    false_discovery : float
        Largest expected share of reported regions that are not weaker; on pure noise, the chance to report any.
    cover : float
        Regions are reported, worst first, until they contain this share of the rows.

    Raises
    ------
    ConfigError
        If ``depth`` is below 1, ``min_rows`` below 4 or ``min_positives`` below 0, or one of the others is not above 0
        and at most 1.
    """

    depth: int = 4
    min_share: float = 0.02
    min_rows: int = 20
    min_positives: int = 5
    false_discovery: float = 0.05
    cover: float = 0.2

    def __post_init__(self) -> None:
        least = {"depth": 1, "min_rows": 4, "min_positives": 0}
        check_bounds(self, least=least, shares=("min_share", "false_discovery", "cover"))

    def find(self, table: Table, weakness: np.ndarray, rng: np.random.Generator) -> tuple[Region, ...]:
        """Return the confirmed weak regions, worst first; there may be none.

        Parameters and errors are those of `loop.protocols.RegionFinder.find`.
        """
        rows = measured_rows(table, weakness)
        known, weak = (table, weakness) if len(rows) == len(table) else (table.take(rows), weakness[rows])
        if len(rows) < 4 * self.min_rows or np.ptp(weak) == 0:
            return ()
        first = halves(known, rng)
        if not self.min_rows <= first.sum() <= len(rows) - self.min_rows:  # too few distinct rows for two halves
            return ()
        tested = [*self._candidates(known, weak, first, rng), *self._candidates(known, weak, ~first, rng)]
        told = self._worst(_distinct(self._confirmed(tested, known.y == table.schema.positive)))
        regions = []
        for candidate in told:
            inside, judges = candidate.inside, candidate.judges
            region = Region(
                candidate.rule,
                describe(candidate.rule, table.schema, table.X),
                rows=int(inside.sum()),
                positives=int((known.y[inside] == table.schema.positive).sum()),
                deficit=difference(
                    weak[judges],
                    inside[judges],
                    clusters.of(known.unit, judges),
                    rng,
                    shown=len(told),
                    tested=len(tested),
                ),
                seeds=rows[inside],
                seed_weight=seed_weights(weak[inside]),
            )
            regions.append(region)
        return tuple(regions)

    def _candidates(
        self, table: Table, weakness: np.ndarray, chooses: np.ndarray, rng: np.random.Generator
    ) -> "list[_Candidate]":
        """Propose boxes on one half of the rows, a mask (n,), and test them on the other."""
        least = max(self.min_rows // 2, int(np.ceil(self.min_share * chooses.sum())))
        discrete = table.schema.discrete
        rules = weak_boxes(table.X[chooses], weakness[chooses], discrete, depth=self.depth, min_rows=least, rng=rng)
        boxes = [(rule, Region(rule).contains(table.rows)) for rule in rules]
        boxes = [(rule, inside) for rule, inside in boxes if 0 < (inside & ~chooses).sum() < (~chooses).sum()]
        leaves = min(2.0**self.depth, 1 / self.min_share)
        draws = max(999, int(4 * leaves / self.false_discovery))  # enough draws for a single weak leaf to pass
        members = [inside[~chooses] for _, inside in boxes]
        p = permutation_p(weakness[~chooses], members, draws, rng, clusters.of(table.unit, ~chooses))
        return [
            _Candidate(rule, inside, ~chooses, float(p_value), _gap(weakness, inside, ~chooses))
            for (rule, inside), p_value in zip(boxes, p, strict=True)
        ]

    def _confirmed(self, tested: "list[_Candidate]", positive: np.ndarray) -> "list[_Candidate]":
        """Return the candidates that pass the tests and are large enough; ``positive`` is a mask (n,).

        Size is checked after the tests: the number of positives is correlated with the weakness, so selecting by it
        first would bias them.
        """
        stands = benjamini_hochberg(np.array([candidate.p for candidate in tested]), self.false_discovery)
        return [
            candidate
            for candidate, passes in zip(tested, stands, strict=True)
            if passes
            and candidate.inside.sum() >= max(self.min_rows, self.min_share * len(positive))
            and (candidate.inside & candidate.judges).sum() >= self.min_rows // 2
            and (candidate.inside & positive).sum() >= self.min_positives
        ]

    def _worst(self, candidates: "list[_Candidate]") -> "list[_Candidate]":
        """Return candidates by decreasing gap until they cover enough rows."""
        shown: list[_Candidate] = []
        covered = np.zeros(len(candidates[0].inside) if candidates else 1, dtype=bool)
        for candidate in sorted(candidates, key=lambda c: -c.gap):
            if covered.mean() >= self.cover:
                break
            shown.append(candidate)
            covered |= candidate.inside
        return shown


@dataclass(frozen=True, eq=False)
class _Candidate:
    rule: Rule
    inside: np.ndarray  # (n,) bool
    judges: np.ndarray  # (n,) bool: rows that did not choose it
    p: float
    gap: float  # mean weakness inside minus outside, of the judging rows


def _gap(weakness: np.ndarray, inside: np.ndarray, judges: np.ndarray) -> float:
    return float(weakness[judges & inside].mean() - weakness[judges & ~inside].mean())


def halves(table: Table, rng: np.random.Generator) -> np.ndarray:  # (n,) bool
    """Choose half of the distinct rows, stratified by label; copies, and rows of a unit, stay together."""
    group = duplicate_groups(table.X if table.unit is None else table.unit[:, None])
    where = np.flatnonzero(np.diff(np.maximum.accumulate(group), prepend=-1))  # first row of each group
    order, y = rng.permutation(len(where)), table.y[where]
    side = np.empty(len(where), dtype=bool)
    for code in np.unique(y):
        own = order[y[order] == code]
        side[own] = np.arange(len(own)) % 2 == 0
    first: np.ndarray = side[group]
    return first


def _distinct(candidates: list[_Candidate]) -> list[_Candidate]:
    """Drop each candidate that shares most of its rows with a more significant one."""
    kept: list[_Candidate] = []
    for candidate in sorted(candidates, key=lambda c: (c.p, -c.gap)):
        if all(_jaccard(candidate.inside, other.inside) <= SAME for other in kept):
            kept.append(candidate)
    return kept


def _jaccard(a: np.ndarray, b: np.ndarray) -> float:
    return float((a & b).sum() / (a | b).sum())
