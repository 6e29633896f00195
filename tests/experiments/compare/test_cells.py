"""What a cell's file must hold to count: any other content is worked again, and never meets a table or a tracker."""

import copy
import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from small_runs import content, frame, write, write_config

from experiments.compare.cells import cell_file, finished
from experiments.compare.compare import compare
from experiments.config.reader import load_config
from experiments.config.run_config import CompareConfig

OTHERS = ("text", 0.5, True, [], {}, [[]], [{}])


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> CompareConfig:
    place = tmp_path_factory.mktemp("cells")
    settings = content(write(place, frame()), place / "out", generations=1) | {"arms": {"run": False}}
    settings |= {"sources": [settings.pop("data")], "strategies": ["untargeted"], "seeds": [0]}
    config = load_config(CompareConfig, write_config(place, settings))
    compare(config, Console(file=StringIO()))
    return config


def rows_of(config: CompareConfig) -> list[dict[str, Any]]:
    (run,) = config.runs()
    rows: list[dict[str, Any]] = json.loads(cell_file(config.out, run).read_text())
    return rows


def accepted(config: CompareConfig, rows: object, place: Path) -> bool:
    (run,) = config.runs()
    path = cell_file(place, run)
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(rows))
    return finished(place, run) is not None


def places(value: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the paths of all values inside."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inside:
        yield (*path, key)
        yield from places(each, (*path, key))


def kind(value: object) -> object:
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value)


def test_a_value_of_another_type_anywhere_is_no_finished_cell(config: CompareConfig, tmp_path: Path) -> None:
    whole, tried = rows_of(config), 0
    assert accepted(config, whole, tmp_path)
    for path in places(whole):
        for other in OTHERS:
            altered: Any = copy.deepcopy(whole)
            inside = altered
            for key in path[:-1]:
                inside = inside[key]
            if kind(inside[path[-1]]) != kind(other):
                inside[path[-1]] = other
                assert not accepted(config, altered, tmp_path), (path, other)
                tried += 1
    assert tried > 300


@pytest.mark.parametrize("case", ["an arm twice", "no real rows", "no loop", "another seed", "another source"])
def test_rows_that_no_cell_makes_are_worked_again(case: str, config: CompareConfig, tmp_path: Path) -> None:
    rows = rows_of(config)
    if case == "an arm twice":
        rows.append(rows[0])
    elif case == "no real rows":
        rows = [row for row in rows if row["arm"] != "real only"]
    elif case == "no loop":
        rows = [row for row in rows if not row["arm"].startswith("loop")]
    else:
        rows[0] |= {"seed": 7} if case == "another seed" else {"source": "other.csv"}
    assert not accepted(config, rows, tmp_path)


def test_an_altered_cell_is_worked_again_and_written_whole(config: CompareConfig) -> None:
    (run,) = config.runs()
    before = rows_of(config)
    altered = copy.deepcopy(before)
    altered[0]["average_precision"] = {}
    cell_file(config.out, run).write_text(json.dumps(altered))
    compare(config, Console(file=StringIO()))
    assert [row["average_precision"] for row in rows_of(config)] == [row["average_precision"] for row in before]
