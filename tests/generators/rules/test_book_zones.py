"""Dates of a rule book are meant in the time zone of the column that they are about."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from generators.rules.rules import Rules
from loop.data.encoding import decode, encode
from loop.data.schema import infer
from loop.types import Region, Request

ZONE = "Europe/Berlin"
N = 240
TIMES = pd.Series(pd.date_range("2024-07-01", periods=N, freq="h", tz=ZONE))
MIDNIGHT, HOUR = pd.Timestamp("2024-07-05", tz=ZONE), pd.Timedelta(hours=1)


def made(tmp_path: Path, zone: str | None, **content: object) -> pd.DataFrame:
    """Fit a book on hours of ten days in a zone; return its rows as the user writes them."""
    times = TIMES if zone is not None else TIMES.dt.tz_localize(None)
    frame = pd.DataFrame({"paid": times, "amount": np.arange(N) / 7, "fraud": [0, 1] * (N // 2)})
    book = tmp_path / "book.yaml"
    book.write_text(yaml.safe_dump({"target": "fraud", **content}, sort_keys=False))
    table = encode(infer(frame, "fraud"), frame)
    generator = Rules(str(book)).fit(table, np.random.default_rng(0))
    request = Request(Region(), None, 300)
    return decode(table.schema, generator.sample(request, np.random.default_rng(1)).table)


STARTS = {
    "label": 1,
    "scenarios": {
        "late": {
            "from_rows": {"where": "paid >= '2024-07-05' and paid < '2024-07-06'"},
            "columns": {"amount": {"from": "uniform", "low": 1, "high": 2}},
        }
    },
}


def test_where_rows_start(tmp_path: Path) -> None:
    days = set(made(tmp_path, ZONE, **STARTS)["paid"].dt.strftime("%m-%d"))
    assert days == {"07-05"}


def test_without_a_zone_it_is_as_ever(tmp_path: Path) -> None:
    assert set(made(tmp_path, None, **STARTS)["paid"].dt.strftime("%m-%d")) == {"07-05"}


@pytest.mark.parametrize(
    ("start", "end", "first", "last"),
    [
        ("2024-07-05", "2024-07-06", MIDNIGHT, MIDNIGHT + 24 * HOUR),
        (
            "2024-07-05T00:00:00Z",
            "2024-07-05T01:00:00Z",
            MIDNIGHT + 2 * HOUR,
            MIDNIGHT + 3 * HOUR,
        ),
    ],
    ids=["in the zone of the column", "with offsets of their own"],
)
def test_what_is_drawn(tmp_path: Path, start: str, end: str, first: pd.Timestamp, last: pd.Timestamp) -> None:
    columns = {
        "paid": {"from": "datetime", "start": start, "end": end},
        "amount": {"is": "if(paid < '2024-07-05T12:00', 5, 9)"},
    }
    rows = made(tmp_path, ZONE, columns=columns, label=1, scenarios={"all": {"weight": 1}})
    assert rows["paid"].min() >= first
    assert rows["paid"].max() <= last
    np.testing.assert_array_equal(rows["amount"] < 7, rows["paid"].dt.hour < 12)
