"""Rows without types get those of the schema, or are refused by name; they are never guessed."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loop.data.encoding import encode_features
from loop.data.retyping import retyped
from loop.data.schema import infer
from loop.errors import DataError

HUGE = 2**53 + 1
WHOLE = st.integers(-(2**53) + 1, 2**53 - 1)


def encoded(learnt: pd.Series, came: pd.Series) -> np.ndarray:
    schema = infer(pd.DataFrame({"x": learnt}), target=None)
    return encode_features(schema, retyped(schema, pd.DataFrame({"x": came}))).X[:, 0]


@given(st.lists(st.none() | WHOLE, min_size=3).filter(lambda values: len(set(values) - {None}) > 1))
def test_whole_numbers_arrive_in_any_form(values: list[int | None]) -> None:
    learnt = pd.Series(pd.array([*values, 1, 1, 2], dtype="Int64"))
    expected = encoded(learnt, learnt)
    for form in ("str", "object", "Float64"):
        np.testing.assert_array_equal(encoded(learnt, learnt.astype(form)), expected)


@pytest.mark.parametrize(
    ("learnt", "came"),
    [
        ([True, False, None, True], ["True", "false", None, "1"]),
        ([True, False, None, True], [1.0, 0.0, np.nan, 1.0]),
        ([True, False, False, True], [1, 0, 0, 1]),
        ([HUGE, HUGE + 2, HUGE, HUGE], [str(HUGE), str(HUGE + 2), str(HUGE), str(HUGE)]),
        (pd.Categorical([3, 5, 3, 5]), ["3", "5", "3", "5"]),
        (["007", "7", "007", "7"], ["007", "7", "007", "7"]),
        (
            pd.to_datetime(["2024-01-01", "2024-01-02T03:04:05.5"] * 2, format="ISO8601"),
            [1704067200000, 1704164645500] * 2,
        ),
    ],
)
def test_values_arrive_as_they_were_learnt(learnt: object, came: object) -> None:
    first = pd.Series(learnt)
    np.testing.assert_array_equal(encoded(first, pd.Series(came)), encoded(first, first))


ZONED = pd.Series(pd.date_range("2024-03-30", periods=4, freq="12h", tz="Europe/Berlin"))  # the clock changes


def test_times_with_a_zone_arrive_as_text_of_any_zone() -> None:
    expected = encoded(ZONED, ZONED)
    iso, utc = ZONED.map(lambda moment: moment.isoformat()), ZONED.dt.tz_convert("UTC")
    assert len({text[-6:] for text in iso}) == 2
    for came in (iso, utc.map(lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%SZ")), utc, ZONED.astype("str")):
        np.testing.assert_array_equal(encoded(ZONED, came), expected)


@pytest.mark.parametrize(
    ("learnt", "came"),
    [
        (ZONED, ZONED.dt.tz_localize(None)),
        (ZONED, ZONED.dt.tz_localize(None).astype("str")),
        (ZONED, pd.Series(["2024-01-01 00:00:00+01:00", "2024-01-01 00:00:00"])),
        (ZONED.dt.tz_localize(None), ZONED.astype("str")),
        (ZONED, pd.Series(["yesterday"])),
        (pd.Series([1.5, 2.5, 2.5]), pd.Series(["1,5"])),
        (pd.Series([True, False, True]), pd.Series([2])),
        (pd.Series([True, False, True]), pd.Series(["maybe"])),
        (pd.Series(["007", "008"] * 2), pd.Series([7])),
    ],
)
def test_what_cannot_be_told_is_refused_by_name(learnt: pd.Series, came: pd.Series) -> None:
    with pytest.raises(DataError, match="'x'") as caught:
        encoded(learnt, came)
    assert len(str(caught.value)) < 300


def test_columns_of_any_name_and_order_are_found() -> None:
    learnt = pd.DataFrame({"self": [1, 2, 2], "key": [0.5, 1.5, 1.5]})
    schema = infer(learnt, target=None)
    came = learnt[["key", "self"]].astype("str").assign(more=1).set_axis([7, 8, 9])
    assert retyped(schema, came).to_dict("list") == learnt.to_dict("list")
    assert retyped(schema, came).index.tolist() == [7, 8, 9]
