"""The schema for editors accepts what the command accepts, and marks what it refuses."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from json_schemas import faults

from experiments.config.editor_schema import KINDS, editor_schema, is_ours
from loop.errors import ConfigError

FOLDER = Path(__file__).parents[3] / "experiments/configs"
CONFIGS = {path.stem: yaml.safe_load(path.read_text()) for path in sorted(FOLDER.glob("*.yaml"))}


def kind_of(content: dict[str, Any]) -> str:
    if "sources" not in content:
        return "run"
    return "tune" if {"space", "trials", "most_cost"} & set(content) else "compare"


@pytest.mark.parametrize("name", CONFIGS)
def test_our_configurations_are_valid(name: str) -> None:
    content = CONFIGS[name]
    assert faults(content, editor_schema(kind_of(content))) == []


RUN: dict[str, Any] = {"data": {"source": "payments.csv", "target": "fraud"}}


@pytest.mark.parametrize(
    "more",
    [
        {"loop": {"lanes": "auto", "share_anywhere": None, "steer": None}},
        {"supplies": ["taught", {"book": "rules.yaml", "rows": 60}, {"unlabelled": "pool.csv"}]},
        {"constraints": ["amount >= 0", {"unique": ["card"]}, {"unique": "card"}], "tracking": None},
        {"metrics": {"points": [{"alerts": 100}, {"false_positive": 1, "miss_cost": "amount"}]}},
        {"learner": {"name": "my_parts:Mine"}, "generator": {"name": "my.parts:Mine"}},
        {"learner": {"name": "forest", "settings": {"trees": 20}}, "deliver": "plain"},
        {"fairness": {"columns": ["sex"]}, "calibration": {"method": "platt"}},
    ],
)
def test_what_a_run_takes_is_valid(more: dict[str, Any]) -> None:
    assert faults(RUN | more, editor_schema()) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"lop": {}},
        {"loop": {"generation": 3}},
        {"loop": {"generations": 0}},
        {"loop": {"budget": 0}},
        {"loop": {"share_anywhere": 1.5}},
        {"loop": {"strategy": "magic"}},
        {"loop": {"weakness": "sadness"}},
        {"learner": {"name": "oracle"}},
        {"generator": {"name": "oracle"}},
        {"teacher": {"members": ["oracle"]}},
        {"deliver": "pizza"},
        {"supplies": ["magic"]},
        {"supplies": [{"bok": "rules.yaml"}]},
        {"constraints": [{"unequal": ["card"]}]},
        {"metrics": {"points": [{"precison": 0.5}]}},
        {"data": {"source": "payments.csv", "tarjet": "fraud"}},
        {"data": {"target": "fraud"}},
    ],
)
def test_what_a_run_refuses_is_marked(wrong: dict[str, Any]) -> None:
    assert faults(RUN | wrong, editor_schema())


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_says_whose_it_is(kind: str) -> None:
    assert is_ours(editor_schema(kind))
    assert not is_ours({"title": "something else"})


def test_another_kind_is_refused() -> None:
    with pytest.raises(ConfigError, match="run, compare, tune"):
        editor_schema("fly")
