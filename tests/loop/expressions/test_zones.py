"""Dates are meant in the zone of the column they are compared with, or as their own offset says."""

import numpy as np
import pandas as pd
import pytest

from loop.data.encoding import encode_features
from loop.data.schema import infer
from loop.errors import ConfigError
from loop.expressions.dates import seconds
from loop.expressions.parser import parse
from loop.expressions.to_region import as_region
from loop.expressions.zones import zones_of
from loop.regions.rule_text import describe
from loop.types import Condition

ZONE = "Europe/Berlin"
TIMES = pd.date_range("2024-07-01 20:00", periods=12, freq="h", tz=ZONE)
FRAME = pd.DataFrame({"t": TIMES, "n": np.arange(12) / 7})
SCHEMA = infer(FRAME, None)


@pytest.mark.parametrize(
    "text",
    [
        "2024-07-01T22:00:00Z",
        "2024-07-02T00:00+02:00",
        "2024-07-02 00:00:00+0200",
        "2024-07-01 20:00-02",
        "2024-07-02T03:30:00.000+05:30",
    ],
)
def test_an_offset_is_obeyed(text: str) -> None:
    assert seconds(text) == seconds(text, ZONE) == seconds("2024-07-01T22:00:00")


def test_without_one_the_zone_counts() -> None:
    assert seconds("2024-07-02", ZONE) == seconds("2024-07-01T22:00") == seconds("2024-07-02") - 7200
    assert seconds("2024-01", ZONE) == seconds("2023-12-31T23:00")


@pytest.mark.parametrize("text", ["2024-03-31 02:30", "2024-10-27 02:30"])
def test_hours_that_the_clocks_skip_or_repeat_are_read(text: str) -> None:
    assert abs(seconds(text, ZONE) - seconds(text) + 7200) <= 3600


@pytest.mark.parametrize("text", ["2024-13-01T00:00Z", "Z", "2024-07-01Z+1"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        seconds(text)


@pytest.mark.parametrize("text", ["t < '2024-07-02'", "'2024-07-02' > t", "t < '2024-07-02T00:00+02:00'"])
def test_regions_and_expressions_agree_with_the_users_clock(text: str) -> None:
    before = (pd.Timestamp("2024-07-02", tz=ZONE) > TIMES).tolist()
    region = as_region(parse(text), SCHEMA)
    assert region.contains(encode_features(SCHEMA, FRAME)).tolist() == before
    columns = {"t": encode_features(SCHEMA, FRAME).X[:, 0]}
    assert parse(text).evaluate(columns, zones_of(SCHEMA)).tolist() == before


def test_dates_among_others_and_within_other_conditions() -> None:
    columns = {"t": encode_features(SCHEMA, FRAME).X[:, 0], "n": FRAME["n"].to_numpy()}
    text = "n >= 0 and (t in ['2024-07-02', '2024-07-02T01:00'] or not t < '2024-07-02T05:00')"
    found = FRAME["t"][parse(text).evaluate(columns, zones_of(SCHEMA))]
    assert found.dt.hour.tolist() == [0, 1, 5, 6, 7]


def test_columns_without_a_zone_are_as_ever() -> None:
    naive = infer(FRAME.assign(t=TIMES.tz_localize(None)), None)
    assert not zones_of(naive)
    assert as_region(parse("t < '2024-07-02'"), naive).rule[0].high < seconds("2024-07-02")


def test_a_rule_is_told_so_that_it_can_be_read_back() -> None:
    edge = seconds("2024-07-02", ZONE)
    told = describe((Condition(0, high=edge),), SCHEMA)
    assert told == "t <= 2024-07-02 00:00:00+02:00"
    assert as_region(parse(told.replace("2024", "'2024") + "'"), SCHEMA).rule[0].high == edge
