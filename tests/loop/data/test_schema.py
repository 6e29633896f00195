"""Laws of the schema and the codec: nothing is lost, nothing is guessed silently, bad values are named."""

import string
from datetime import UTC, datetime, time, timedelta, timezone

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from loop.data.encoding import decode, encode, encode_features
from loop.data.schema import infer
from loop.errors import DataError
from loop.types import Schema, Table

LABELS = ["no", "yes", "no", "no"]
COPIES = 6  # each drawn value comes often enough not to be an identifier

finite = st.floats(allow_nan=False, allow_infinity=False)
text = st.text(string.ascii_letters + "äß漢 ,0", max_size=4)


def ints(dtype: str) -> st.SearchStrategy[int]:
    info = np.iinfo(dtype)
    return st.integers(max(int(info.min), 1 - 2**53), min(int(info.max), 2**53 - 1))


def moments(unit: str, first: datetime, last: datetime) -> st.SearchStrategy[np.datetime64]:
    return st.datetimes(first, last).map(lambda moment: np.datetime64(moment).astype(f"datetime64[{unit}]"))


NEAR = (datetime(1698, 1, 1), datetime(2242, 1, 1))
FAR = (datetime(1, 1, 1), datetime(9999, 12, 31))
DTYPES: dict[str, tuple[object, st.SearchStrategy[object], object]] = {  # dtype, values, missing value or ... for none
    "float64": ("float64", finite, np.nan),
    "float32": ("float32", st.floats(width=32, allow_nan=False, allow_infinity=False), np.nan),
    "float16": ("float16", st.floats(width=16, allow_nan=False, allow_infinity=False), np.nan),
    "Float64": ("Float64", finite, pd.NA),
    "double[pyarrow]": ("double[pyarrow]", finite, pd.NA),
    "int8": ("int8", ints("int8"), ...),
    "int64": ("int64", ints("int64"), ...),
    "uint64": ("uint64", ints("uint64"), ...),
    "Int64": ("Int64", ints("int64"), pd.NA),
    "UInt16": ("UInt16", ints("uint16"), pd.NA),
    "int64[pyarrow]": ("int64[pyarrow]", ints("int64"), pd.NA),
    "bool": ("bool", st.booleans(), ...),
    "boolean": ("boolean", st.booleans(), pd.NA),
    "bool[pyarrow]": ("bool[pyarrow]", st.booleans(), pd.NA),
    "str": ("str", text, np.nan),
    "string": ("string[pyarrow]", text, pd.NA),
    "string[python]": ("string[python]", text, pd.NA),
    "object of text": ("object", text, np.nan),
    "object of bool": ("object", st.booleans(), np.nan),
    "object of int": ("object", ints("int64"), np.nan),
    "object of float": ("object", finite, np.nan),
    "category of text": (pd.CategoricalDtype(["c", "a", "unused"]), st.sampled_from("ac"), np.nan),
    "ordered category": (pd.CategoricalDtype(["low", "high"], ordered=True), st.sampled_from(["low", "high"]), np.nan),
    "category of int8": (pd.CategoricalDtype(pd.Index([7, 3], dtype="int8")), st.sampled_from([7, 3]), np.nan),
    "category of dates": (
        pd.CategoricalDtype(pd.to_datetime(["2020-01-01", "2021-01-01"]).as_unit("ns")),
        st.sampled_from(list(pd.to_datetime(["2020-01-01", "2021-01-01"]))),
        np.nan,
    ),
    "category of intervals": (
        pd.CategoricalDtype(pd.interval_range(0, 4), ordered=True),
        st.sampled_from(list(pd.interval_range(0, 4))),
        np.nan,
    ),
    "datetime64[s]": ("datetime64[s]", moments("s", *FAR), pd.NaT),
    "datetime64[ms]": ("datetime64[ms]", moments("ms", *NEAR), pd.NaT),
    "datetime64[us]": ("datetime64[us]", moments("us", *NEAR), pd.NaT),
    "datetime64[ns]": ("datetime64[ns]", moments("us", *NEAR), pd.NaT),
    "datetime64[us, Europe/Berlin]": (
        "datetime64[us, Europe/Berlin]",
        st.datetimes(*NEAR, timezones=st.just(UTC)),
        pd.NaT,
    ),
    "datetime64[ns, +02:00]": (
        pd.DatetimeTZDtype("ns", timezone(timedelta(hours=2))),
        st.datetimes(*NEAR, timezones=st.just(UTC)),
        pd.NaT,
    ),
}


def framed(values: pd.Series) -> pd.DataFrame:
    return pd.DataFrame({"x": values, "y": np.resize(LABELS, len(values))})


def without(schema: Schema) -> dict[str, str]:
    return dict(schema.excluded)


@pytest.mark.parametrize("name", DTYPES)
@given(data=st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
def test_decode_gives_back_what_was_encoded(name: str, data: st.DataObject) -> None:
    dtype, values, missing = DTYPES[name]
    drawn = data.draw(st.lists(values, min_size=2, max_size=8, unique=True))
    if missing is not ...:
        drawn += [missing] * data.draw(st.integers(0, 2))
    column = pd.Series(drawn * COPIES, dtype=object).astype(dtype)
    if column.dropna().nunique() < 2:  # equal after rounding to the dtype
        return
    frame = framed(column)
    schema = infer(frame, "y")
    table = encode(schema, frame)
    assert table.X.dtype == np.float64
    assert_frame_equal(decode(schema, table), frame)
    np.testing.assert_array_equal(encode(schema, decode(schema, table)).X, table.X)


@pytest.mark.parametrize(
    "labels",
    [
        pd.Series([0, 1, 1, 0], dtype="int8"),
        pd.Series([0.0, 1.0, 1.0, 0.0]),
        pd.Series([True, False, False, False]),
        pd.Series([True, False, False, False], dtype="boolean"),
        pd.Series(LABELS),
        pd.Series(LABELS, dtype=object),
        pd.Series(LABELS, dtype="category"),
        pd.Series(LABELS, dtype=pd.CategoricalDtype(["yes", "no"], ordered=True)),
    ],
    ids=lambda labels: str(labels.dtype),
)
def test_target_comes_back(labels: pd.Series) -> None:
    frame = pd.DataFrame({"x": [0.5, 1.5, 2.5, 2.5], "y": labels})
    schema = infer(frame, "y")
    assert_frame_equal(decode(schema, encode(schema, frame)), frame)


def test_classes_are_sorted_and_ordered_ones_keep_their_order() -> None:
    x = [0.5, 1.5, 2.5, 2.5]
    unordered = pd.Categorical(["b", "a", "b", "b"], categories=["b", "a", "unused"])
    ordered = pd.Categorical(["b", "a", "b", "b"], categories=["unused", "b", "a"], ordered=True)
    assert infer(pd.DataFrame({"x": x, "y": unordered}), "y").classes == ("a", "b")
    assert infer(pd.DataFrame({"x": x, "y": ordered}), "y").classes == ("b", "a")


def test_positive_is_the_rarest_class_unless_named() -> None:
    def positive(labels: list[object], **named: object) -> object:
        schema = infer(pd.DataFrame({"x": np.arange(len(labels)) / 7, "y": labels}), "y", **named)
        return schema.classes[schema.positive]

    assert positive([1, 1, 1, 0]) == 0
    assert positive([1, 1, 0, 0]) == 1  # as rare as 0, and later
    assert positive([1, 1, 1, 0], positive=1) == 1
    assert positive([1, 1, 1, 0], positive="1") == 1
    assert positive([True, False, False, False], positive="False") is False
    assert positive([1.0, 1.0, 0.0, 1.0], positive="1") == 1.0  # whole numbers beside a missing value are floats
    with pytest.raises(DataError, match="got '1'"):
        positive(["01", "01", "00", "00"], positive="1")  # codes are text
    with pytest.raises(DataError, match=r"positive class .* got 'fraud': choose one of '0', '1'"):
        positive([1, 1, 1, 0], positive="fraud")


def test_kinds_ranges_and_decimals() -> None:
    frame = pd.DataFrame(
        {
            "price": [0.29, 1.1, 4.35, np.nan, 1.1, 1.1],
            "whole": [1.0, 2.0, 5.0, 2.0, 2.0, 2.0],
            "free": [1 / 3, 0.1, 0.2, 0.3, 0.4, 0.5],
            "huge": [1.7e308, 0.5, 0.25, 0.5, 0.5, 0.5],
            "count": [3, 9, 4, 7, 5, 6],
            "flag": [True, False, True, True, True, True],
            "when": pd.to_datetime(["1970-01-01 00:00:01.25"] * 3 + ["1970-01-02 00:00:00.00"] * 3),
            "word": ["b", "a", "b", "b", None, "b"],
            "y": [0, 0, 0, 0, 1, 1],
        }
    )
    schema = infer(frame, "y")
    columns = {column.name: column for column in schema.columns}
    kinds = ["numeric"] * 4 + ["integer", "boolean", "datetime", "categorical"]
    assert [column.kind for column in schema.columns] == kinds
    assert [columns[name].decimals for name in ("price", "whole", "free", "huge", "count")] == [2, 0, None, None, None]
    assert columns["when"].decimals == 2
    assert [name for name, column in columns.items() if column.missing] == ["price", "word"]
    assert (columns["price"].low, columns["price"].high) == (0.29, 4.35)
    assert (columns["when"].low, columns["when"].high) == (1.25, 86400.0)
    assert columns["word"].categories == ("a", "b")


def test_dates_are_told_from_moments() -> None:
    days = pd.to_datetime(["2024-01-05", "1960-02-29", None, "2024-03-01"])
    frame = pd.DataFrame({"day": days, "moment": days + pd.Timedelta(hours=1), "y": [0, 1, 0, 1]})
    assert [column.days for column in infer(frame, "y").columns] == [True, False]


def test_columns_that_are_no_features_are_excluded_with_a_reason() -> None:
    n, rng = 60, np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "amount": rng.normal(size=n),  # all different, and a feature
            "cents": rng.choice(10**6, size=n, replace=False),  # all different whole numbers, and a feature
            "flat": np.full(n, 3),
            "void": np.full(n, np.nan),
            "nothing": pd.Series([None] * n, dtype=object),
            "row": rng.permutation(n) + 1000,
            "CustomerID": rng.choice(10**18, size=n, replace=False),  # beyond 2**53, but no feature anyway
            "iban": [f"DE{i:05d}" for i in range(n)],
            "note": [f"text {i // 2 + (i == 1) * 99}" for i in range(n)],
            "half": [1.0, np.nan] * (n // 2),  # one value, but its absence may tell
            "week": np.arange(n) // 7,
            "y": np.arange(n) % 2,
        }
    )
    schema = infer(frame, "y", aside={"week": "time"})
    assert schema.names == ("amount", "cents", "half")
    assert without(schema) == {
        "flat": "constant",
        "void": "all values are missing",
        "nothing": "all values are missing",
        "row": "identifier: every value is different",
        "CustomerID": "identifier: every value is different",
        "iban": "identifier: every value is different",
        "note": "too many categories: 31 in 60 rows",
        "week": "time",
    }


def test_a_small_table_keeps_its_whole_number_columns() -> None:
    frame = pd.DataFrame({"amount": [12, 10, 11, 13, 14], "paid": [7, 9, 1, 4, 2], "y": [0, 0, 1, 0, 0]})
    assert infer(frame, "y").names == ("amount", "paid")


def test_many_categories_are_counted_against_the_limit() -> None:
    frame = pd.DataFrame({"x": np.arange(4400) % 11 / 3, "shop": [f"s{i % 1100}" for i in range(4400)], "y": 0})
    frame.loc[::5, "y"] = 1
    assert without(infer(frame, "y")) == {"shop": "too many categories: 1100 in 4400 rows"}


def test_names_become_text_and_a_schema_may_have_no_target() -> None:
    frame = pd.DataFrame(np.array([[0.5, 1.0], [1.5, 3.0], [0.5, 9.0]]))
    schema = infer(frame, None)
    assert schema.names == ("0", "1")
    assert schema.classes == ()
    X = encode_features(schema, frame).X
    np.testing.assert_array_equal(X, frame.to_numpy())
    table = Table.real(X, np.zeros(3), schema)
    assert_frame_equal(decode(schema, table), frame.set_axis(["0", "1"], axis=1))
    with pytest.raises(DataError, match="target"):
        encode(schema, frame)


def good(rows: int = 8) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "amount": np.arange(rows) / 4,
            "shop": np.resize(["a", "b"], rows),
            "fraud": np.resize([0, 0, 0, 1], rows),
        }
    )


BAD_COLUMNS = {
    "infinite": (np.array([np.inf, -np.inf, *range(6)]), r"'x' must be finite, got 2 infinite"),
    "mixed": (["a", 1, "b", 2, "a", 1, "b", 2], r"'x' must hold values of one type, got int, str"),
    "mixed numbers": (pd.Series([1, 2.5] * 4, dtype=object), r"got float, int"),
    "mixed categories": (pd.Categorical(["a", 1] * 4), r"'x' must hold"),
    "nanoseconds": (pd.to_datetime([1, 2] * 4, unit="ns"), r"'x' must hold datetimes no finer than a microsecond"),
    "far microseconds": (
        pd.Series(["9999-12-31T23:59:59.999999", "2020-01-01"] * 4, dtype="datetime64[us]"),
        r"no finer than a microsecond \(a second outside",
    ),
    "durations": (pd.to_timedelta([1, 2] * 4, unit="s"), r"timedelta64.*: convert it"),
    "times of day": ([time(10, 30), time(11, 30)] * 4, r"got time: convert it \(.*pd.to_datetime"),
    "complex": ([1j, 2j] * 4, "got complex"),
    "long floats": (np.array([1, 2] * 4, dtype=np.longdouble), "'x' must hold"),
}


@pytest.mark.parametrize("name", BAD_COLUMNS)
def test_values_that_cannot_be_kept_are_refused(name: str) -> None:
    values, message = BAD_COLUMNS[name]
    with pytest.raises(DataError, match=message):
        infer(good().assign(x=values), "fraud")


def test_bad_frames_are_refused() -> None:
    frame = good()
    bad = {
        r"'Fraud' must be in the data.* did you mean 'fraud'": (frame, "Fraud"),
        r"'zzz' must be in the data.* the data have 'amount', 'shop', 'fraud'": (frame, "zzz"),
        r"label in every row, got 2 missing": (frame.assign(fraud=[np.nan, None, 0, 1, 0, 1, 0, 1]), "fraud"),
        r"at least two classes, got only 0": (frame.assign(fraud=0), "fraud"),
        r"half as many classes as rows, got 8": (frame.assign(fraud=frame["amount"]), "fraud"),
        r"got datetimes": (frame.assign(fraud=pd.to_datetime(["2020-01-01", "2021-01-01"] * 4)), "fraud"),
        r"names must differ, got '1' more than once": (frame.set_axis([1, "1", "fraud"], axis=1), "fraud"),
        r"must have a name, got an empty one at position 1": (frame.set_axis(["a", " ", "fraud"], axis=1), "fraud"),
        r"no|none \(shop: constant\)": (frame[["fraud"]].assign(shop="a"), "fraud"),
        r"got shape \(0, 3\)": (frame.head(0), "fraud"),
    }
    for message, (data, target) in bad.items():
        with pytest.raises(DataError, match=message):
            infer(data, target)
    with pytest.raises(DataError, match="'cardd' must be in the data"):
        infer(frame, "fraud", aside={"cardd": "group"})


def test_new_rows_are_encoded_by_the_schema_alone() -> None:
    schema = infer(good(), "fraud")
    new = pd.DataFrame({"shop": ["b", "never seen", None], "extra": 1, "amount": [7, 8, 9]})
    np.testing.assert_array_equal(encode_features(schema, new).X, [[7, 1], [8, np.nan], [9, np.nan]])
    assert encode_features(schema, new.head(0)).X.shape == (0, 2)
    void = new.assign(amount=[None] * 3)
    assert np.isnan(encode_features(schema, void).X[:, 0]).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"amount": ["a", "b"] * 4}, r"'amount' must hold number values \(float64\).*, got string"),
        ({"amount": pd.to_datetime(["2020-01-01"] * 8)}, r"'amount' must hold number"),
        ({"amount": [True, False] * 4}, r"'amount' must hold number"),
        ({"amount": [np.inf, 1.0] * 4}, r"'amount' must be finite, got 4"),
        ({"shop": [1, 2] * 4}, r"'shop' must hold string values.*, got number"),
        ({"fraud": [0, 7] * 4}, r"'fraud' must hold one of its 2 classes in every row, got 7 in 4 rows"),
        ({"fraud": [0, None] * 4}, r"'fraud' must hold one of its 2 classes .* in 4 rows"),
    ],
)
def test_new_rows_of_a_wrong_type_are_refused(change: dict[str, object], message: str) -> None:
    schema = infer(good(), "fraud")
    with pytest.raises(DataError, match=message):
        encode(schema, good().assign(**change))


def test_a_missing_column_and_a_lost_time_zone_are_refused() -> None:
    with pytest.raises(DataError, match="'shop' must be in the data"):
        encode_features(infer(good(), "fraud"), good().drop(columns="shop"))
    when = pd.Series(pd.to_datetime(["2020-01-01", "2020-01-02"] * 4))
    zoned = good().assign(when=when.dt.tz_localize("Europe/Berlin"))
    schema = infer(zoned, "fraud")
    with pytest.raises(DataError, match=r"'when' must hold datetime64 values.*: write its times with a zone"):
        encode_features(schema, zoned.assign(when=when))
    with pytest.raises(DataError, match="write its times without a zone"):
        encode_features(infer(zoned.assign(when=when), "fraud"), zoned)
    elsewhere = zoned.assign(when=zoned["when"].dt.tz_convert("Asia/Tokyo"))
    np.testing.assert_array_equal(encode_features(schema, elsewhere).X, encode_features(schema, zoned).X)


def test_synthetic_rows_may_miss_values_only_where_real_ones_do() -> None:
    frame = good().assign(seen=[np.nan, 1.5] * 4)
    schema = infer(frame, "fraud")
    table = encode(schema, frame)
    X = table.X.copy()
    X[:, 2] = np.nan
    assert decode(schema, Table.real(X, table.y, schema))["seen"].isna().all()
    X[3, 0] = np.nan
    with pytest.raises(DataError, match=r"'amount' must have no missing values.*, got 1"):
        decode(schema, Table.real(X, table.y, schema))


def test_synthetic_values_fall_on_the_nearest_valid_one() -> None:
    frame = good().assign(count=np.arange(8) % 3, flag=np.resize([True, False], 8))
    schema = infer(frame, "fraud")
    X = np.array([[0.1, 0.8, 1.2, 0.9]])
    row = decode(schema, Table.real(X, np.array([1]), schema)).iloc[0].to_dict()
    assert row == {"amount": 0.1, "shop": "b", "count": 1, "flag": True, "fraud": 1}


def test_the_frame_is_not_changed() -> None:
    frame = good().set_axis([0, 1, "fraud"], axis=1)
    before = frame.copy(deep=True)
    encode(infer(frame, "fraud"), frame)
    assert_frame_equal(frame, before)
