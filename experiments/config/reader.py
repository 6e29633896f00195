"""Reading a configuration from a YAML file, from options that override it, or both; errors are one sentence."""

from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from experiments.config.data_config import DataConfig
from experiments.config.part_sections import as_rule
from experiments.config.run_config import CommonConfig, CompareConfig, RunConfig
from experiments.config.supplies import MAPPINGS, STATED
from experiments.data.files import is_table
from loop.errors import ConfigError
from loop.support.commands import command
from loop.support.strict_yaml import cause, read_file

Config = TypeVar("Config", bound=CommonConfig)
Model = TypeVar("Model", bound=BaseModel)
UNKNOWN, MISSING = ("extra_forbidden", "invalid_key"), "missing"  # pydantic's names of faults; the second: no text
ENTRIES: Mapping[str, type[BaseModel]] = {"sources": DataConfig}  # of lists; those of supplies are of several kinds


def load_config(model: type[Config], path: Path | None, overrides: Mapping[str, object] | None = None) -> Config:
    """Read and check a configuration.

    Parameters
    ----------
    model : type
        Class of the configuration.
    path : Path or None
        YAML file; None = options alone.
    overrides : mapping of str to object, optional
        Values by dotted key, such as ``{"loop.seed": 3}``; they override the file, and None counts as not given.

    Raises
    ------
    ConfigError
        If the file cannot be read, a key is unknown, or a value breaks a rule.
    """
    content = _read(path) if path is not None else {}
    for key, value in (overrides or {}).items():
        if value is not None:
            section, _, name = key.rpartition(".")
            inner = content.setdefault(section, {}) if section else content
            if isinstance(inner, dict):  # otherwise the validation below reports the section
                inner[name] = value
    return validated(model, content, path)


def validated(model: type[Model], content: object, path: Path | None = None) -> Model:
    """Check the content of a configuration, or of one of its sections.

    Parameters
    ----------
    model : type
    content : object
        As YAML holds it.
    path : Path, optional
        File that it is from, for the message.

    Raises
    ------
    ConfigError
        If a key is unknown, or a value breaks a rule.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        where = f"in {path}" if path is not None else "on the command line"
        raise ConfigError(sentence(error, model, where)) from error


def dump(config: RunConfig | CompareConfig) -> str:
    """Return a configuration with all defaults as YAML, to repeat the run."""
    text: str = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    return text


def _read(path: Path) -> dict[str, Any]:
    if is_table(path):
        begin = command("init", path, "--target", "COLUMN")
        raise ConfigError(f"a configuration must be a YAML file, and {path} is a table: begin one with {begin}.")
    try:
        content = read_file(path)
    except OSError as error:
        raise ConfigError(f"a configuration must be a YAML file, and {path} is none: check the path.") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"a configuration must be valid YAML, {path} is not ({cause(error)}): correct it.") from error
    if not isinstance(content, dict):
        raise ConfigError(
            f"a configuration must hold keys and values, got {str(content)[:60]!r} in {path}: see configs/demo.yaml."
        )
    return content


def sentence(error: ValidationError, model: type[BaseModel], where: str) -> str:
    """Write one error in one sentence: an unknown key first, as the key that is missing may be the one misspelt.

    Parameters
    ----------
    error : ValidationError
    model : type
        Class of the configuration.
    where : str
        Place to correct it, such as ``in FILE``.
    """
    faults = error.errors()
    fault = next((each for each in faults if each["type"] in UNKNOWN), faults[0])
    own = fault.get("ctx", {}).get("error")
    if isinstance(own, ConfigError):
        return str(own)
    place, kind = list(fault["loc"]), STATED
    if place[0] == "supplies" and place[2:3] and place[2] in MAPPINGS:
        kind = str(place.pop(2))  # which kind of supply was recognised is no key
    if fault["type"] in UNKNOWN:
        lost = {each["loc"][-1] for each in faults if each["type"] == MISSING and each["loc"][:-1] == fault["loc"][:-1]}
        return _unknown(place, model, _supply(kind, lost), where)
    key = ".".join(map(str, place))
    if fault["type"] == MISSING:
        way_out = "name a file or source with --data" if key in ("data", "data.source") else f"add it {where}"
        return f"{key} must be given, got none: {way_out}."
    return f"{key} {as_rule(fault['msg'])}, got {fault['input']!r}: correct it {where}."


def _unknown(place: list[str | int], model: type[BaseModel], supplies: Sequence[type[BaseModel]], where: str) -> str:
    """Say which keys a section may hold, and which of them may be meant."""
    *outer, last = place
    if outer[:1] == ["supplies"]:
        allowed = [name for each in supplies for name in each.model_fields]
    else:
        allowed = list(_section(model, outer, ENTRIES).model_fields)
    names = list(dict.fromkeys(allowed))
    section = ".".join(map(str, outer)) or "a configuration"
    near = get_close_matches(str(last), names, n=1)
    way_out = f" {where}: did you mean {near[0]}?" if near else f": correct it {where}."
    return f"{section} may hold {', '.join(names)}, got {last!r}{way_out}"


def _supply(kind: str, lost: Collection[object]) -> Sequence[type[BaseModel]]:
    """Return the models of an entry of supplies; any where the key is missing by which its kind is known."""
    return list(MAPPINGS.values()) if kind == STATED and "book" in lost else [MAPPINGS[kind]]


def _section(model: type[BaseModel], path: list[str | int], entries: Mapping[str, type[BaseModel]]) -> type[BaseModel]:
    """Find the model of a section; list positions lead to the model of the entries."""
    for name in path:
        if isinstance(name, str):
            inner = model.model_fields[name].annotation
            model = entries.get(name, inner)  # type: ignore[arg-type]
    return model
