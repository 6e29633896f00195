"""The JSON schema of configurations, by which editors complete keys and mark wrong ones.

It comes from the classes that check a configuration; what only their code knows (names of parts, bounds of the loop,
short forms) is added here. What it accepts may still be refused, as files and settings of parts are not looked at.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from experiments.arms.names import DELIVERABLE
from experiments.config.run_config import CommonConfig, CompareConfig, RunConfig
from experiments.config.strategies import STRATEGIES
from experiments.tune.config import TuneConfig
from generators import GENERATORS
from learners import LEARNERS
from loop.catalogue import PLACE, check_name
from loop.cycle.parts import Settings
from loop.data.date_parts import ALL, PARTS
from loop.supplies.supply import TAUGHT

KINDS: Mapping[str, type[CommonConfig]] = {"run": RunConfig, "compare": CompareConfig, "tune": TuneConfig}
DIALECT = "https://json-schema.org/draft/2020-12/schema"
BOUNDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "among": "enum"}
Schema = dict[str, Any]


def editor_schema(kind: str = "run") -> Schema:
    """Return the schema of the configuration of a command.

    Parameters
    ----------
    kind : str
        One of `KINDS`.

    Raises
    ------
    ConfigError
        If there is no such kind.
    """
    schema = KINDS[check_name("a schema", kind, KINDS)].model_json_schema()
    parts = schema["$defs"]
    for setting in fields(Settings):
        _bound(parts["LoopConfig"]["properties"][setting.name], setting.metadata)
    _named(parts["LoopConfig"], "strategy", STRATEGIES)
    _named(parts["LearnerConfig"], "name", LEARNERS.names(), own_code=True)
    _named(parts["AugmentedConfig"], "name", (*LEARNERS.names(), None), own_code=True)
    _named(parts["GeneratorConfig"], "name", (*GENERATORS.names(), None), own_code=True)
    parts["TeacherConfig"]["properties"]["members"]["items"] = parts["LearnerConfig"]["properties"]["name"]
    parts["DataConfig"]["properties"]["date_parts"] = _dates()
    own = schema["properties"]
    _named(schema, "deliver", DELIVERABLE)
    own["tracking"] = {"anyOf": [{"type": "string"}, {"type": "null"}], "default": "auto"}
    own["supplies"]["items"]["oneOf"][0] = {"enum": [TAUGHT, *STRATEGIES]}
    own["constraints"]["items"] = {"anyOf": [{"type": "string"}, _unique()]}
    if "sources" in own:
        own["sources"]["items"] = {"anyOf": [{"type": "string"}, own["sources"]["items"]]}
    if "strategies" in own:
        own["strategies"]["items"] = {"enum": list(STRATEGIES)}
    return {"$schema": DIALECT, **_without(schema, lambda key: key in ("title", "description")), "title": _title(kind)}


def _title(kind: str) -> str:
    return f"weakspot {kind}"


def is_ours(schema: object) -> bool:
    """Tell whether a record is such a schema, perhaps of another version."""
    return isinstance(schema, dict) and schema.get("title") in [_title(kind) for kind in KINDS]


def _bound(schema: Schema, bounds: Mapping[str, Any]) -> None:
    """Add the bounds of a setting; where it may also be something else, to its number."""
    target = next((each for each in schema.get("anyOf", []) if each["type"] in ("number", "integer")), schema)
    given: Mapping[str, Any] = {"ge": 0, "le": 1} if "share" in bounds else bounds
    for name, value in given.items():
        target[BOUNDS[name]] = list(value) if name == "among" else value


def _named(section: Schema, key: str, names: Any, own_code: bool = False) -> None:
    """Let a key have one of some names or, if wanted, the place of a class."""
    default = section["properties"][key].get("default")
    known: Schema = {"enum": list(names)}
    known = {"anyOf": [known, {"type": "string", "pattern": PLACE.pattern}]} if own_code else known
    section["properties"][key] = {**known, "default": default}


def _dates() -> Schema:
    """Return what may be said of dates: columns with a list of parts, one part or all; a list has columns alone."""
    part = {"enum": [*PARTS, ALL]}
    parts = {"anyOf": [part, {"type": "array", "items": part, "minItems": 1}]}
    columns = {"type": "array", "items": {"type": "string"}}
    return {"anyOf": [{"type": "object", "additionalProperties": parts}, columns], "default": {}}


def _unique() -> Schema:
    names = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
    return {"type": "object", "properties": {"unique": names}, "required": ["unique"], "additionalProperties": False}


def _without(schema: Any, left_out: Callable[[str], bool], names: bool = False) -> Any:
    """Leave out keywords at every level; ``names`` tells that the keys are names of properties and no keywords."""
    if isinstance(schema, list):
        return [_without(each, left_out) for each in schema]
    if not isinstance(schema, dict):
        return schema
    inner = ("properties", "$defs")
    return {
        key: _without(value, left_out, names=key in inner and not names)
        for key, value in schema.items()
        if names or not left_out(key)
    }
