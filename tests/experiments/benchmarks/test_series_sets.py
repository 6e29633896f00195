"""The benchmark of series: its splits are honest, its sets are read as an archive, and its figures are right."""

import json
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.benchmarks.series import report, sets
from experiments.benchmarks.series.cells import ARMS, CONTROLS, LOOP, REAL_ONLY, cell, filled_up
from experiments.benchmarks.series.sets import MADE, SETS, fetched, of_archive, sides
from experiments.data.sources import Dataset
from generators import AugmentSeries
from learners.encoders.curves import Curves
from loop.data.schema_json import to_json
from loop.errors import DataError

SERIES = "@problemName X\n@timeStamps false\n@classLabel true 1 2\n@data\n" + "".join(
    f"{number},{number % 3},{number * 2 % 7}:{1 + number % 2}\n" for number in range(12)
)


def test_rare_classes_have_few_training_rows_and_all_test_rows(tmp_path: Path) -> None:
    own = sides(MADE, tmp_path, 3)
    train, test = own.split.train, own.split.test
    (rare,) = own.rare
    assert train.schema.classes[rare] == "k2"
    assert np.bincount(train.y).tolist() == [100, 100, SETS[MADE].rows]
    assert np.bincount(test.y).tolist() == [100, 100, 100]
    assert not set(train.row_number) & set(test.row_number)
    again = sides(MADE, tmp_path, 3).split.train
    np.testing.assert_array_equal(again.rows.arrays["series"], train.rows.arrays["series"])


def test_nothing_is_learnt_from_test_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own, frame = sides(MADE, tmp_path, 0).split, sets.made().frame.copy()
    cells = frame["series"].tolist()
    for row in own.test.row_number:
        cells[row] = np.tile(cells[row], 3) * 1000
    frame["series"] = pd.Series(cells, dtype=object)
    poisoned = Dataset(MADE, frame, "label", "k2", encoders={"series": Curves()})
    monkeypatch.setattr(sets, "whole", lambda name, home: (poisoned, 300))
    again = sides(MADE, tmp_path, 0).split
    np.testing.assert_array_equal(again.train.X, own.train.X)
    np.testing.assert_array_equal(again.train.rows.arrays["series"], own.train.rows.arrays["series"])
    assert to_json(again.schema) == to_json(own.schema)
    assert again.test.rows.arrays["series"].shape == own.test.rows.arrays["series"].shape, "longer ones are cut"


def test_sets_are_taken_out_of_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "sktime-1.0-py3-none-any.whl", "w") as archive:
        for part in sets.PARTS:
            archive.writestr(sets.INSIDE.format(name="GunPoint", part=part), SERIES)
    split = of_archive("GunPoint", tmp_path)
    assert (len(split.train), len(split.test)) == (12, 12)
    assert {each.suffix for each in tmp_path.iterdir()} == {".whl", ".ts"}
    with pytest.raises(DataError, match="another version"):
        fetched("OSULeaf", "TRAIN", tmp_path)
    monkeypatch.setattr(sets, "LARGEST", 10)
    (tmp_path / "GunPoint_TRAIN.ts").unlink()
    with pytest.raises(DataError, match="at most 10 bytes"):
        fetched("GunPoint", "TRAIN", tmp_path)


def test_without_a_network_there_is_a_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(*words: object, **settings: object) -> None:
        raise subprocess.CalledProcessError(1, "pip")

    monkeypatch.setattr(subprocess, "run", closed)
    with pytest.raises(DataError, match="--sets made"):
        fetched("PLAID", "TRAIN", tmp_path / "empty")


def test_classes_are_filled_up(tmp_path: Path) -> None:
    train = sides(MADE, tmp_path, 0).split.train
    more = filled_up(train, AugmentSeries(), np.random.default_rng(0))
    assert np.bincount(more.y).tolist() == [100, 100, 100]
    np.testing.assert_array_equal(more.rows.arrays["series"][: len(train)], train.rows.arrays["series"])
    assert not more.is_real[len(train) :].any()


def test_the_headline_and_the_gaps_are_those_of_the_cells() -> None:
    rng = np.random.default_rng(0)
    rows = [
        {"set": name, "seed": seed, "arm": arm, "average_precision": base + lift, "rare_recall": 0.5, "seconds": 1.0}
        for name, base in (("a", 0.3), ("b", 0.5))
        for seed in range(3)
        for arm, lift in ((LOOP, 0.1), (REAL_ONLY, 0.0), ("jitter", 0.06 + 0.01 * rng.random()), ("oversampled", 0.02))
    ]
    results, none = pd.DataFrame(rows), pd.DataFrame()
    told = report.headline(results, none)
    assert told["loop"] == pytest.approx(0.5)
    assert told["real_only"] == pytest.approx(0.4)
    assert 0.46 < float(str(told["best_control"])) < 0.47
    mean, half = report.gap(results, REAL_ONLY, "average_precision")
    assert mean == pytest.approx(0.1)
    assert half == pytest.approx(0, abs=1e-9)
    assert set(CONTROLS) | {LOOP, REAL_ONLY} <= set(ARMS)


def test_the_command_works_what_is_missing_and_ends_with_a_line_of_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):  # the second time all cells are found
        report.main(sets=MADE, arms=f"{REAL_ONLY},jitter", splits=2, out=tmp_path, home=tmp_path / "sets", jobs=1)
    first, second = [line for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    assert first == second
    told = json.loads(first)
    assert told["loop"] is None
    assert 0.3 < told["real_only"] < 1
    (row,) = cell(MADE, 0, REAL_ONLY, tmp_path)
    assert row["new_rows"] == 0
