"""What is held out of all rows: planted copies, groups and later rows are never fitted on."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from parquet_folders import write_folder
from small_runs import frame

from experiments.config.data_config import DataConfig
from experiments.config.run_config import LoopConfig
from experiments.data.files import Reading
from experiments.data.partitions import numbers_drawn, row_groups
from experiments.refit.held import Held
from experiments.refit.seeing import look
from experiments.run.inputs import gather
from loop.cycle.lanes import lanes
from loop.data.encoding import encode_features
from loop.data.split import equal_to


def cards(n: int = 1200) -> pd.DataFrame:
    """Rows of 150 cards over 400 days, a tenth of them copies of others but for their date."""
    rng = np.random.default_rng(3)
    rows = frame(n).assign(card=rng.integers(0, 150, n))
    rows.loc[rng.choice(n, n // 10, replace=False), ["amount", "age", "shop", "abroad"]] = [5.0, 30, "toys", True]
    return rows.assign(paid=pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 400, n), unit="D"))


def fitted_rows(folder: Path, drawn: int, **roles: str) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return the rows to fit on, the judge rows and the test rows."""
    data = DataConfig(source=str(folder), target="fraud", positive="yes", rows_in_memory=drawn, **roles)
    inputs = gather(data, LoopConfig(lanes=1, seed=1))
    lane, groups = lanes(inputs.folds)[0], row_groups(folder)
    apart = data.group is not None or inputs.dataset.time is None
    held = Held.of(inputs, lane, numbers_drawn(groups, drawn), apart)
    fitted = np.concatenate([look(each, inputs.schema, held, Reading()).fitted for each in groups])
    whole, sample = pd.concat([pd.read_parquet(path) for path in sorted(folder.iterdir())]), inputs.dataset.frame
    rows = (whole[fitted], sample.iloc[inputs.train.row_number[lane.judge]], sample.iloc[inputs.test.row_number])
    for part in rows[1:]:
        X, others = (encode_features(inputs.schema, each).X for each in (rows[0], part))
        assert not equal_to(X, others).any()
    return rows


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = cards()
    return write_folder(tmp_path_factory.mktemp("data") / "cards", [rows[:500], rows[500:]], rows=300)


def test_copies_of_held_rows(folder: Path) -> None:
    fitted, judged, tested = fitted_rows(folder, 400)
    assert len(fitted) + len(judged) + len(tested) <= 1200
    assert len(fitted) > 850  # far more than the sample has


def test_groups(folder: Path) -> None:
    fitted, judged, tested = fitted_rows(folder, 400, group="card")
    apart = {*judged["card"], *tested["card"]}
    assert apart
    assert not apart & set(fitted["card"])
    assert len(fitted) > 100


def test_later_rows(folder: Path) -> None:
    fitted, _, tested = fitted_rows(folder, 400, time="paid")
    assert fitted["paid"].max() < tested["paid"].min()


def test_the_sample_of_a_folder_that_fits_is_all(folder: Path) -> None:
    """Then what is fitted on are the rows that the lane of the run is fitted on."""
    fitted, judged, tested = fitted_rows(folder, 5000)
    assert len(fitted) + len(judged) + len(tested) == 1200
