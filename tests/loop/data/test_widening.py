"""A schema made exact part by part is the schema of the whole, however the rows are cut."""

from dataclasses import asdict

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from loop.data.encoding import encode
from loop.data.schema import infer
from loop.data.widening import Seen, exact, recoded
from loop.errors import DataError
from loop.types import Schema

GAPS = {"count": 3, "flag": 4, "shop": 5, "kind": 6, "day": 7}  # columns that may have missing values


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    """Rows of every kind of column; missing values where Parquet has nulls, so that pandas reads parts otherwise."""
    n, seed = draw(st.integers(6, 30)), draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)

    def column(values: np.ndarray, name: str) -> list[object]:
        gaps = rng.random(n) < draw(st.sampled_from([0.0, 0.0, 0.2])) if name in GAPS else np.zeros(n, dtype=bool)
        return [None if gap else value for value, gap in zip(values.tolist(), gaps, strict=True)]

    shops = column(rng.choice(["book", "fuel", "toys", "zinc"], n), "shop")
    kinds = column(rng.choice(["a", "b", "c"], n), "kind")
    days = column(rng.integers(0, 400, n) * 86_400 + rng.integers(0, 2) * rng.integers(0, 9, n), "day")
    return pa.table(
        {
            "amount": (rng.exponential(50, n)).round(int(rng.integers(0, 8))),
            "count": pa.array(column(rng.integers(-5, 5, n), "count"), pa.int64()),
            "flag": pa.array(column(rng.random(n) < 0.5, "flag"), pa.bool_()),
            "shop": pa.array(shops, pa.string()),
            "kind": pa.array(kinds, pa.string()).dictionary_encode(),
            "day": pa.array(days, pa.timestamp("s")),
            "fraud": np.where(np.arange(n) % 2 == 0, "no", "yes"),
        }
    )


def told(schema: Schema) -> object:
    return asdict(schema)


@given(data=st.data(), table=tables())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
def test_any_cut_gives_the_schema_of_the_whole(data: st.DataObject, table: pa.Table) -> None:
    n = table.num_rows
    cuts = sorted(data.draw(st.sets(st.integers(0, n), max_size=5)))
    parts = [table.slice(low, high - low).to_pandas() for low, high in zip([0, *cuts], [*cuts, n], strict=True)]
    whole, some = table.to_pandas(), sorted(data.draw(st.sets(st.integers(0, n - 1), min_size=4)) | {0, 1, 2, 3})
    try:
        sample = infer(table.take(some).to_pandas(), "fraud", positive="yes")
        wanted = infer(whole, "fraud", positive="yes", aside=dict(sample.excluded))
    except DataError:
        assume(False)
    assume(wanted.excluded == sample.excluded)
    found = exact(sample, [Seen.of(sample, part) for part in parts])
    assert told(found) == told(wanted)


def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {"amount": [1.5, 2.0, 80.0, 3.25], "shop": ["b", "b", "c", "c"], "fraud": ["no", "no", "yes", "yes"]}
    )


class TestBadParts:
    def test_a_class_that_the_sample_lacks(self) -> None:
        schema = infer(frame(), "fraud")
        with pytest.raises(DataError, match=r"one of its 2 classes .* got 'odd'"):
            Seen.of(schema, frame().assign(fraud="odd"))

    def test_another_type(self) -> None:
        schema = infer(frame(), "fraud")
        with pytest.raises(DataError, match="'amount' must hold number values"):
            Seen.of(schema, frame().assign(amount="much"))

    def test_too_many_categories(self) -> None:
        schema, rows = infer(frame(), "fraud"), pd.concat([frame()] * 300, ignore_index=True)
        parts = [Seen.of(schema, rows.assign(shop=[f"{start}-{each}" for each in rows.index])) for start in (0, 1)]
        with pytest.raises(DataError, match="'shop' must have at most 1,000 categories, got 2,400"):
            exact(schema, parts)

    def test_two_orders_of_categories(self) -> None:
        rows = frame()
        one, other = (
            rows.assign(shop=pd.Categorical(rows["shop"], each, ordered=True)) for each in (["b", "c"], ["c", "b"])
        )
        schema = infer(one, "fraud")
        with pytest.raises(DataError, match="'shop' must have its categories in one order"):
            exact(schema, [Seen.of(schema, one), Seen.of(schema, other)])

    def test_integers_in_one_part_and_fractions_in_another(self) -> None:
        schema = infer(frame(), "fraud")
        parts = [Seen.of(schema, frame()), Seen.of(schema, frame().assign(amount=[1, 2, 3, 4]))]
        with pytest.raises(DataError, match="'amount' must be of one type in all parts, got float64 and int64"):
            exact(schema, parts)


def test_a_part_without_rows_says_nothing() -> None:
    schema = infer(frame(), "fraud")
    found = exact(schema, [Seen.of(schema, frame()[:0]), Seen.of(schema, frame()), Seen.of(schema, frame()[:0])])
    assert told(found) == told(schema)


def test_categories_change_their_codes_and_keep_their_meaning() -> None:
    small, large = frame(), frame().assign(shop=["a", "b", "c", "d"])
    rows = small.assign(shop=["b", "c", None, "b"])
    old, new = infer(small, "fraud"), infer(pd.concat([large, large]), "fraud")
    assert old.columns[1].categories != new.columns[1].categories
    np.testing.assert_array_equal(recoded(encode(old, rows), new).X, encode(new, rows).X)
