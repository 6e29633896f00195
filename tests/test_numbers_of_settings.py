"""Every number of every part, of the loop and of a configuration: absurd ones are refused in words."""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from commands import refused
from small_runs import content, frame, write, write_config

from generators import GENERATORS
from learners import LEARNERS
from loop.asking.choice import Asking
from loop.asking.frames import Questions
from loop.catalogue import ACQUISITIONS, FINDERS, GATES, LABELLERS, Catalogue
from loop.cycle.parts import Settings
from loop.errors import WeakspotError
from loop.support.strict_yaml import read_file
from loop.support.visible import LONGEST

CATALOGUES: tuple[Catalogue[Any], ...] = (FINDERS, ACQUISITIONS, LABELLERS, GATES, GENERATORS, LEARNERS)
ABSURD = (1e30, -1, -1e30, math.nan, math.inf, -math.inf, 10**12, 10**400, -(10**400), 10**5000, 0)
NEVER = (1e30, math.nan, math.inf, 10**400)  # no number means anything so large


def parts() -> Iterator[tuple[str, Callable[..., object], type]]:
    """Name everything that has settings, with what makes it and its class."""
    for catalogue in CATALOGUES:
        for name in catalogue.names():
            kind = catalogue.kind(name)
            yield f"{catalogue.part} {name}", kind, kind
    for kind in (Settings, Asking, Questions):
        yield kind.__name__, kind, kind


def numbers(kind: type) -> list[Field[Any]]:
    known = fields(kind) if is_dataclass(kind) else ()
    given = [each for each in known if each.init and each.default is not MISSING]
    return [each for each in given if isinstance(each.default, (int, float)) and not isinstance(each.default, bool)]


def refusal_of(make: Callable[..., object], **settings: object) -> str:
    """Return the sentence with which something is refused, none if it is accepted; other errors are faults."""
    try:
        make(**settings)
    except WeakspotError as error:
        return str(error)
    return ""


CASES = {f"{name}: {each.name}": (make, each) for name, make, kind in parts() for each in numbers(kind)}
del CASES["gate domain: margin"]  # may be infinite: then only categories are checked


@pytest.mark.parametrize("case", CASES)
def test_a_number_is_accepted_or_refused_in_words(case: str) -> None:
    make, setting = CASES[case]
    for value in ABSURD:
        refusal = refusal_of(make, **{setting.name: value})
        assert len(refusal) <= LONGEST
        assert not refusal or ":" in refusal  # then comes the way out
        assert refusal or value not in NEVER, f"{case} may be {value}"
        assert refusal or value == value, f"{case} may be no number"


def test_each_kind_of_part_is_asked() -> None:
    assert len(CASES) > 90
    assert {case.split()[0] for case in CASES} >= {"finder", "acquisition", "gate", "generator", "learner", "Settings:"}


CONFIGURED = {
    "loop.pool": 1e9,
    "loop.generations": 10**7,
    "loop.most_rows": 10**12,
    "loop.lanes": 10**9,
    "loop.jobs": 10**6,
    "loop.budget": 1e300,
    "loop.seed": 10**30,
    "learner.settings.trees": 1e30,
    "learner.settings.depth": 10**6,
    "generator.settings.neighbours": 10**15,
    "arms.plain_seconds": float("nan"),
    "fairness.least": -1,
    "metrics.precision": 1e30,
    "data.test_size": 1e9,
}


def beside_paths(sentence: str) -> str:
    """Leave out paths, which are never cut."""
    return re.sub(r"\S*/\S*", "", sentence)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    place = tmp_path_factory.mktemp("table")
    return content(write(place, frame()), place / "out")


@pytest.mark.parametrize("key", CONFIGURED)
def test_a_configuration(tmp_path: Path, settings: dict[str, object], key: str) -> None:
    changed = yaml.safe_load(yaml.safe_dump(settings))
    *sections, last = key.split(".")
    inner = changed
    for section in sections:
        inner = inner.setdefault(section, {})
    if sections[0] == "generator":
        changed["generator"]["name"] = "neighbourhood"
    inner[last] = CONFIGURED[key]
    sentence = refused("run", write_config(tmp_path, changed))
    assert last in sentence
    assert len(beside_paths(sentence)) <= LONGEST + 1


def test_a_budget_larger_than_memory(tmp_path: Path, settings: dict[str, object]) -> None:
    loop = {"budget": 1e8, "most_rows": 10_000_000, "pool": 10_000}
    assert "loop.budget, most_rows and pool must ask for" in refused(
        "run", write_config(tmp_path, {**settings, "loop": loop})
    )


@pytest.mark.parametrize(
    ("key", "value"), [("seeds", list(range(20_000))), ("repeats", 1e12), ("strategies", ["targeted"] * 101)]
)
def test_a_comparison(tmp_path: Path, settings: dict[str, object], key: str, value: object) -> None:
    changed = {**settings, "sources": [settings["data"]], key: value}
    changed.pop("data")
    sentence = refused("compare", write_config(tmp_path, changed))
    assert key in sentence
    assert len(beside_paths(sentence)) <= LONGEST + 1


def test_a_committee_of_a_thousand(tmp_path: Path, settings: dict[str, object]) -> None:
    sentence = refused("run", write_config(tmp_path, {**settings, "teacher": {"members": ["linear"] * 1000}}))
    assert "members" in sentence


@pytest.mark.parametrize(
    "deep", ["[" * 10_000 + "]" * 10_000, "{a: " * 10_000 + "1" + "}" * 10_000, "- " * 10_000 + "1"]
)
def test_yaml_that_is_nested_ten_thousand_deep(tmp_path: Path, deep: str) -> None:
    (tmp_path / "deep.yaml").write_text(f"loop: {deep}" if deep[0] != "-" else deep)
    with pytest.raises(yaml.YAMLError):
        read_file(tmp_path / "deep.yaml")
    assert "nested" in refused("run", tmp_path / "deep.yaml")
