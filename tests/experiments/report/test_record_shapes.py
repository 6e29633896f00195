"""Whatever is altered in the records of a run: they are shown, or refused in one sentence; nothing else is raised."""

import json
import shutil
from collections.abc import Iterator
from copy import deepcopy
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from small_runs import content, frame, write, write_config

from experiments.config.reader import load_config
from experiments.config.run_config import RunConfig
from experiments.report import record_shapes
from experiments.report.html import CURVES, render
from experiments.report.report import checked
from experiments.report.terminal import show_again
from experiments.run.run import run
from experiments.storage import run_folder
from loop.errors import DataError

OTHERS: tuple[object, ...] = (None, True, [], {}, [1], {"a": 1}, "text", "[/x]", -1, 0.5, 10**400, "NaN", "-Infinity")
ALTERED, DRAWN = 150, 6  # alterations, and of those that pass how many are drawn: all would take minutes
Step = str | int


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run with every part that a report can have but the answer key of a simulation."""
    place = tmp_path_factory.mktemp("shapes")
    settings = content(write(place, frame()), place / "out") | {"fairness": {"columns": ["shop"]}}
    return run(load_config(RunConfig, write_config(place, settings)), Console(file=StringIO())).folder


def places(value: Any, above: tuple[Step, ...] = ()) -> Iterator[tuple[Step, ...]]:
    """Yield the place of every value inside another."""
    inner = value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    for step, each in inner:
        yield (*above, step)
        yield from places(each, (*above, step))


def altered(whole: Any, place: tuple[Step, ...], value: object, delete: bool) -> Any:
    copy = deepcopy(whole)
    inner = copy
    for step in place[:-1]:
        inner = inner[step]
    if delete:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    return copy


def alterations(whole: Any, rng: np.random.Generator, n: int) -> Iterator[tuple[tuple[Step, ...], object, bool]]:
    every = list(places(whole))
    for at, other, delete in zip(
        rng.integers(len(every), size=n), rng.integers(len(OTHERS), size=n), rng.random(n) < 0.3, strict=True
    ):
        yield every[at], OTHERS[other], bool(delete)


@pytest.mark.parametrize("name", [run_folder.REPORT, CURVES])
def test_altered_records_are_shown_or_refused(name: str, folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "run"))
    whole, refused, shown = json.loads((copy / name).read_text()), [], 0
    for place, value, delete in alterations(whole, np.random.default_rng(0), ALTERED):
        (copy / name).write_text(json.dumps(altered(whole, place, value, delete)))
        try:
            show_again(copy, Console(file=StringIO(), width=100))
            checked_curves(copy)
            if (shown := shown + 1) <= DRAWN:
                render(copy)
        except DataError as error:
            refused.append(str(error))
    assert len(refused) > ALTERED / 3
    assert all(str(copy / name) in sentence and "\n" not in sentence and len(sentence) < 600 for sentence in refused)


def checked_curves(folder: Path) -> None:
    checked(record_shapes.curves, run_folder.read_json(folder / CURVES), folder / CURVES, "restore it")


def test_a_record_as_it_was_written_is_taken(folder: Path) -> None:
    show_again(folder, Console(file=StringIO(), width=100))
    assert "Operating points" in render(folder)
