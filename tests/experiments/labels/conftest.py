"""A finished run, and rows to ask about."""

from io import StringIO
from pathlib import Path

import pytest
from asked_runs import KNOWN, numbered
from rich.console import Console
from small_runs import content, write

from experiments.config.reader import load_config
from experiments.config.run_config import RunConfig
from experiments.run.run import run


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table with labels, some of them wrong, and one without."""
    folder, table = tmp_path_factory.mktemp("labels"), numbered()
    write(folder, table[:KNOWN])
    write(folder, table[KNOWN:].drop(columns="fraud"), "pool.csv")
    return folder


@pytest.fixture(scope="module")
def began(place: Path) -> Path:
    """The folder of a finished run."""
    settings = content(place / "table.csv", place / "out", generations=1)
    return run(load_config(RunConfig, None, settings), Console(file=StringIO(), width=200)).folder
