"""Laws of what a generator learns from and starts from: real rows, and the seeds of the region."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from loop.errors import DataError
from loop.rows import Rows
from loop.testing.generators.common import ANYWHERE, FAR, Make, fitted, new_rng, sample_or_refuse
from loop.testing.tables import mixed_table
from loop.types import Region, Request, Table


def learns_from_real_rows_only(make: Make) -> None:
    table = _with_planted_rows()
    generator = make().fit(table, new_rng())
    for label in (None, 0, 1):
        made = generator.sample(Request(ANYWHERE, label, 400), new_rng()).table
        assert made.X[:, 1].max() < FAR / 100, "a synthetic row was learnt"
        assert not (made.X[:, 5] == 4).any(), "a category of synthetic rows only was learnt"


def refuses_a_table_without_real_rows(make: Make) -> None:
    table = mixed_table()
    for none in (table.take(np.arange(0)), replace(table, generation=np.ones(len(table), np.int64))):
        try:
            make().fit(none, new_rng())
        except DataError as refusal:
            complaint = str(refusal)
        else:
            complaint = ""
        assert "real rows" in complaint, f"fits {len(none)} rows of which none is real"


def starts_from_real_seeds_only(make: Make) -> None:
    table = _with_planted_rows()
    synthetic, real = np.flatnonzero(~table.is_real)[:5], np.flatnonzero(table.is_real)[:40]
    region = Region(seeds=np.concatenate([synthetic, real]), seed_weight=np.ones(45))
    made = make().fit(table, new_rng()).sample(Request(region, None, 200), new_rng()).table
    allowed = {-1, *table.row_number[real].tolist()}
    assert set(made.parents[:, 0].tolist()) <= allowed, "a proposal started from a row that is no real seed"


def starts_in_proportion_to_the_seed_weight(make: Make) -> None:
    region = Region(seeds=np.array([10, 20, 30]), seed_weight=np.array([8.0, 2.0, 0.0]))
    parent = fitted(make).sample(Request(region, None, 1000), new_rng()).table.parents[:, 0]
    if (parent >= 0).any():
        assert set(parent.tolist()) <= {10, 20}
        assert abs((parent == 10).mean() - 0.8) < 0.06
    one_of_many = Region(seeds=np.arange(200), seed_weight=np.append(199.0, np.ones(199)))
    parent = fitted(make).sample(Request(one_of_many, None, 200), new_rng()).table.parents[:, 0]
    if (parent >= 0).any():
        assert abs((parent == 0).mean() - 0.5) < 0.12, "a heavy seed among many light ones"


def copes_with_a_class_of_one_row(make: Make) -> None:
    table = mixed_table()
    y = table.y.copy()
    y[0] = 2
    lonely = replace(table, y=y, schema=replace(table.schema, classes=("fine", "fraud", "lonely")))
    generator = make().fit(lonely, new_rng())
    assert len(generator.sample(Request(ANYWHERE, None, 300), new_rng()).table) > 250
    made = sample_or_refuse(generator, Request(ANYWHERE, 2, 20))
    assert made is None or (made.table.y == 2).all()


LAWS: tuple[Callable[[Make], None], ...] = (
    learns_from_real_rows_only,
    refuses_a_table_without_real_rows,
    starts_from_real_seeds_only,
    starts_in_proportion_to_the_seed_weight,
    copes_with_a_class_of_one_row,
)


def _with_planted_rows() -> Table:
    """Half as many synthetic rows as real ones, placed first, far away and in a category of their own."""
    real = mixed_table()
    half = real.take(np.arange(300))
    X = half.X.copy()
    X[:, 1], X[:, 5] = FAR, 4
    planted = replace(
        half, rows=Rows(X), generation=np.ones_like(half.generation), parents=np.full_like(half.parents, 599)
    )
    # The range is opened too, or clipping to it would hide what was learnt.
    columns = tuple(replace(column, high=np.inf) if i == 1 else column for i, column in enumerate(real.schema.columns))
    return replace(Table.concat([planted, real]), schema=replace(real.schema, columns=columns))
