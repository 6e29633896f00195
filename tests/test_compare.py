"""A comparison: equal splits, paired differences, every cell worked once."""

from io import StringIO
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console
from small_runs import content, frame, write, write_config

from experiments.compare import compare, summarise
from experiments.config import CompareConfig
from experiments.yaml_config import load_config


def quiet_console() -> Console:
    return Console(file=StringIO(), width=150)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> CompareConfig:
    place = tmp_path_factory.mktemp("compare")
    settings = content(write(place, frame()), place / "out", generations=1)
    source = settings.pop("data")
    settings |= {"sources": [source], "strategies": ["untargeted", "classical"], "seeds": [0, 1]}
    return load_config(CompareConfig, write_config(place, settings))


@pytest.fixture(scope="module")
def results(config: CompareConfig) -> pd.DataFrame:
    return compare(config, quiet_console())


def test_every_arm_meets_every_seed_once(results: pd.DataFrame) -> None:
    counts = results.groupby("arm")["seed"].agg(["nunique", "size"])
    assert (counts == 2).all(axis=None)
    assert {"real only", "SMOTE", "loop: untargeted", "loop: classical"} <= set(counts.index)


def test_finished_cells_are_found_again(results: pd.DataFrame, config: CompareConfig) -> None:
    before = {path: path.stat().st_mtime_ns for path in (config.out / "cells").iterdir()}
    pd.testing.assert_frame_equal(compare(config, quiet_console()), results)
    assert before == {path: path.stat().st_mtime_ns for path in (config.out / "cells").iterdir()}
    assert len(before) == 4


def test_a_changed_file_is_another_cell(results: pd.DataFrame, config: CompareConfig) -> None:
    path = Path(config.sources[0].source)
    before = path.read_text()
    write(path.parent, frame(300))
    try:
        one = config.model_copy(update={"seeds": (0,), "strategies": ("untargeted",)})
        changed = compare(one, quiet_console())
    finally:
        path.write_text(before)
    same = results.query("seed == 0 and arm == 'real only'")["average_precision"].item()
    assert changed.query("arm == 'real only'")["average_precision"].item() != same


def test_differences_are_paired() -> None:
    costs = {"seconds_fit": 1.0, "seconds_per_million": 1.0, "note": "", "cheap": True}
    results = pd.DataFrame(
        [
            {"source": "a", "seed": seed, "arm": arm, "average_precision": ap, **costs}
            for seed, real, loop in ((0, 0.1, 0.2), (1, 0.9, 1.0), (2, 0.5, 0.4))
            for arm, ap in (("real only", real), ("loop: x", loop))
        ]
    )
    row = summarise(results).loc["loop: x"]
    assert row["difference"] == pytest.approx(0.1 / 3)
    assert (row["wins"], row["losses"]) == (2, 1)
