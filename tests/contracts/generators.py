"""Laws that every generator must obey. Each takes a maker of unfitted generators and asserts."""

import hashlib
import os
import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import fields, replace
from functools import lru_cache
from pathlib import Path
from typing import get_args

import numpy as np

from contracts.tables import mixed_table
from loop.errors import ConditionError, DataError
from loop.protocols import Generator
from loop.rows import Rows
from loop.types import OUTSIDE, Condition, Region, Request, Samples, SamplingMethod, Table

Make = Callable[[], Generator]
ANYWHERE = Region()
FAR = 1e6  # where rows are planted that nobody may learn
HOT = Region((Condition(1, low=0.5),), text="score > 0.5")  # in `_hot_table` most rows here are positive
COLD = Region((Condition(1, high=0.5),), text="score <= 0.5")  # and few are here


def delivers_inside_a_region_on_each_column(make: Make) -> None:
    table = mixed_table()
    generator = _fitted(make)
    for region in column_regions(table):
        for label in (None, 1):
            made = generator.sample(Request(region, label, 60), _rng()).table
            assert len(made), f"nothing for {region.text}, label {label}"
            assert region.contains(made.rows).all(), f"outside {region.text}"


def beats_unconditional_sampling_on_each_column(make: Make) -> None:
    table = mixed_table()
    generator = _fitted(make)
    anywhere = generator.sample(Request(ANYWHERE, None, 600), _rng()).table
    for region in column_regions(table):
        made = generator.sample(Request(region, None, 100), _rng()).table
        share, base = region.contains(made.rows).mean(), region.contains(anywhere.rows).mean()
        assert share > base, f"{region.text}: {share:.2f} inside when asked, {base:.2f} unasked"


def gives_the_label_asked_for(make: Make) -> None:
    generator = _fitted(make)
    for label in (0, 1):
        made = generator.sample(Request(ANYWHERE, label, 50), _rng()).table
        assert len(made)
        assert (made.y == label).all()
        assert made.y.dtype == np.int64


def keeps_the_prior_when_no_label_is_asked(make: Make) -> None:
    table = mixed_table()
    made = _fitted(make).sample(Request(ANYWHERE, None, 3000), _rng()).table
    assert abs(made.y.mean() - table.y.mean()) < 0.03


def keeps_the_share_of_a_rare_class(make: Make) -> None:
    table = mixed_table()
    rare = replace(table, y=(table.X[:, 1] >= np.sort(table.X[:, 1])[-12]).astype(np.int64))  # 12 of 600
    made = make().fit(rare, _rng()).sample(Request(ANYWHERE, None, 4000), _rng()).table
    assert abs(made.y.mean() - 0.02) < 0.01, f"{made.y.mean():.4f} of the rows are of a class of 0.02"


def conditions_on_later_discrete_columns(make: Make) -> None:
    table = mixed_table()
    generator = _fitted(make)
    travel, swipe = Condition(5, codes=frozenset({1})), Condition(6, codes=frozenset({1}))
    for rule in ((travel,), (swipe,), (travel, swipe)):
        region = Region(rule, text=f"columns {[condition.column for condition in rule]}")
        made = generator.sample(Request(region, None, 200), _rng()).table
        hits, base = region.contains(made.rows).sum() / 200, region.contains(table.rows).mean()
        assert hits > (1 + base) / 2, f"{region.text}: {hits:.2f} of the rows asked for are inside, {base:.2f} unasked"


def serves_label_and_region_together(make: Make) -> None:
    generator = _fitted(make, _hot_table)
    for region, label in ((HOT, 1), (HOT, 0), (COLD, 1), (COLD, 0)):
        made = generator.sample(Request(region, label, 60), _rng()).table
        assert region.contains(made.rows).all(), f"outside {region.text}"
        assert (made.y == label).all(), f"another label than {label}"
        assert len(made) >= 30, f"{len(made)} of 60 rows for {region.text}, label {label}"


def keeps_the_labels_of_the_region(make: Make) -> None:
    table = _hot_table()
    generator = _fitted(make, _hot_table)
    for region in (HOT, COLD):
        truth = table.y[region.contains(table.rows)].mean()
        made = generator.sample(Request(region, None, 400), _rng()).table
        assert abs(made.y.mean() - truth) < 0.2, f"{region.text}: {made.y.mean():.2f} positive, {truth:.2f} in truth"


def says_which_way_was_taken(make: Make) -> None:
    generator = _fitted(make)
    for region in (ANYWHERE, HOT):
        for label in (None, 1):
            samples = generator.sample(Request(region, label, 100), _rng())
            assert samples.sampling_method in get_args(SamplingMethod)
            assert 0 <= samples.acceptance <= 1
            if region is ANYWHERE and label is None:
                assert samples.sampling_method in ("native", "seeds"), f"{samples.sampling_method} without a condition"


def does_not_repeat_one_row(make: Make) -> None:
    generator = _fitted(make)
    for region in (ANYWHERE, HOT, Region((Condition(5, codes=frozenset({1})),))):
        made = generator.sample(Request(region, None, 100), _rng()).table
        distinct = len(np.unique(np.nan_to_num(made.X, nan=-FAR), axis=0))  # NaN would equal nothing
        assert distinct > len(made) / 4, f"{distinct} distinct rows among {len(made)}"


def saves_and_loads(make: Make) -> None:
    """A generator that can be saved samples the same rows once loaded, and loading runs no pickled code."""
    table = mixed_table().take(np.arange(100, 500))  # a lane: row numbers are not positions
    generator = make().fit(table, _rng())
    if not hasattr(generator, "save"):
        return
    with tempfile.TemporaryDirectory() as folder:
        generator.save(Path(folder) / "saved")
        _UNPICKLED.clear()
        loaded = type(generator).load(Path(folder) / "saved")
        assert not _UNPICKLED, f"loading unpickles {_UNPICKLED}"
    for region, label in ((ANYWHERE, None), (ANYWHERE, 1), (HOT, None), (HOT, 1)):
        one, other = (each.sample(Request(region, label, 50), _rng()).table for each in (generator, loaded))
        assert _same(one.X, other.X), f"other rows for {region.text}, label {label}"
        assert np.array_equal(one.y, other.y)
        assert np.array_equal(one.parents, other.parents)


def ignores_arrays_it_does_not_know(make: Make) -> None:
    """With an unknown array beside the columns come the same rows, and all answers can be put together."""
    table = mixed_table()
    arrays = {"unknown": _rng(9).normal(size=(len(table), 2, 3))}
    generator = make().fit(replace(table, rows=Rows(table.X, arrays)), _rng())
    nowhere = Region((Condition(1, low=FAR),), text="nowhere")
    answers = []
    for region, label, n in ((ANYWHERE, None, 50), (HOT, 1, 50), (nowhere, 1, 5), (ANYWHERE, 1, 0)):
        request = Request(region, label, n)
        one, other = (each.sample(request, _rng()).table for each in (_fitted(make), generator))
        for name in ("X", "y", "parents"):
            assert _same(getattr(one, name), getattr(other, name)), f"other {name} for {region.text}"
        answers.append(other)
    assert len({tuple(each.rows.arrays) for each in answers}) == 1, "arrays come with some answers and not with others"


def reports_what_it_delivered(make: Make) -> None:
    table = mixed_table()
    generator = _fitted(make)
    narrow = Region((Condition(1, low=float(np.quantile(table.X[:, 1], 0.997))),), text="two rows wide")
    for region in (ANYWHERE, narrow):
        request = Request(region, 1, 300)
        samples = generator.sample(request, _rng())
        assert samples.request is request
        assert 0 <= len(samples.table) <= 300, f"{len(samples.table)} rows for 300"
        assert len(samples.table) + samples.shortfall == 300
        assert samples.tried >= len(samples.table)


def repeats_itself_with_the_same_seed(make: Make) -> None:
    assert _fingerprint(make()) == _fingerprint(make())


def repeats_itself_in_another_process(*makes: Make) -> None:
    child = "import pickle, sys; from contracts import generators as g;"
    child += "[print(g._fingerprint(each)) for each in pickle.load(sys.stdin.buffer)]"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": "12345"}
    unfitted = pickle.dumps([make() for make in makes])
    done = subprocess.run(
        [sys.executable, "-c", child], input=unfitted, env=environment, capture_output=True, check=True
    )
    for there, make in zip(done.stdout.decode().split(), makes, strict=True):
        assert there == _fingerprint(make()), f"{type(make()).__name__} makes other rows"


def follows_the_generator_it_is_given(make: Make) -> None:
    generator, request = make().fit(mixed_table(), _rng()), Request(ANYWHERE, 1, 50)
    one, other = generator.sample(request, _rng(1)), generator.sample(request, _rng(2))
    assert not _same(one.table.X, other.table.X)


def leaves_the_global_random_state_alone(make: Make) -> None:
    np.random.seed(5)  # noqa: NPY002
    before = pickle.dumps(np.random.get_state())  # noqa: NPY002
    make().fit(mixed_table(), _rng()).sample(Request(ANYWHERE, 1, 50), _rng())
    assert pickle.dumps(np.random.get_state()) == before  # noqa: NPY002


def draws_differently_for_different_classes(make: Make) -> None:
    half = mixed_table(300)
    half = replace(half, y=np.zeros_like(half.y))
    twins = Table.concat([half, replace(half, y=np.ones_like(half.y))])  # both classes hold the very same rows
    generator = make().fit(twins, _rng())
    fine, fraud = (generator.sample(Request(ANYWHERE, label, 50), _rng()).table for label in (0, 1))
    assert not _same(fine.X, fraud.X)


def leaves_the_table_alone(make: Make) -> None:
    table = mixed_table()
    before = pickle.dumps(table)
    generator = make().fit(table, _rng())
    made = generator.sample(Request(column_regions(table)[0], 1, 50), _rng()).table
    made.X[:] = 0  # what is handed out must not be a view either
    assert pickle.dumps(table) == before


def learns_from_real_rows_only(make: Make) -> None:
    table = _with_planted_rows()
    generator = make().fit(table, _rng())
    for label in (None, 0, 1):
        made = generator.sample(Request(ANYWHERE, label, 400), _rng()).table
        assert made.X[:, 1].max() < FAR / 100, "a synthetic row was learnt"
        assert not (made.X[:, 5] == 4).any(), "a category of synthetic rows only was learnt"


def refuses_a_table_without_real_rows(make: Make) -> None:
    table = mixed_table()
    for none in (table.take(np.arange(0)), replace(table, generation=np.ones(len(table), np.int64))):
        try:
            make().fit(none, _rng())
        except DataError as refusal:
            complaint = str(refusal)
        else:
            complaint = ""
        assert "real rows" in complaint, f"fits {len(none)} rows of which none is real"


def starts_from_real_seeds_only(make: Make) -> None:
    table = _with_planted_rows()
    synthetic, real = np.flatnonzero(~table.is_real)[:5], np.flatnonzero(table.is_real)[:40]
    region = Region(seeds=np.concatenate([synthetic, real]), seed_weight=np.ones(45))
    made = make().fit(table, _rng()).sample(Request(region, None, 200), _rng()).table
    allowed = {-1, *table.row_number[real].tolist()}
    assert set(made.parents[:, 0].tolist()) <= allowed, "a proposal started from a row that is no real seed"


def starts_in_proportion_to_the_seed_weight(make: Make) -> None:
    region = Region(seeds=np.array([10, 20, 30]), seed_weight=np.array([8.0, 2.0, 0.0]))
    parent = _fitted(make).sample(Request(region, None, 1000), _rng()).table.parents[:, 0]
    if (parent >= 0).any():
        assert set(parent.tolist()) <= {10, 20}
        assert abs((parent == 10).mean() - 0.8) < 0.06
    one_of_many = Region(seeds=np.arange(200), seed_weight=np.append(199.0, np.ones(199)))
    parent = _fitted(make).sample(Request(one_of_many, None, 200), _rng()).table.parents[:, 0]
    if (parent >= 0).any():
        assert abs((parent == 0).mean() - 0.5) < 0.12, "a heavy seed among many light ones"


def keeps_values_that_columns_can_hold(make: Make) -> None:
    generator = _fitted(make)
    for label in (None, 1):
        check_values(generator.sample(Request(ANYWHERE, label, 500), _rng()).table)


def keeps_rare_categories(make: Make) -> None:
    made = _fitted(make).sample(Request(ANYWHERE, None, 5000), _rng()).table
    assert (made.X[:, 5] == 3).any(), "the category of 2 % is gone"


def keeps_constant_and_empty_columns(make: Make) -> None:
    made = make().fit(mixed_table(), _rng()).sample(Request(ANYWHERE, None, 500), _rng()).table
    assert (made.X[:, 7] == 7).all()
    assert np.isnan(made.X[:, 8]).all()


def copes_with_a_class_of_one_row(make: Make) -> None:
    table = mixed_table()
    y = table.y.copy()
    y[0] = 2
    lonely = replace(table, y=y, schema=replace(table.schema, classes=("fine", "fraud", "lonely")))
    generator = make().fit(lonely, _rng())
    assert len(generator.sample(Request(ANYWHERE, None, 300), _rng()).table) > 250
    made = _sample_or_refuse(generator, Request(ANYWHERE, 2, 20))
    assert made is None or (made.table.y == 2).all()


def answers_zero_with_an_empty_table(make: Make) -> None:
    table = mixed_table()
    generator = make().fit(table, _rng())
    for label in (None, 1):
        samples = generator.sample(Request(column_regions(table)[0], label, 0), _rng())
        assert samples.table.X.shape == (0, table.X.shape[1])
        assert samples.shortfall == samples.tried == 0


def gives_up_on_an_impossible_region(make: Make) -> None:
    generator = _fitted(make)
    start = time.perf_counter()
    for label in (None, 1):
        samples = _sample_or_refuse(generator, Request(Region((Condition(1, low=1e9),)), label, 50))
        assert samples is None or (len(samples.table) == 0 and samples.tried <= 1000 * 50)
    assert time.perf_counter() - start < 20


def names_parents_that_exist(make: Make) -> None:
    table = mixed_table().take(np.arange(100, 500))  # a lane: row numbers are not positions
    generator = make().fit(table, _rng())
    for region in (ANYWHERE, HOT, Region((Condition(5, codes=frozenset({1})),)), Region(seeds=np.arange(50))):
        made = generator.sample(Request(region, None, 200), _rng()).table
        assert made.parents.dtype == np.int64
        assert made.parents.ndim == 2
        assert set(made.parents.flat) <= {-1, *table.row_number.tolist()}, "a parent is no row that was learnt from"


def names_every_parent_of_a_discrete_value(make: Make) -> None:
    """For generators that copy rows or move single ones: what is not averaged was taken from a row that is named."""
    table = mixed_table().take(np.arange(100, 500))  # a lane: row numbers are not positions
    of_row = {row: place for place, row in enumerate(table.row_number.tolist())}
    generator = make().fit(table, _rng())
    for region in (ANYWHERE, HOT, *column_regions(table), Region(seeds=np.arange(50))):
        made = generator.sample(Request(region, None, 200), _rng()).table
        for x, parents in zip(made.X, made.parents, strict=True):
            named = table.X[[of_row[row] for row in parents.tolist() if row >= 0]]
            assert len(named), "a row without parents"
            held = ((named == x) | (np.isnan(named) & np.isnan(x))).any(axis=0)
            assert held[table.schema.discrete].all(), "a discrete value that no parent has"


def marks_rows_as_synthetic(make: Make) -> None:
    table = mixed_table()
    made = make().fit(table, _rng()).sample(Request(ANYWHERE, 1, 50), _rng()).table
    assert (made.generation == OUTSIDE).all(), "rows that no loop has marked claim a generation, or to be real"
    assert (made.supply == -1).all()
    assert (made.row_number == -1).all()
    assert not made.is_real.any()
    assert (made.weight == 1).all()
    assert made.soft is None
    assert made.schema is table.schema
    assert {len(made.y), len(made.generation), len(made.supply), len(made.parents), len(made.weight)} == {len(made)}


def leaves_its_settings_alone(make: Make) -> None:
    generator = make()
    before = _settings(generator)
    generator.fit(mixed_table(), _rng()).sample(Request(ANYWHERE, 1, 50), _rng())
    assert _settings(generator) == before


LAWS: tuple[Callable[[Make], None], ...] = (
    delivers_inside_a_region_on_each_column,
    beats_unconditional_sampling_on_each_column,
    gives_the_label_asked_for,
    keeps_the_prior_when_no_label_is_asked,
    keeps_the_share_of_a_rare_class,
    conditions_on_later_discrete_columns,
    serves_label_and_region_together,
    keeps_the_labels_of_the_region,
    says_which_way_was_taken,
    does_not_repeat_one_row,
    saves_and_loads,
    ignores_arrays_it_does_not_know,
    reports_what_it_delivered,
    repeats_itself_with_the_same_seed,
    follows_the_generator_it_is_given,
    leaves_the_global_random_state_alone,
    draws_differently_for_different_classes,
    leaves_the_table_alone,
    learns_from_real_rows_only,
    refuses_a_table_without_real_rows,
    starts_from_real_seeds_only,
    starts_in_proportion_to_the_seed_weight,
    keeps_values_that_columns_can_hold,
    keeps_rare_categories,
    keeps_constant_and_empty_columns,
    copes_with_a_class_of_one_row,
    answers_zero_with_an_empty_table,
    gives_up_on_an_impossible_region,
    names_parents_that_exist,
    marks_rows_as_synthetic,
    leaves_its_settings_alone,
)
COPYING_LAWS: tuple[Callable[[Make], None], ...] = (names_every_parent_of_a_discrete_value,)
SLOW_LAWS: tuple[Callable[..., None], ...] = (repeats_itself_in_another_process,)


def column_regions(table: Table) -> tuple[Region, ...]:
    """One region on each column that varies: a middle range, or one category."""
    regions = []
    for number, column in enumerate(table.schema.columns):
        seen = table.X[:, number][~np.isnan(table.X[:, number])]
        if len(np.unique(seen)) < 2:
            continue
        if table.schema.discrete[number]:
            condition = Condition(number, codes=frozenset({1}))
        else:
            condition = Condition(number, *np.quantile(seen, [0.55, 0.9]).tolist())
        regions.append(Region((condition,), text=f"a part of {column.name}"))
    return tuple(regions)


def check_values(made: Table) -> None:
    """Assert that every column can hold its values."""
    for number, column in enumerate(made.schema.columns):
        x = made.X[:, number]
        assert column.missing or not np.isnan(x).any(), f"missing value in {column.name}"
        x = x[~np.isnan(x)]
        assert np.isfinite(x).all(), column.name
        if column.kind != "numeric":
            assert (x == np.round(x)).all(), f"{column.name} must be whole"
        if column.decimals is not None:
            assert (x == np.round(x, column.decimals)).all(), f"{column.name} has too many digits"
        assert ((x >= column.low) & (x <= column.high)).all(), f"{column.name} left its range"


def _hot_table() -> Table:
    """A table in which 80 % of the rows of `HOT` are positive, and 5 % of those of `COLD`."""
    table = mixed_table()
    chance = np.where(HOT.contains(table.rows), 0.8, 0.05)
    return replace(table, y=(_rng(7).random(len(table)) < chance).astype(np.int64))


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


_UNPICKLED: list[object] = []  # what has been unpickled in this process


def _note_unpickling(event: str, found: tuple[object, ...]) -> None:
    if event == "pickle.find_class":
        _UNPICKLED.append(found)


sys.addaudithook(_note_unpickling)  # sees every unpickler, however it was imported; it cannot be removed again


@lru_cache(maxsize=4)
def _fitted(make: Make, table: Callable[[], Table] = mixed_table) -> Generator:
    """One fit for all laws that ask about rows and not about fitting."""
    return make().fit(table(), _rng())


def _sample_or_refuse(generator: Generator, request: Request) -> Samples | None:
    try:
        return generator.sample(request, _rng())
    except ConditionError:
        return None


def _fingerprint(generator: Generator) -> str:
    table = mixed_table()
    generator.fit(table, _rng(3))
    digest = hashlib.sha256()
    for region in (ANYWHERE, *column_regions(table)[:2]):
        made = generator.sample(Request(region, 1, 40), _rng(4)).table
        digest.update(made.X.tobytes() + made.y.tobytes() + made.parents.tobytes())
    return digest.hexdigest()


def _settings(generator: Generator) -> bytes:
    """Init fields as bytes, so that changes deep inside a setting show."""
    return pickle.dumps({field.name: getattr(generator, field.name) for field in fields(generator) if field.init})


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    return one.shape == other.shape and np.array_equal(one, other, equal_nan=True)


def _rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)
