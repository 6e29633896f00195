"""All that is in a file is read: dates, a named index, decimals, exact integers; what is left out is said."""

import datetime as dt
import decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from experiments.data.files import read_file
from loop.errors import DataError

N = 30
DAYS = [dt.date(2024, 1, 1) + dt.timedelta(days=row) for row in range(N)]
HUGE = [1_200_000_000_000_000_001 + row for row in range(N - 1)]


def stored(tmp_path: Path, **columns: pa.Array) -> Path:
    """Write a Parquet file as other programs do, without what pandas adds to it."""
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table(columns), path)
    return path


@pytest.mark.parametrize("days", [DAYS, [*DAYS[:-1], None]], ids=["whole", "with a gap"])
@pytest.mark.parametrize("kind", [pa.date32(), pa.date64()])
def test_dates(tmp_path: Path, days: list[dt.date], kind: pa.DataType) -> None:
    values = read_file(stored(tmp_path, day=pa.array(days, kind))).frame["day"]
    assert values.dtype == "datetime64[s]"
    assert values[1] == pd.Timestamp("2024-01-02")


@pytest.mark.parametrize(("kind", "step"), [(pa.int64(), 0), (pa.uint64(), 2**63)])
def test_integers_stay_exact_beside_a_gap(tmp_path: Path, kind: pa.DataType, step: int) -> None:
    values = read_file(stored(tmp_path, x=pa.array([*(each + step for each in HUGE), None], kind))).frame["x"]
    assert [int(value) for value in values.dropna()] == [each + step for each in HUGE]


def test_small_integers_beside_a_gap_are_floats_as_ever(tmp_path: Path) -> None:
    assert read_file(stored(tmp_path, x=pa.array([1, 2, None]))).frame["x"].dtype == "float64"


def test_decimals(tmp_path: Path) -> None:
    cents = [decimal.Decimal("1.25"), decimal.Decimal("2.50"), None]
    ids = [decimal.Decimal(each) for each in (*HUGE[:2],)]
    file = read_file(stored(tmp_path, cents=pa.array(cents), ids=pa.array([*ids, None], pa.decimal128(19, 0))))
    assert file.frame["cents"].tolist()[:2] == [1.25, 2.5]
    assert [int(each) for each in file.frame["ids"].dropna()] == HUGE[:2]


class TestIndex:
    def test_a_named_one_is_a_column_and_it_is_said(self, tmp_path: Path) -> None:
        frame = pd.DataFrame({"x": np.arange(N) / 7}, index=pd.date_range("2024-01-01", periods=N, name="paid_at"))
        frame.to_parquet(tmp_path / "t.parquet")
        file = read_file(tmp_path / "t.parquet")
        assert set(file.frame) == {"paid_at", "x"}
        assert "the index 'paid_at' is read as a column" in file.notes[0]
        assert isinstance(file.frame.index, pd.RangeIndex)

    def test_levels_are_columns(self, tmp_path: Path) -> None:
        index = pd.MultiIndex.from_product([["a", "b"], range(N // 2)], names=["shop", "day"])
        pd.DataFrame({"x": np.arange(N) / 7}, index=index).to_parquet(tmp_path / "t.parquet")
        assert set(read_file(tmp_path / "t.parquet").frame) == {"shop", "day", "x"}

    def test_one_without_a_name_is_left_out_and_it_is_said(self, tmp_path: Path) -> None:
        pd.DataFrame({"x": np.arange(N) / 7}, index=np.arange(N) * 3).to_parquet(tmp_path / "t.parquet")
        file = read_file(tmp_path / "t.parquet")
        assert list(file.frame) == ["x"]
        assert "index has no name" in file.notes[0]

    def test_the_usual_one_is_not_spoken_of(self, tmp_path: Path) -> None:
        pd.DataFrame({"x": np.arange(N) / 7}).to_parquet(tmp_path / "t.parquet")
        assert not read_file(tmp_path / "t.parquet").notes

    def test_in_a_csv_a_first_column_without_a_name_that_numbers_the_rows_is_left_out(self, tmp_path: Path) -> None:
        pd.DataFrame({"x": np.arange(N) / 7}).to_csv(tmp_path / "t.csv")
        file = read_file(tmp_path / "t.csv")
        assert list(file.frame) == ["x"]
        assert "numbers the rows" in file.notes[0]

    def test_one_that_does_not_is_refused(self, tmp_path: Path) -> None:
        pd.DataFrame({"x": np.arange(N) / 7}, index=["a"] * N).to_csv(tmp_path / "t.csv")
        with pytest.raises(DataError, match="column 1 has none"):
            read_file(tmp_path / "t.csv")
