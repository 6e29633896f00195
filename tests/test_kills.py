"""A kill at any moment costs nothing: the command again, or resumed, ends as if there had been none."""

import json
import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asked_runs
import kills
import pandas as pd
import pytest
import yaml
from kills import Moment
from small_runs import content, frame, write

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are made by fork")

FEW, MANY, PARTS = 2, 200, 4  # kills of a command; the many are tried in parts side by side
AGO = 2 * 3600  # seconds: nobody goes on at once


def config_of(place: Path, **changes: Any) -> Path:
    """Write a configuration whose records go to a database of the working folder."""
    (place / kills.STORE).write_text(f"tracking_uri: sqlite:///{place}/mlflow.db\nartifact_root: {place}/artifacts\n")
    settings = {**content(Path("table.csv"), Path("out")), "tracking": kills.STORE, "deliver": "loop", **changes}
    (place / "config.yaml").write_text(yaml.safe_dump({key: each for key, each in settings.items() if each != "none"}))
    return place / "config.yaml"


def folders(place: Path) -> list[Path]:
    return sorted(path for path in (place / "out").glob("[!.]*") if path.name != "cells")


class Case:
    """A command, how to go on after it was killed, and what must be the same in the end."""

    words: tuple[object, ...] = ("run", "config.yaml")

    def prepare(self, place: Path) -> None:
        """Fill the working folder in which the command begins."""
        write(place, frame())
        config_of(place)

    def go_on(self, place: Path) -> None:
        """Do what a user does after the kill."""
        found = folders(place)
        if found and not (found[-1] / "done.json").exists():
            kills.command(place, "run", "--resume", found[-1])
        elif not found:
            kills.command(place, *self.words)

    def result(self, place: Path) -> Any:
        """Return what the command is for."""
        (folder,) = folders(place)
        return result_of_run(folder)


def result_of_run(folder: Path) -> Any:
    report = kills.untimed(json.loads((folder / "report.json").read_text()))
    arms = pd.read_csv(folder / "arms.csv")
    kinds = [json.loads(line) for line in (folder / "journal" / "records.jsonl").read_text().splitlines()]
    return {
        "rows": kills.digest(folder / "synthetic.parquet"),
        "scores": arms[[name for name in arms if "seconds" not in name]].to_csv(),
        "model": kills.digest(folder / "model"),
        "report": {key: each for key, each in report.items() if key not in ("decision", "delivery")},  # speak of time
        "generations": [each["index"] for each in kinds if each["kind"] == "generation"],
        "files": sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()),
    }


class Comparison(Case):
    words = ("compare", "config.yaml")

    def prepare(self, place: Path) -> None:
        write(place, frame())
        source = {"source": "table.csv", "target": "fraud", "positive": "yes"}
        config_of(place, data="none", sources=[source], strategies=["targeted", "untargeted"], seeds=[0])

    def go_on(self, place: Path) -> None:
        if not all((folder / "done.json").exists() for folder in folders(place)) or not folders(place):
            kills.command(place, *self.words)

    def result(self, place: Path) -> Any:
        (folder,) = folders(place)
        rows = pd.read_csv(folder / "results.csv")
        return {
            "rows": rows[[name for name in rows if "seconds" not in name]].to_csv(),
            "verdicts": json.loads((folder / "verdicts.json").read_text()),
            "cells": len(list((place / "out" / "cells").iterdir())),
            "files": sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()),
        }


class Search(Comparison):
    words = ("tune", "config.yaml")

    def prepare(self, place: Path) -> None:
        write(place, frame())
        source = {"source": "table.csv", "target": "fraud", "positive": "yes"}
        space = {"loop.budget": {"low": 0.2, "high": 1.0}, "loop.strategy": ["targeted", "untargeted"]}
        config_of(place, data="none", sources=[source], space=space, trials=3, most_cost=1000.0)

    def result(self, place: Path) -> Any:
        (folder,) = folders(place)
        trials = pd.read_csv(folder / "trials.csv")
        ended = trials[trials["state"] != "FAIL"]
        told = [name for name in trials if name.startswith("params_")]
        return {
            "trials": ended[[*told, "values_0"]].to_csv(index=False),
            "winner": (folder / "winner.yaml").read_text(),
            "figures": json.loads((folder / "done.json").read_text()),
            "files": sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()),
        }


class Queue(Case):
    """Rows to label, asked for beside a finished run."""

    words = ("queue", "first", "--pool", "pool.csv", "--n", "20", "--audit", "0.3")

    def prepare(self, place: Path) -> None:
        every = asked_runs.numbered()
        write(place, every.head(asked_runs.KNOWN))
        write(place, every.tail(-asked_runs.KNOWN).drop(columns="fraud"), "pool.csv")
        config_of(place, loop={"generations": 1, "lanes": 2, "jobs": 1})
        kills.command(place, "run", "config.yaml", "--tracking", "none")
        (made,) = folders(place)
        config = (first := made.rename(place / "first")) / "config.yaml"
        config.write_text(config.read_text().replace("tracking: none", f"tracking: {kills.STORE}"))
        assert kills.STORE in config.read_text(), first

    def go_on(self, place: Path) -> None:
        if not (place / "first" / "labels" / "batch-001").exists():
            kills.command(place, *self.words)

    def result(self, place: Path) -> Any:
        return kills.digest(place / "first")


class Answers(Queue):
    words = ("answer", "first", "filled.csv")

    def prepare(self, place: Path) -> None:
        super().prepare(place)
        kills.command(place, *Queue.words)
        asked_runs.filled(place / "first" / "labels" / "batch-001" / "queue.csv", place / "filled.csv")

    def go_on(self, place: Path) -> None:
        kills.command(place, *self.words)


class Continued(Case):
    """A run that goes on with labels."""

    words = ("run", "--continue", "first")

    def prepare(self, place: Path) -> None:
        Answers().prepare(place)
        kills.command(place, *Answers.words)


CASES: dict[str, Callable[[], Case]] = {
    "run": Case,
    "compare": Comparison,
    "tune": Search,
    "queue": Queue,
    "answer": Answers,
    "continue": Continued,
}


def outcome(case: Case, place: Path) -> Any:
    return {"result": case.result(place), "mlflow": kills.apart(kills.in_mlflow, place)}


def long_ago(place: Path) -> None:
    """Let what the kill left half-written be hours old."""
    then = time.time() - AGO
    for path in (*(place / "out").glob(".*"), *(place / "out" / "cells").glob(".*"), *place.rglob(".artifact.*")):
        os.utime(path, (then, then))


def faults(case: Case, place: Path, moments: Iterator[Moment], expected: Any) -> Iterator[tuple[Moment, str]]:
    """Kill the command at each moment and go on; yield what was lost or is wrong."""
    template = place.with_suffix(".template")
    for number, moment in enumerate(moments, start=1):
        print(f"{number}: {moment}", flush=True)  # shown by -s
        kills.restore(place, template)
        kills.command(place, *case.words, dies=moment)
        long_ago(place)
        try:
            case.go_on(place)
            found = outcome(case, place)
        except (AssertionError, OSError, ValueError) as error:
            yield moment, f"lost: {error}"[:2000]
            continue
        for part in expected:
            if found[part] != expected[part]:
                yield moment, f"{part}: {differences(expected[part], found[part])}"
        if left := kills.half_written(place):
            yield moment, f"left: {left}"


def differences(expected: Any, found: Any, where: str = "") -> list[str]:
    """Return where two plain values differ."""
    if isinstance(expected, dict) and isinstance(found, dict):
        keys = sorted({*expected, *found})
        return [told for key in keys for told in differences(expected.get(key), found.get(key), f"{where}.{key}")]
    if isinstance(expected, list | tuple) and isinstance(found, list | tuple) and len(expected) == len(found):
        pairs = enumerate(zip(expected, found, strict=True))
        return [told for i, (one, other) in pairs for told in differences(one, other, f"{where}.{i}")]
    return [] if expected == found else [f"{where}: {str(expected)[:600]} became {str(found)[:600]}"]


def check(name: str, place: Path, times: int, part: int = 0) -> None:
    """Kill a command so often, a quarter of it at random times, else before writes drawn at random."""
    case = CASES[name]()
    place.mkdir()
    case.prepare(place)
    place.rename(place.with_suffix(".template"))
    kills.restore(place, place.with_suffix(".template"))
    started = time.perf_counter()
    writes = kills.command(place, *case.words)
    seconds = time.perf_counter() - started
    expected = outcome(case, place)
    assert kills.half_written(place) == []
    drawn, timed = random.Random(f"{name} {part}"), times // 4
    moments = [Moment(each) for each in drawn.sample(range(1, writes + 1), min(times - timed, writes))]
    moments += [Moment(seconds=drawn.uniform(0, seconds)) for _ in range(timed)]
    found = list(faults(case, place, iter(moments), expected))
    kinds = {each: sum(told.startswith(each) for _, told in found) for each in ("lost", "result", "mlflow", "left")}
    print(f"{name}: {writes} writes, {len(moments)} kills, {kinds}")
    assert found == [], "\n".join(f"{moment}: {told}" for moment, told in found)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_a_kill_costs_nothing(name: str, tmp_path: Path) -> None:
    check(name, tmp_path / "place", FEW)


@pytest.mark.stress
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("name", CASES)
def test_two_hundred_kills_cost_nothing(name: str, part: int, tmp_path: Path) -> None:
    check(name, tmp_path / "place", MANY // PARTS, part)
