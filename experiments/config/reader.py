"""Reading a configuration from a YAML file, from options that override it, or both; errors are one sentence."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from experiments.config.data_config import DataConfig
from experiments.config.part_sections import as_rule
from experiments.config.run_config import CommonConfig, CompareConfig, RunConfig
from experiments.config.supplies import MAPPINGS, STATED
from loop.errors import ConfigError
from loop.support.strict_yaml import cause, read_file

Config = TypeVar("Config", bound=CommonConfig)
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
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise ConfigError(_sentence(error, model, path)) from error


def dump(config: RunConfig | CompareConfig) -> str:
    """Return a configuration with all defaults as YAML, to repeat the run."""
    text: str = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    return text


def _read(path: Path) -> dict[str, Any]:
    try:
        content = read_file(path)
    except OSError as error:
        raise ConfigError(f"a configuration must be a YAML file, and {path} is none: check the path.") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"a configuration must be valid YAML, {path} is not ({cause(error)}): correct it.") from error
    if not isinstance(content, dict):
        raise ConfigError(
            f"a configuration must hold keys and values, got {content!r} in {path}: see configs/demo.yaml."
        )
    return content


def _sentence(error: ValidationError, model: type[BaseModel], path: Path | None) -> str:
    """Write the first error in one sentence."""
    fault = error.errors()[0]
    own = fault.get("ctx", {}).get("error")
    if isinstance(own, ConfigError):
        return str(own)
    place, kind = list(fault["loc"]), STATED
    if place[0] == "supplies" and place[2:3] and place[2] in MAPPINGS:
        kind = str(place.pop(2))  # which kind of supply was recognised is no key
    *outer, last = place
    key = ".".join(map(str, place))
    where = f"in {path}" if path is not None else "on the command line"
    if fault["type"] == "extra_forbidden":
        allowed = ", ".join(_section(model, outer, {**ENTRIES, "supplies": MAPPINGS[kind]}).model_fields)
        return f"{'.'.join(map(str, outer)) or 'a configuration'} may hold {allowed}, got {last!r}: correct it {where}."
    if fault["type"] == "missing":
        way_out = "name a file or source with --data" if key in ("data", "data.source") else f"add it {where}"
        return f"{key} must be given, got none: {way_out}."
    return f"{key} {as_rule(fault['msg'])}, got {fault['input']!r}: correct it {where}."


def _section(model: type[BaseModel], path: list[str | int], entries: Mapping[str, type[BaseModel]]) -> type[BaseModel]:
    """Find the model of a section; list positions lead to the model of the entries."""
    for name in path:
        if isinstance(name, str):
            inner = model.model_fields[name].annotation
            model = entries.get(name, inner)  # type: ignore[arg-type]
    return model
