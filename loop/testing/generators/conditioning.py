"""Laws of regions and labels: what is asked for is what is delivered, and nothing else changes with it."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from loop.testing.generators.common import ANYWHERE, HOT, Make, column_regions, fitted, new_rng
from loop.testing.tables import mixed_table
from loop.types import Condition, Region, Request, Table

COLD = Region((Condition(1, high=0.5),), text="score <= 0.5")  # few of its rows are positive in `_hot_table`


def delivers_inside_a_region_on_each_column(make: Make) -> None:
    table = mixed_table()
    generator = fitted(make)
    for region in column_regions(table):
        for label in (None, 1):
            made = generator.sample(Request(region, label, 60), new_rng()).table
            assert len(made), f"nothing for {region.text}, label {label}"
            assert region.contains(made.rows).all(), f"outside {region.text}"


def beats_unconditional_sampling_on_each_column(make: Make) -> None:
    table = mixed_table()
    generator = fitted(make)
    anywhere = generator.sample(Request(ANYWHERE, None, 600), new_rng()).table
    for region in column_regions(table):
        made = generator.sample(Request(region, None, 100), new_rng()).table
        share, base = region.contains(made.rows).mean(), region.contains(anywhere.rows).mean()
        assert share > base, f"{region.text}: {share:.2f} inside when asked, {base:.2f} unasked"


def gives_the_label_asked_for(make: Make) -> None:
    generator = fitted(make)
    for label in (0, 1):
        made = generator.sample(Request(ANYWHERE, label, 50), new_rng()).table
        assert len(made)
        assert (made.y == label).all()
        assert made.y.dtype == np.int64


def keeps_the_prior_when_no_label_is_asked(make: Make) -> None:
    table = mixed_table()
    made = fitted(make).sample(Request(ANYWHERE, None, 3000), new_rng()).table
    assert abs(made.y.mean() - table.y.mean()) < 0.03


def keeps_the_share_of_a_rare_class(make: Make) -> None:
    table = mixed_table()
    rare = replace(table, y=(table.X[:, 1] >= np.sort(table.X[:, 1])[-12]).astype(np.int64))  # 12 of 600
    made = make().fit(rare, new_rng()).sample(Request(ANYWHERE, None, 4000), new_rng()).table
    assert abs(made.y.mean() - 0.02) < 0.01, f"{made.y.mean():.4f} of the rows are of a class of 0.02"


def conditions_on_later_discrete_columns(make: Make) -> None:
    table = mixed_table()
    generator = fitted(make)
    travel, swipe = Condition(5, codes=frozenset({1})), Condition(6, codes=frozenset({1}))
    for rule in ((travel,), (swipe,), (travel, swipe)):
        region = Region(rule, text=f"columns {[condition.column for condition in rule]}")
        made = generator.sample(Request(region, None, 200), new_rng()).table
        hits, base = region.contains(made.rows).sum() / 200, region.contains(table.rows).mean()
        assert hits > (1 + base) / 2, f"{region.text}: {hits:.2f} of the rows asked for are inside, {base:.2f} unasked"


def serves_label_and_region_together(make: Make) -> None:
    generator = fitted(make, _hot_table)
    for region, label in ((HOT, 1), (HOT, 0), (COLD, 1), (COLD, 0)):
        made = generator.sample(Request(region, label, 60), new_rng()).table
        assert region.contains(made.rows).all(), f"outside {region.text}"
        assert (made.y == label).all(), f"another label than {label}"
        assert len(made) >= 30, f"{len(made)} of 60 rows for {region.text}, label {label}"


def keeps_the_labels_of_the_region(make: Make) -> None:
    table = _hot_table()
    generator = fitted(make, _hot_table)
    for region in (HOT, COLD):
        truth = table.y[region.contains(table.rows)].mean()
        made = generator.sample(Request(region, None, 400), new_rng()).table
        assert abs(made.y.mean() - truth) < 0.2, f"{region.text}: {made.y.mean():.2f} positive, {truth:.2f} in truth"


LAWS: tuple[Callable[[Make], None], ...] = (
    delivers_inside_a_region_on_each_column,
    beats_unconditional_sampling_on_each_column,
    gives_the_label_asked_for,
    keeps_the_prior_when_no_label_is_asked,
    keeps_the_share_of_a_rare_class,
    conditions_on_later_discrete_columns,
    serves_label_and_region_together,
    keeps_the_labels_of_the_region,
)


def _hot_table() -> Table:
    """A table in which 80 % of the rows of `HOT` are positive, and 5 % of those of `COLD`."""
    table = mixed_table()
    chance = np.where(HOT.contains(table.rows), 0.8, 0.05)
    return replace(table, y=(new_rng(7).random(len(table)) < chance).astype(np.int64))
