"""Parts of dates as columns: what they hold, that the recipe goes with the schema, and what is refused."""

import json
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from loop.data.date_parts import PARTS, wanted
from loop.data.encoding import decode, encode, encode_features, original_columns
from loop.data.retyping import retyped
from loop.data.schema import infer
from loop.data.schema_difference import difference
from loop.data.schema_json import from_json, to_json
from loop.errors import ConfigError, DataError, WeakspotError
from loop.types import Schema

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]
EVERY = {"created": list(PARTS)}
moments = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)).map(lambda each: each.replace(microsecond=0))


def table(n: int = 60, zone: str | None = None) -> pd.DataFrame:
    """Payments at odd hours, in order of neither time nor amount."""
    rng = np.random.default_rng(0)
    created = pd.Series(pd.Timestamp("2023-11-20") + pd.to_timedelta(rng.integers(0, 90 * 86_400, n), unit="s"))
    created = (
        created.dt.as_unit("us") if zone is None else created.dt.as_unit("us").dt.tz_localize("UTC").dt.tz_convert(zone)
    )
    return pd.DataFrame({"amount": rng.exponential(50, n), "created": created, "fraud": rng.random(n) < 0.3})


def column(schema: Schema, frame: pd.DataFrame, name: str) -> np.ndarray:
    return encode_features(schema, frame).X[:, schema.names.index(name)]


@settings(deadline=None)
@given(st.lists(moments, min_size=4, max_size=12, unique=True), st.sampled_from([None, *ZONES]))
def test_parts_are_those_of_the_calendar_in_the_zone_of_the_column(times: list[datetime], zone: str | None) -> None:
    local = [
        each if zone is None else each.replace(tzinfo=ZoneInfo("UTC")).astimezone(ZoneInfo(zone)) for each in times
    ]
    dates = pd.Series(times, dtype="datetime64[us]")
    dates = dates if zone is None else dates.dt.tz_localize("UTC").dt.tz_convert(zone)
    frame = pd.DataFrame({"created": np.repeat(dates.array, 2), "x": np.arange(2 * len(times)) % 3 / 2})
    schema = infer(frame, None, date_parts={"created": "all"})
    expected = {
        "created_year": [each.year for each in local],
        "created_month": [each.month for each in local],
        "created_weekday": [each.weekday() for each in local],
        "created_hour": [each.hour for each in local],
        "created_days_since": [(each - min(times)) / timedelta(days=1) for each in times],
    }
    told = dict(schema.excluded)
    for name, values in expected.items():
        if name in told:
            assert told[name] == "constant"
        else:
            np.testing.assert_allclose(column(schema, frame, name)[::2], values)
    assert "created" not in schema.names


def test_whole_parts_are_integers_and_the_origin_is_the_first_training_row() -> None:
    frame = table()
    schema = infer(frame, "fraud", date_parts=EVERY)
    kinds = {each.name: (each.kind, each.dtype) for each in schema.columns}
    assert kinds.pop("created_days_since") == ("numeric", "float64")
    assert kinds.pop("amount") == ("numeric", "float64")
    assert set(kinds.values()) == {("integer", "int64")}
    (recipe,) = schema.date_parts
    assert recipe.origin == frame["created"].min().timestamp()
    later = frame.assign(created=frame["created"] + pd.Timedelta(days=7))
    np.testing.assert_allclose(
        column(schema, later, "created_days_since") - column(schema, frame, "created_days_since"), 7
    )


@settings(deadline=None)
@given(st.lists(moments, min_size=3, max_size=8, unique=True), st.sampled_from(ZONES), st.sampled_from(ZONES))
def test_the_same_instant_in_another_zone_has_the_same_parts(times: list[datetime], one: str, other: str) -> None:
    dates = pd.Series([*times, *times], dtype="datetime64[us]").dt.tz_localize("UTC")
    frame = pd.DataFrame({"created": dates.dt.tz_convert(one), "x": np.arange(len(dates)) % 2})
    schema = infer(frame, None, date_parts=["created"])
    elsewhere = frame.assign(created=dates.dt.tz_convert(other))
    np.testing.assert_array_equal(encode_features(schema, elsewhere).X, encode_features(schema, frame).X)


def test_missing_dates_give_missing_parts() -> None:
    frame = table()
    frame.loc[::5, "created"] = pd.NaT
    schema = infer(frame, "fraud", date_parts=EVERY)
    missing = np.isnan(encode_features(schema, frame).X[:, 1:])
    assert (missing == frame["created"].isna().to_numpy()[:, None]).all()
    assert {each.dtype for each in schema.columns if each.kind == "integer"} == {"Int64"}
    nothing = frame.assign(created=pd.Series(pd.NaT, frame.index))
    assert np.isnan(encode_features(schema, nothing).X[:, 1:]).all()
    first = infer(table(), "fraud", date_parts=EVERY)  # none was missing in training
    assert np.isnan(encode_features(first, frame).X[::5, 1:]).all()


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
@pytest.mark.parametrize("gaps", [False, True])
def test_rows_that_were_written_are_read_again_without_the_dates(zone: str | None, gaps: bool) -> None:
    frame = table(zone=zone)
    if gaps:
        frame.loc[::4, "created"] = pd.NaT
    schema = infer(frame, "fraud", date_parts=EVERY)
    encoded = encode(schema, frame)
    written = decode(schema, encoded)
    assert set(written) == {*schema.names, "fraud"}
    np.testing.assert_array_equal(encode(schema, written).X, encoded.X)
    assert_frame_equal(decode(schema, encode(schema, written)), written)
    both = written.assign(created=frame["created"], created_hour=0)  # the date says what is right
    np.testing.assert_array_equal(encode(schema, both).X, encoded.X)
    with pytest.raises(DataError, match="column 'created_month' must be in the data"):
        encode_features(schema, written.drop(columns="created_month"))
    with pytest.raises(DataError, match="column 'created' must be in the data"):
        encode_features(schema, frame.drop(columns="created"))


def test_a_date_with_a_role_of_its_own_keeps_it() -> None:
    schema = infer(table(), "fraud", aside={"created": "time column"}, date_parts={"created": ["hour"]})
    assert schema.names == ("amount", "created_hour")
    assert schema.excluded == (("created", "time column"),)


def test_dates_of_which_no_part_is_left_are_not_needed() -> None:
    frame = table().assign(created=pd.Timestamp("2024-02-03 10:00"))
    frame.loc[0, "created"] = pd.Timestamp("2024-02-03 10:30")
    schema = infer(frame, "fraud", date_parts={"created": ["hour", "weekday"]})
    assert (schema.names, schema.date_parts) == (("amount",), ())
    assert dict(schema.excluded) == {"created_weekday": "constant", "created_hour": "constant"}
    encode_features(schema, frame[["amount"]])


def test_the_users_columns_are_those_before_dates_were_taken_apart() -> None:
    schema = infer(table(zone="UTC"), "fraud", date_parts=EVERY)
    assert [(each.name, each.kind) for each in original_columns(schema)] == [
        ("amount", "numeric"),
        ("created", "datetime"),
    ]


@pytest.mark.parametrize("zone", [None, "Asia/Kolkata"])
def test_rows_that_lost_their_types_have_the_same_parts(zone: str | None) -> None:
    frame = table(zone=zone)
    schema = infer(frame, "fraud", date_parts=EVERY)
    expected = encode_features(schema, frame).X
    told = frame.drop(columns="fraud")
    text = told.assign(created=[each.isoformat() for each in told["created"]]).astype("str").astype(object)
    sent = [text, pd.DataFrame(json.loads(told.to_json(orient="records", date_format="iso", double_precision=15)))]
    since = (
        told["created"].dt.tz_localize(None)
        if zone is None
        else told["created"].dt.tz_convert("UTC").dt.tz_localize(None)
    )
    sent.append(told.assign(created=since.astype("datetime64[ms]").astype("int64")))  # as pandas wrote them once
    for each in sent:
        np.testing.assert_allclose(encode_features(schema, retyped(schema, each)).X, expected)
    parts = decode(schema, encode(schema, frame)).astype("str").astype(object)
    np.testing.assert_allclose(encode_features(schema, retyped(schema, parts)).X, expected)


@pytest.mark.parametrize("zone", [None, *ZONES])
def test_a_schema_with_dates_comes_back_from_json(zone: str | None) -> None:
    frame = table(zone=zone)
    schema = infer(frame, "fraud", date_parts=EVERY)
    again = from_json(json.loads(json.dumps(to_json(schema))))
    assert again.date_parts == schema.date_parts
    assert difference(schema, again) is None
    np.testing.assert_array_equal(encode_features(again, frame).X, encode_features(schema, frame).X)


def test_a_schema_without_parts_is_written_and_read_as_before_there_were_any() -> None:
    told = json.loads(json.dumps(to_json(infer(table(), "fraud"))))
    assert "date_parts" not in told
    assert from_json(told).date_parts == ()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("column", 3),
        ("dtype", "int64"),
        ("dtype", "datetime64[us, Nowhere/At_All]"),
        ("dtype", "no dtype"),
        ("parts", []),
        ("parts", ["hour", "hour"]),
        ("parts", ["minute"]),
        ("parts", "hour"),
        ("origin", "NaN"),
        ("origin", None),
        ("more", 1),
    ],
)
def test_a_damaged_recipe_is_refused_as_a_whole(key: str, value: object) -> None:
    told = to_json(infer(table(), "fraud", date_parts=EVERY))
    told["date_parts"] = [told["date_parts"][0] | {key: value}]
    told = json.loads(json.dumps(told))
    with pytest.raises(DataError, match=r"the schema\.date_parts"):
        from_json(told)


def test_parts_from_another_zone_or_day_have_another_meaning() -> None:
    frame = table(zone="UTC")
    schema = infer(frame, "fraud", date_parts=EVERY)
    moved = infer(frame.assign(created=frame["created"].dt.tz_convert("Asia/Kolkata")), "fraud", date_parts=EVERY)
    assert difference(schema, moved) == "the parts of 'created' were of zone UTC and are of Asia/Kolkata"
    later = infer(frame.assign(created=frame["created"] + pd.Timedelta(days=2)), "fraud", date_parts=EVERY)
    assert "2.0 days apart" in str(difference(schema, later))
    hours = [infer(each, "fraud", date_parts={"created": ["hour"]}) for each in (frame, frame.iloc[5:])]
    assert difference(*hours) is None


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (None, {}),
        ({}, {}),
        ({"created": "hour"}, {"created": ("hour",)}),
        ({"created": ["hour", "year", "hour"]}, {"created": ("year", "hour")}),
        ({"created": "all"}, {"created": PARTS}),
        (["created", "paid"], {"created": PARTS, "paid": PARTS}),
    ],
)
def test_short_forms(told: object, expected: object) -> None:
    assert wanted(told) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ("created", "must give columns with their parts"),
        (7, "must give columns with their parts"),
        ({"created": ["wekday"]}, "got 'wekday': did you mean weekday"),
        ({"created": ["minute", "hour"]}, "year, month, weekday, hour, days_since"),
        ({"created": []}, "list some"),
        ({"created": None}, "list some"),
        ({"created": {"hour": True}}, "list some"),
        ({"created": [["hour"]]}, "must be year"),
        ({3: ["hour"]}, "must name columns by text"),
        ([["created"]], "must name columns by text"),
    ],
)
def test_wrong_wishes_are_refused_in_a_sentence(told: object, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        wanted(told)  # type: ignore[arg-type]
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (["creatd"], "did you mean 'created'"),
        (["amount"], "'amount' is numeric"),
        (["spoken"], "'spoken' is categorical"),
        (["empty"], "'empty' is all missing"),
        (["fraud"], "'fraud' is the target"),
        ({"created": ["hour"]}, "have 'created_hour' already: leave hour out"),
    ],
)
def test_wrong_columns_are_refused_in_a_sentence(told: object, words: str) -> None:
    frame = table().assign(spoken=["2024-01-31", "monday"] * 30, empty=pd.NaT, created_hour=1)
    with pytest.raises(WeakspotError, match=words) as caught:
        infer(frame, "fraud", date_parts=told)  # type: ignore[arg-type]
    assert len(str(caught.value)) < 300


def test_times_of_another_form_than_in_training_are_refused() -> None:
    schema = infer(table(zone="UTC"), "fraud", date_parts=EVERY)
    with pytest.raises(DataError, match="column 'created' must hold datetime64 values"):
        encode_features(schema, table())
    with pytest.raises(DataError, match="column 'created' must hold datetime64 values"):
        encode_features(schema, table().assign(created="2024-01-31"))
