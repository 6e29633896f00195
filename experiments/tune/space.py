"""The space of a search: dimensions under the dotted keys of a run's configuration."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from experiments.config.run_config import RunConfig
from experiments.config.strategies import augmented_of
from loop.errors import ConfigError

if TYPE_CHECKING:
    import optuna

Scalar = bool | int | float | str | None
Value = Scalar | tuple[str, ...]

SECTIONS = ("loop", "learner", "augmented_learner", "generator", "teacher")
# These set the judge rows and the speed, not the quality: trials that differ in them cannot be compared.
FIXED = ("loop.seed", "loop.lanes", "loop.jobs")

COMMON: Mapping[str, object] = {
    "loop.strategy": ["targeted", "doubt", "disagreement", "untargeted"],
    "loop.share_anywhere": [None, 0.0, 0.25, 0.75, 1.0],
    "loop.generations": {"low": 1, "high": 8},
    "loop.budget": {"low": 0.1, "high": 2.0, "log": True},
    "loop.pool": {"low": 2, "high": 16, "log": True},
    "generator.name": [None, "neighbourhood", "copula", "tree_chain"],
}
CAPACITY: Mapping[str, Mapping[str, object]] = {
    "xgboost": {
        "augmented_learner.settings.trees": {"low": 100, "high": 1000, "log": True},
        "augmented_learner.settings.depth": {"low": 4, "high": 10},
        "augmented_learner.settings.rate": {"low": 0.02, "high": 0.2, "log": True},
    },
    "forest": {"learner.settings.min_leaf": {"low": 1, "high": 20, "log": True}},
    "extra_trees": {"learner.settings.min_leaf": {"low": 1, "high": 20, "log": True}},
    "linear": {"learner.settings.C": {"low": 0.001, "high": 100.0, "log": True}},
    "catboost": {"learner.settings.depth": {"low": 3, "high": 10}},
    "lightgbm": {"learner.settings.leaves": {"low": 4, "high": 127, "log": True}},
    "mlp": {"learner.settings.hidden": {"low": 16, "high": 128, "log": True}},
}


@dataclass(frozen=True)
class Range:
    """Numbers between two ends; whole numbers if both ends and the value to start from are whole."""

    low: float
    high: float
    log: bool = False
    whole: bool = False

    @property
    def probes(self) -> tuple[Value, ...]:
        """Values to check against the rules of a run: both ends and, unless ``whole``, a fraction between them."""
        between = self.low + (self.high - self.low) / math.e
        return (self.low, self.high) if self.whole else (self.low, between, self.high)

    def suggest(self, key: str, trial: optuna.Trial) -> Scalar:
        """Ask a trial for a value."""
        suggest = trial.suggest_int if self.whole else trial.suggest_float
        suggested: Scalar = suggest(key, self.low, self.high, log=self.log)
        return suggested

    def stored(self, value: Value) -> Scalar:
        """Return a value in the form that Optuna stores."""
        return value if not isinstance(value, tuple) else None

    def value(self, stored: Scalar) -> Value:
        """Return the value of a stored form."""
        return stored

    def including(self, key: str, value: Value) -> Range:
        """Return a range that includes a value.

        Raises
        ------
        ConfigError
            If the value is no number, or not above 0 on a logarithmic scale.
        """
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ConfigError(f"space.{key} must list its choices or begin from a number, got {value!r}: set {key}.")
        if self.log and value <= 0:
            raise ConfigError(
                f"space.{key} must begin from above 0 if log, got {value!r}: set {key} higher or leave log out."
            )
        whole = self.whole and isinstance(value, int)
        return replace(self, low=min(self.low, value), high=max(self.high, value), whole=whole)


@dataclass(frozen=True)
class Choices:
    """A list of values; Optuna stores tuples as text."""

    values: tuple[Value, ...]

    @property
    def probes(self) -> tuple[Value, ...]:
        """All values, each to check against the rules of a run."""
        return self.values

    def suggest(self, key: str, trial: optuna.Trial) -> Scalar:
        """Ask a trial for a value."""
        suggested: Scalar = trial.suggest_categorical(key, [self.stored(value) for value in self.values])
        return suggested

    def stored(self, value: Value) -> Scalar:
        """Return a value in the form that Optuna stores."""
        return ", ".join(value) if isinstance(value, tuple) else value

    def value(self, stored: Scalar) -> Value:
        """Return the value of a stored form."""
        return next(value for value in self.values if self.stored(value) == stored)

    def including(self, key: str, value: Value) -> Choices:
        """Return choices that include a value."""
        return self if value in self.values else Choices((value, *self.values))


Dimension = Range | Choices


def default_space(learner: str, arrays: bool = False) -> dict[str, object]:
    """Return the default space: settings of the loop and, for learners known here, their capacity.

    Of rows with arrays the generator is not varied: most make columns alone.
    """
    common = {key: values for key, values in COMMON.items() if not (arrays and key == "generator.name")}
    return {**common, **CAPACITY.get(learner, {})}


def read_dimension(key: str, content: object) -> Dimension:
    """Read one entry of ``space``: a list of choices, or ``{low: 0.1, high: 2.0, log: true}``.

    Raises
    ------
    ConfigError
        If it is neither, or a search may not vary the key.
    """
    sections = key.split(".")
    deep = len(sections) == 3 and sections[1] == "settings"
    if sections[0] not in SECTIONS or not (len(sections) == 2 or deep):
        raise ConfigError(
            f"space must vary keys of {', '.join(SECTIONS)}, such as loop.budget or learner.settings.trees, "
            f"got {key!r}: correct it."
        )
    if key in FIXED:
        raise ConfigError(f"space must leave {', '.join(FIXED)} alone, got {key!r}: set it under loop instead.")
    if isinstance(content, (list, tuple)):
        return _choices(key, content)
    if isinstance(content, Mapping):
        return _range(key, content)
    raise ConfigError(f"space.{key} must be a list of choices or have low and high, got {content!r}: correct it.")


def starting_value(run: RunConfig, key: str) -> Value:
    """Return the value of a configuration under a dotted key; settings of parts default to those of their class."""
    *sections, name = key.split(".")
    if sections[1:] == ["settings"]:
        if sections[0] == "augmented_learner":
            made: object = run.augmented_learner.make(run.learner) or augmented_of(run.learner.make())
        else:
            made = getattr(run, sections[0]).make()
        found = getattr(made, name, None)
    else:
        found = getattr(getattr(run, sections[0]), name)
    value: Value = found
    return value


def placed(content: Mapping[str, Any], values: Mapping[str, Value]) -> dict[str, Any]:
    """Return the content of a configuration with the values set under their dotted keys."""
    changed = copy.deepcopy(dict(content))
    for key, value in values.items():
        *sections, name = key.split(".")
        inner = changed
        for section in sections:
            inner = inner.setdefault(section, {})
        inner[name] = value
    return changed


def _choices(key: str, content: list[Any] | tuple[Any, ...]) -> Choices:
    values = tuple(tuple(map(str, each)) if isinstance(each, list) else each for each in content)
    plain = all(value is None or isinstance(value, (bool, int, float, str, tuple)) for value in values)
    stored = [Choices(values).stored(value) for value in values]
    if not (plain and values) or any(value in stored[:position] for position, value in enumerate(stored)):
        raise ConfigError(f"space.{key} must list different values or lists of names, got {content!r}: correct it.")
    return Choices(values)


def _range(key: str, content: Mapping[str, Any]) -> Range:
    if not {"low", "high"} <= set(content) <= {"low", "high", "log"}:
        raise ConfigError(f"space.{key} must have low, high and perhaps log, got {', '.join(content)}: correct it.")
    low, high, log = content["low"], content["high"], content.get("log", False)
    numbers = all(isinstance(end, (int, float)) and not isinstance(end, bool) for end in (low, high))
    if not numbers or not isinstance(log, bool) or not -math.inf < low < high < math.inf or (log and low <= 0):
        raise ConfigError(
            f"space.{key} must go from a low to a higher number, both finite, from above 0 if log, "
            f"got {dict(content)}: correct it."
        )
    return Range(low, high, log, whole=isinstance(low, int) and isinstance(high, int))
