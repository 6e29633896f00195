"""Rows are named by number, id or group; what names none is refused in a sentence."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.config.data_config import DataConfig
from experiments.trust.retraction.chosen import copies, rows_listed, rows_of_group
from loop.errors import ConfigError, DataError


@pytest.fixture(params=[".csv", ".parquet"])
def data(request: pytest.FixtureRequest, tmp_path: Path) -> DataConfig:
    frame = pd.DataFrame(
        {
            "receipt": ["007", "7", "a b", "d", "007"],
            "card": [4711.0, np.nan, 12.0, 4711.0, 12.0],
            "amount": [1.5, 2.5, 1.5, 3.5, 1.5],
        }
    )
    path = tmp_path / f"table{request.param}"
    frame.to_csv(path, index=False) if request.param == ".csv" else frame.to_parquet(path)
    return DataConfig(source=str(path), target="amount", group="card")


def listed(tmp_path: Path, text: str) -> Path:
    (tmp_path / "ids.csv").write_text(text)
    return tmp_path / "ids.csv"


def test_row_numbers_count_from_the_first_row_below_the_header(data: DataConfig, tmp_path: Path) -> None:
    rows = rows_listed(data, listed(tmp_path, "row,why\n4,x\n0,y\n4,z\n"), None)
    assert rows.tolist() == [0, 4]


def test_ids_are_compared_as_they_are_written(data: DataConfig, tmp_path: Path) -> None:
    assert rows_listed(data, listed(tmp_path, "receipt\n007\n"), "receipt").tolist() == [0, 4]
    assert rows_listed(data, listed(tmp_path, "receipt\n7\na b\n"), "receipt").tolist() == [1, 2]


def test_a_group_is_named_as_in_the_file_or_as_a_whole_number(data: DataConfig) -> None:
    name = "4711.0" if data.source.endswith(".csv") else "4711"
    assert rows_of_group(data, name).tolist() == [0, 3]


@pytest.mark.parametrize("text", ["row\n5\n", "row\n-1\n", "row\n1.5\n", "row\nx\n"])
def test_numbers_of_no_row_are_refused(data: DataConfig, tmp_path: Path, text: str) -> None:
    with pytest.raises(DataError, match="from 0 to 4"):
        rows_listed(data, listed(tmp_path, text), None)


def test_ids_and_groups_that_are_not_there_are_refused(data: DataConfig, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="1 are not, such as 'zz'"):
        rows_listed(data, listed(tmp_path, "receipt\n007\nzz\n"), "receipt")
    with pytest.raises(DataError, match="must have the column 'row'"):
        rows_listed(data, listed(tmp_path, "receipt\n007\n"), None)
    with pytest.raises(DataError, match="'nobody'"):
        rows_of_group(data, "nobody")
    with pytest.raises(ConfigError, match="a run with groups"):
        rows_of_group(data.model_copy(update={"group": None}), "4711")
    with pytest.raises(ConfigError, match="from a file"):
        rows_of_group(data.model_copy(update={"source": "simulation"}), "4711")


def test_copies_that_stay_are_counted(tmp_path: Path) -> None:
    pd.DataFrame({"a": [1, 2, 1, 1], "b": ["x", "y", "x", "z"]}).to_csv(tmp_path / "t.csv", index=False)
    data = DataConfig(source=str(tmp_path / "t.csv"), target="b")
    assert copies(data, np.array([0])) == 1
    assert copies(data, np.array([0, 2])) == 0
    assert copies(data, np.array([1])) == 0
