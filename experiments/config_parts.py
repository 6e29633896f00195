"""Sections of a configuration that name a part and give its settings: learner, generator and teacher."""

import math
from collections.abc import Sequence
from dataclasses import MISSING, fields, replace
from typing import Annotated, Any, Self, get_type_hints

import numpy as np
from pydantic import (
    AllowInfNan,
    BaseModel,
    ConfigDict,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from experiments.compose import LEARNERS, augmented_of, pick
from experiments.files import digests
from generators import CATALOGUE, kind_of
from loop.errors import ConfigError
from loop.protocols import Generator, Learner
from loop.types import Column, Schema, Table

AnyFloat = Annotated[float, AllowInfNan(True)]  # checked where its meaning is known, with a clearer sentence
Arguments = dict[str, bool | int | AnyFloat | str]


def as_rule(message: str) -> str:
    """Turn a message of pydantic into the rule of a sentence."""
    return message.replace("Input should", "must", 1)


def as_list(key: str, entries: object) -> Sequence[object]:
    """Return the entries of a list, which text is not."""
    if not isinstance(entries, (list, tuple)):
        raise ConfigError(f"{key} must be a list, got {entries!r}: begin each with a dash.")
    return entries


def _generator_name(name: str) -> str:
    """Refuse what wraps another generator: those of the catalogue that need it do so themselves."""
    pick("generator", name, {each: home for each, home in CATALOGUE.items() if each != "reject"})
    return name


def _learner_name(name: str, section: str = "learner") -> str:
    pick(section, name, LEARNERS)
    return name


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def check_settings(section: str, name: str, kind: type, settings: Arguments) -> None:
    """Check the arguments of a part's class by name, type and completeness."""
    hints, known = get_type_hints(kind), [field for field in fields(kind) if field.init]
    allowed = [field.name for field in known]
    for key, value in settings.items():
        if key not in allowed:
            raise ConfigError(
                f"{section}.settings of {name} may hold {', '.join(allowed)}, got {key!r}: remove or correct it."
            )
        if isinstance(value, float) and not math.isfinite(value):
            raise ConfigError(f"{section}.settings.{key} must be a finite number, got {value!r}: correct it.")
        try:
            TypeAdapter(hints[key]).validate_python(value)
        except ValidationError as error:
            rule = as_rule(error.errors()[0]["msg"])
            raise ConfigError(f"{section}.settings.{key} {rule}, got {value!r}: correct it.") from error
    needed = [field.name for field in known if field.default is field.default_factory is MISSING]
    if missing := [key for key in needed if key not in settings]:
        raise ConfigError(f"{section}.settings of {name} must hold {', '.join(needed)}, got none: give {missing[0]}.")


class LearnerConfig(Section):
    """The model to be delivered; settings are the arguments of its class."""

    name: str = "xgboost"
    settings: Arguments = {}

    @model_validator(mode="after")
    def _fits(self) -> Self:
        check_settings("learner", self.name, LEARNERS[_learner_name(self.name)], self.settings)
        if self.settings:
            _try_out(self.make(), self.name)
        return self

    def make(self) -> Learner:
        return LEARNERS[self.name](**self.settings)


class AugmentedConfig(Section):
    """The learner for tables with new rows; settings go over those that `augmented_of` derives from the learner.

    A name of another kind of learner begins from the defaults of that kind.
    """

    name: str | None = None  # None = as the learner
    settings: Arguments = {}

    def make(self, learner: LearnerConfig) -> Learner | None:
        """Return a new learner, None = as `augmented_of` derives it.

        Raises
        ------
        ConfigError
            If name or settings do not suit.
        """
        if self.name is None and not self.settings:
            return None
        name = _learner_name(self.name or learner.name, "augmented_learner")
        check_settings("augmented_learner", name, LEARNERS[name], self.settings)
        plain: Any = augmented_of(learner.make()) if name == learner.name else LEARNERS[name]()
        made: Learner = replace(plain, **self.settings)
        return made

    def check(self, learner: LearnerConfig) -> None:
        """Refuse what does not suit the learner."""
        if (made := self.make(learner)) is not None:
            _try_out(made, self.name or learner.name, "augmented_learner")


class GeneratorConfig(Section):
    """The source of new rows; without a name the strategy's. Settings are the arguments of its class."""

    name: str | None = None
    settings: Arguments = {}

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.name is not None:
            check_settings("generator", _generator_name(self.name), kind_of(self.name), self.settings)
            self.make()
        elif self.settings:
            raise ConfigError(f"generator.settings need a generator.name, got only {self.settings}: name one.")
        return self

    def make(self) -> Generator | None:
        """Return a new generator, None = the strategy's own."""
        if self.name is None:
            return None
        made: Generator = kind_of(self.name)(**self.settings)
        return made

    def files(self) -> dict[str, str]:
        """Return digests of the files that settings name, a rule book say: what they hold is part of the setting."""
        return digests(value for value in self.settings.values() if isinstance(value, str))


class TeacherConfig(Section):
    """The committee that labels new rows; without members the default one."""

    members: tuple[str, ...] = ()

    @field_validator("members")
    @classmethod
    def _known(cls, members: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_learner_name(name) for name in members)


def _try_out(learner: Learner, name: str, section: str = "learner") -> None:
    """Fit a toy table, so that settings a library refuses come to light before hours of work."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((40, 2)), np.arange(40) % 2
    schema = Schema((Column("a", "numeric", "float64"), Column("b", "numeric", "float64")), classes=(0, 1))
    try:
        learner.fit(Table.real(X, y, schema), rng).predict_proba(X)
    except (ValueError, TypeError, RuntimeError, ArithmeticError, LookupError, NameError) as error:
        why = " ".join(str(error).split())[:200]
        raise ConfigError(f"{section}.settings must suit {name}, and it says {why!r}: correct them.") from error
