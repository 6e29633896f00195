"""Places of the benchmark fit the same model on a folder that the sample holds whole."""

from pathlib import Path

import numpy as np
import pytest

from experiments.benchmarks.scaling import partitions
from experiments.benchmarks.scaling.partitions import MEMORY, PLACES, headline, measured, write_folder
from learners import XGBoost


def test_row_groups_in_this_process_are_rows_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partitions, "FILE_ROWS", 300)
    write_folder(tmp_path, 800, 4)
    assert len(list(tmp_path.iterdir())) == 3
    found = {each: measured(each, tmp_path, XGBoost(trees=5), 1000) for each in (MEMORY, next(iter(PLACES)))}
    told = headline(found)
    assert [each["mean_difference"] for each in told.values()] == [0.0, 0.0]
    assert np.std(found[MEMORY]["answers"]) > 0.01
    assert all(0 < each["libraries_megabytes"] <= each["peak_megabytes"] for each in told.values())
