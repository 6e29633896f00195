"""Frames as they come: decimals, Arrow types, dates, levels of names, and integers that no float can hold."""

import datetime as dt
import json
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from loop.data.encoding import decode, encode, encode_features
from loop.data.intake import named, relative
from loop.data.schema import infer
from loop.data.schema_json import from_json, to_json
from loop.errors import DataError

HUGE = 1_200_000_000_000_000_001
DAYS = [dt.date(2024, 1, 1), dt.date(2024, 1, 2)] * 10
Y = [0, 1] * 10

COLUMNS = {
    "dates": (pd.Series(DAYS), "datetime"),
    "dates with a gap": (pd.Series([None, *DAYS[1:]], dtype=object), "datetime"),
    "decimals": (pd.Series([Decimal("1.25"), Decimal("2")] * 10), "numeric"),
    "decimals with a gap": (pd.Series([None, Decimal("2.5")] * 10, dtype=object), "numeric"),
    "Arrow's dates": (pd.Series(DAYS, dtype=pd.ArrowDtype(pa.date32())), "datetime"),
    "Arrow's times": (pd.Series(pd.to_datetime(DAYS)).astype(pd.ArrowDtype(pa.timestamp("us"))), "datetime"),
    "Arrow's zones": (
        pd.Series(pd.to_datetime(DAYS))
        .dt.tz_localize("Europe/Berlin")
        .astype(pd.ArrowDtype(pa.timestamp("us", "Europe/Berlin"))),
        "datetime",
    ),
    "Arrow's decimals": (pd.Series([Decimal("1.25"), None] * 10, dtype=pd.ArrowDtype(pa.decimal128(9, 2))), "numeric"),
    "Arrow's text": (pd.Series(["a", "b"] * 10, dtype=pd.ArrowDtype(pa.string())), "categorical"),
    "Arrow's integers": (pd.Series([1, None] * 10, dtype=pd.ArrowDtype(pa.int64())), "integer"),
    "Arrow's booleans": (pd.Series([True, False] * 10, dtype=pd.ArrowDtype(pa.bool_())), "boolean"),
    "Arrow's categories": (
        pd.Series(pd.arrays.ArrowExtensionArray(pa.array(["a", "b"] * 10).dictionary_encode())),
        "categorical",
    ),
}


@pytest.mark.parametrize("case", COLUMNS)
def test_every_dtype_is_learnt_and_restored(case: str) -> None:
    values, kind = COLUMNS[case]
    frame = pd.DataFrame({"x": values, "n": np.arange(20) / 7, "y": Y})
    schema = infer(frame, "y")
    assert schema.columns[0].kind == kind
    table = encode(schema, frame)
    again = decode(schema, table)
    np.testing.assert_array_equal(encode_features(schema, again).X, table.X)
    np.testing.assert_array_equal(again["x"].isna().to_numpy(), values.isna().to_numpy())


def test_other_columns_are_the_same_objects() -> None:
    frame = pd.DataFrame({"x": ["a", "b"], "n": [1.0, 2.0]})
    assert named(frame).equals(frame)
    pd.testing.assert_frame_equal(named(frame), frame)


def test_levels_of_names_are_joined() -> None:
    frame = pd.DataFrame(np.eye(2), columns=pd.MultiIndex.from_tuples([("amount", "mean"), ("age", "")]))
    assert list(named(frame)) == ["amount_mean", "age"]


class TestHugeIntegers:
    @pytest.mark.parametrize("dtype", ["int64", "Int64", "uint64", "object", "int64[pyarrow]"])
    def test_each_is_a_category_and_comes_back_exactly(self, dtype: str) -> None:
        ids = [HUGE, HUGE + 1, HUGE + 2, HUGE + 3] * 5
        frame = pd.DataFrame({"id": pd.Series(ids, dtype=dtype), "n": np.arange(20) / 7, "y": Y})
        schema = infer(frame, "y")
        assert schema.columns[0].kind == "categorical"
        schema = from_json(json.loads(json.dumps(to_json(schema))))
        assert [int(value) for value in decode(schema, encode(schema, frame))["id"]] == ids

    def test_floats_that_have_lost_digits_are_refused(self) -> None:
        frame = pd.DataFrame({"id": [HUGE, HUGE + 1] * 10, "n": np.arange(20) / 7})
        schema = infer(frame, None)
        with pytest.raises(DataError, match="'id' must hold integers exactly"):
            encode_features(schema, frame.astype({"id": "float64"}))

    def test_one_that_is_new_to_a_column_of_small_ones_is_refused_as_it_is(self) -> None:
        frame = pd.DataFrame({"count": [5, 7] * 10, "n": np.arange(20) / 7})
        with pytest.raises(DataError, match=str(HUGE)):
            encode_features(infer(frame, None), frame.assign(count=HUGE))

    def test_those_beside_a_gap_in_decimals(self) -> None:
        values = pd.Series([Decimal(HUGE), Decimal(HUGE + 1), None] * 7, dtype=object)
        frame = pd.DataFrame({"id": values, "n": np.arange(21) / 7})
        schema = infer(frame, None)
        assert schema.columns[0].categories == (HUGE, HUGE + 1)


@pytest.mark.parametrize("unit", [100.0, 1e-3, 0.1, 3.7, 1e300, 1e-300, 1 / 3])
def test_weights_in_any_unit_are_the_same_to_the_digit(unit: float) -> None:
    weight = np.random.default_rng(0).gamma(2, 3, 5000).round(2) + 0.01
    np.testing.assert_array_equal(relative(weight * unit), relative(weight))
    assert relative(np.full(7, unit)).tolist() == [1.0] * 7


@pytest.mark.parametrize("name", ["Unnamed: 0", "index", "level_0", "__index_level_0__"])
def test_an_index_is_no_feature_even_where_rows_are_missing(name: str) -> None:
    frame = pd.DataFrame({name: np.arange(20) * 3, "n": np.arange(20) / 7})
    assert dict(infer(frame, None).excluded) == {name: "identifier: every value is different"}
    assert not infer(frame.assign(**{name: [5, 7] * 10}), None).excluded


def _told(values: pd.Series, **altered: object) -> dict[str, object]:
    told = json.loads(json.dumps(to_json(infer(pd.DataFrame({"a": values, "y": Y}), "y"))))
    told["columns"][0] |= altered
    return told  # type: ignore[no-any-return]


@pytest.mark.parametrize("dtype", ["odd", "", "category", "category[odd]", "string[odd]", "V8", "i4,f4", "U999999999"])
@pytest.mark.parametrize("name", ["decimals", "dates", "Arrow's text", "Arrow's integers", "Arrow's booleans"])
def test_a_dtype_that_is_none_is_refused_when_a_schema_is_read(name: str, dtype: str) -> None:
    with pytest.raises(DataError, match="must have a dtype that holds its"):
        from_json(_told(COLUMNS[name][0], dtype=dtype))


MISFITS = {
    "text as numbers": ("Arrow's text", {"dtype": "float64"}),
    "text as periods": ("Arrow's text", {"dtype": "period[D]"}),
    "fractions as integers": ("decimals", {"dtype": "Int64"}),
    "a gap without a place": ("Arrow's integers", {"dtype": "int64"}),
    "an end beyond the dtype": ("Arrow's integers", {"dtype": "Int8", "high": "1000.0"}),
    "dates without a unit": ("dates", {"dtype": "datetime64"}),
    "dates of no zone": ("dates", {"dtype": "datetime64[us, Mars/Odd]"}),
}


@pytest.mark.parametrize("case", MISFITS)
def test_a_dtype_that_does_not_hold_the_values_is_refused(case: str) -> None:
    name, altered = MISFITS[case]
    with pytest.raises(DataError, match="must have a dtype that holds its"):
        from_json(_told(COLUMNS[name][0], **altered))


def test_the_dtype_of_the_target_is_tried_too() -> None:
    with pytest.raises(DataError, match="column 'y', must have a dtype"):
        from_json({**_told(COLUMNS["decimals"][0]), "target_dtype": "datetime64[ns]"})


@pytest.mark.parametrize("name", COLUMNS)
def test_every_column_that_can_be_inferred_is_read(name: str) -> None:
    assert from_json(_told(COLUMNS[name][0])).columns[0].kind == COLUMNS[name][1]
