"""The laws of finders bite: each of these finders is wrong in one way and must fail the law against it."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from loop.protocols import RegionFinder
from loop.regions import TreeFinder
from loop.regions.boxes import weak_boxes
from loop.regions.significance import benjamini_hochberg, bootstrap_difference, permutation_p
from loop.testing import finders as laws
from loop.types import Interval, Region, Table

Regions = tuple[Region, ...]
NUMERIC = laws.BOXES["numeric"]


class Silent:
    """Finds nothing, anywhere."""

    def find(self, table: Table, weakness: np.ndarray, rng: np.random.Generator) -> Regions:
        return ()


class WithoutHalves:
    """Chooses, confirms and measures on the same rows, as most tools for weak segments do."""

    def find(self, table: Table, weakness: np.ndarray, rng: np.random.Generator) -> Regions:
        rules = weak_boxes(table.X, weakness, table.schema.discrete, depth=4, min_rows=10, rng=rng)
        found = [Region(rule) for rule in rules]
        boxes = [region.contains(table.rows) for region in found]
        stands = benjamini_hochberg(permutation_p(weakness, boxes, 1999, rng), 0.05)
        return tuple(
            replace(region, deficit=bootstrap_difference(weakness[box], weakness[~box], rng))
            for region, box, ok in zip(found, boxes, stands, strict=True)
            if ok
        )


class Altered:
    """The tree finder with its answer or its inputs altered."""

    def __init__(
        self,
        answer: Callable[[Regions], Regions] = lambda regions: regions,
        inputs: Callable[[Table, np.ndarray], tuple[Table, np.ndarray]] = lambda table, weakness: (table, weakness),
    ) -> None:
        self.answer, self.inputs = answer, inputs

    def find(self, table: Table, weakness: np.ndarray, rng: np.random.Generator) -> Regions:
        return self.answer(TreeFinder().find(*self.inputs(table, weakness), rng))


class Unseeded:
    """Draws from a generator of its own."""

    def find(self, table: Table, weakness: np.ndarray, rng: np.random.Generator) -> Regions:
        return TreeFinder().find(table, weakness, np.random.default_rng())


def _each(change: Callable[[Region], Region]) -> Altered:
    return Altered(lambda regions: tuple(change(region) for region in regions))


def _overwritten(table: Table, weakness: np.ndarray) -> tuple[Table, np.ndarray]:
    weakness -= weakness.mean()
    return table, weakness


def _all_real(table: Table, weakness: np.ndarray) -> tuple[Table, np.ndarray]:
    return replace(table, generation=np.zeros_like(table.generation)), weakness


def _too_sure(region: Region) -> Region:
    assert region.deficit is not None
    estimate = region.deficit.estimate
    return replace(region, deficit=Interval(estimate, estimate - 0.05, estimate + 0.05))


def _first_seed_lost(region: Region) -> Region:
    assert region.seeds is not None
    assert region.seed_weight is not None
    return replace(region, seeds=region.seeds[1:], seed_weight=region.seed_weight[1:])


WRONG: list[tuple[str, RegionFinder, Callable[[RegionFinder], None]]] = [
    ("silent", Silent(), lambda finder: laws.planted_region_is_found(finder, NUMERIC)),
    ("no halves, noise", WithoutHalves(), lambda finder: laws.noise_has_no_regions(finder, laws.NOISE["exponential"])),
    ("no halves, curse", WithoutHalves(), lambda finder: laws.intervals_hold_the_truth(finder, {"numeric": NUMERIC})),
    ("too sure", _each(_too_sure), lambda finder: laws.intervals_hold_the_truth(finder, {"numeric": NUMERIC})),
    (
        "miscounts rows",
        _each(lambda region: replace(region, rows=region.rows + 1)),
        lambda finder: laws.counts_are_true(finder, NUMERIC),
    ),
    (
        "miscounts positives",
        _each(lambda region: replace(region, positives=region.rows)),
        lambda finder: laws.counts_are_true(finder, NUMERIC),
    ),
    ("loses a seed", _each(_first_seed_lost), lambda finder: laws.seeds_are_the_rows_inside(finder, NUMERIC)),
    ("best first", Altered(lambda regions: regions[::-1]), laws.worst_comes_first),
    ("counts synthetic", Altered(inputs=_all_real), lambda finder: laws.only_measured_real_rows_count(finder, NUMERIC)),
    ("unseeded", Unseeded(), lambda finder: laws.same_seed_same_regions(finder, NUMERIC)),
    ("writes", Altered(inputs=_overwritten), lambda finder: laws.inputs_stay_as_they_are(finder, NUMERIC)),
    (
        "always finds",
        Altered(lambda regions: (*regions, Region())),
        laws.nothing_is_found_where_nothing_differs,
    ),
]


@pytest.mark.parametrize(("finder", "law"), [pytest.param(finder, law, id=name) for name, finder, law in WRONG])
def test_law_fails_the_wrong_finder(finder: RegionFinder, law: Callable[[RegionFinder], None]) -> None:
    with pytest.raises(AssertionError):
        law(finder)
