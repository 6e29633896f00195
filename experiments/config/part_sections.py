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
    Field,
    PydanticSchemaGenerationError,
    SerializerFunctionWrapHandler,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_serializer,
    model_validator,
)

from experiments.config.old_keys import check_old
from experiments.config.strategies import augmented_of
from experiments.data.files import digests
from generators import GENERATORS
from learners import LEARNERS
from loop.catalogue import check_name
from loop.encoders import reads
from loop.errors import ConfigError
from loop.protocols import Generator, Learner, Private
from loop.rows import Rows
from loop.support.setting_checks import MOST
from loop.types import Column, Schema, Table

AnyFloat = Annotated[float, AllowInfNan(True)]  # infinities get a clearer message where the meaning is known
LARGEST = 2**63 - 1  # of an integer that libraries take
# Of an input: its licence, such as CC-BY-4.0 or an address; one line on who made it and where it is from. Both are
# carried to all that is made from it, see `experiments.trust.provenance`.
MOST_OF_LINE = 500
Line = Annotated[str | None, Field(max_length=MOST_OF_LINE)]
Arguments = dict[str, bool | int | AnyFloat | str]


def as_rule(message: str) -> str:
    """Turn a message of pydantic into the rule part of our error sentence."""
    return message.replace("Input should", "must", 1)


def as_list(key: str, entries: object) -> Sequence[object]:
    """Return the entries of a list; text is refused.

    Raises
    ------
    ConfigError
        If it is no list.
    """
    if not isinstance(entries, (list, tuple)):
        raise ConfigError(f"{key} must be a list, got {entries!r}: begin each with a dash.")
    return entries


class Section(BaseModel):
    """A frozen section of a configuration that refuses unknown keys and infinite numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def check_settings(section: str, name: str, kind: type, settings: Arguments) -> None:
    """Check the arguments of a part's class by name, type and completeness.

    Parameters
    ----------
    section : str
        Section of the configuration, named in errors.
    name : str
        Name of the part, named in errors.
    kind : type
        Class of the part, a dataclass.
    settings : dict
        Arguments by name.

    Raises
    ------
    ConfigError
        If an argument is unknown, missing or of the wrong type.
    """
    try:
        hints = get_type_hints(kind)
    except NameError as error:  # `typing.get_type_hints`: another package imports the type for checkers only
        raise ConfigError(f"{section} {name} must import the types of its fields, and {error}: repair it.") from error
    known = [field for field in fields(kind) if field.init]
    allowed = [field.name for field in known]
    for key, value in settings.items():
        if key not in allowed:
            check_old(key, f"{section}.settings")
            raise ConfigError(
                f"{section}.settings of {name} may hold {', '.join(allowed)}, got {key!r}: remove or correct it."
            )
        if isinstance(value, float) and not math.isfinite(value):
            raise ConfigError(f"{section}.settings.{key} must be a finite number, got {value!r}: correct it.")
        if isinstance(value, int) and abs(value) > LARGEST:
            raise ConfigError(f"{section}.settings.{key} must fit in 64 bits, got {value.bit_length() + 1}: lower it.")
        try:
            TypeAdapter(hints[key]).validate_python(value, strict=True)  # the part gets the value as it is
        except PydanticSchemaGenerationError as error:
            raise ConfigError(
                f"{section}.settings.{key} of {name} must be given in Python, got {value!r}: leave it out."
            ) from error
        except ValidationError as error:
            rule = as_rule(error.errors()[0]["msg"])
            raise ConfigError(f"{section}.settings.{key} {rule}, got {value!r}: correct it.") from error
    needed = [field.name for field in known if field.default is field.default_factory is MISSING]
    if missing := [key for key in needed if key not in settings]:
        raise ConfigError(f"{section}.settings of {name} must hold {', '.join(needed)}, got none: give {missing[0]}.")


class LearnerConfig(Section):
    """The model to be delivered; settings are the arguments of its class.

    A learner that nobody chose is not written out: rows with arrays have another usual learner, see
    `experiments.arms.forms`.
    """

    name: str = "xgboost"
    settings: Arguments = {}

    @model_validator(mode="after")
    def _fits(self) -> Self:
        check_settings("learner", self.name, LEARNERS.kind(LEARNERS.admit(self.name)), self.settings)
        if self.settings and reads(LEARNERS.kind(self.name)) is None:  # a toy table has no arrays
            try_out(self.make(), self.name)
        return self

    @model_serializer(mode="wrap")
    def _as_told(self, written: SerializerFunctionWrapHandler) -> dict[str, Any]:
        content: dict[str, Any] = written(self)
        return content if self.is_told else {}

    @property
    def is_told(self) -> bool:
        """Tell whether somebody chose the learner, by its name or by settings."""
        return bool({"name", "settings"} & self.model_fields_set)

    def make(self) -> Learner:
        """Return a new learner."""
        return LEARNERS.make(LEARNERS.admit(self.name), **self.settings)


class AugmentedConfig(Section):
    """The learner for tables with new rows; its settings replace those that `augmented_of` derives from the learner.

    If the name is of another kind than the learner, the other settings are the defaults of that kind.
    """

    name: str | None = None  # None = as the learner
    settings: Arguments = {}

    def make(self, learner: LearnerConfig) -> Learner | None:
        """Return a new learner, None = as `augmented_of` derives it.

        Raises
        ------
        ConfigError
            If there is no learner of this name, or the settings do not suit it.
        """
        if self.name is None and not self.settings:
            return None
        name = check_name("augmented_learner", LEARNERS.admit(self.name or learner.name), LEARNERS.names())
        check_settings("augmented_learner", name, LEARNERS.kind(name), self.settings)
        plain: Any = augmented_of(learner.make()) if name == learner.name else LEARNERS.make(name)
        made: Learner = replace(plain, **self.settings)
        return made

    def check(self, learner: LearnerConfig) -> None:
        """Raise ConfigError if name or settings do not suit the learner."""
        if (made := self.make(learner)) is not None and reads(made) is None:
            try_out(made, self.name or learner.name, "augmented_learner")


class GeneratorConfig(Section):
    """The source of new rows; without a name the strategy's. Settings are the arguments of its class."""

    name: str | None = None
    settings: Arguments = {}

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.name is not None:
            check_settings("generator", self.name, GENERATORS.kind(GENERATORS.admit(self.name)), self.settings)
            if isinstance(self.make(), Private):
                raise ConfigError(
                    f"generator {self.name} must stand alone: regions, gates and a teacher fitted on the same rows "
                    f"would void its promise. Use weakspot generate --data FILE --generator {self.name}."
                )
        elif self.settings:
            raise ConfigError(f"generator.settings need a generator.name, got only {self.settings}: name one.")
        return self

    def make(self) -> Generator | None:
        """Return a new generator, None = the strategy's own."""
        return None if self.name is None else GENERATORS.make(GENERATORS.admit(self.name), **self.settings)

    def files(self) -> dict[str, str]:
        """Return digests of the files that settings name, such as a rule book: the content counts as a setting."""
        return digests(value for value in self.settings.values() if isinstance(value, str))


class TeacherConfig(Section):
    """The committee that labels new rows; without members, the default committee.

    Settings are the arguments of the classes of members, by their names.
    """

    members: tuple[str, ...] = Field(default=(), max_length=int(MOST["members"]))
    settings: dict[str, Arguments] = {}

    @field_validator("members")
    @classmethod
    def _known(cls, members: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(LEARNERS.check(LEARNERS.admit(name)) for name in members)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for name, settings in self.settings.items():
            if name not in self.members:
                told = ", ".join(self.members) or "none"
                raise ConfigError(f"teacher.settings may hold the members ({told}), got {name!r}: add it to them.")
            check_settings("teacher", name, LEARNERS.kind(name), settings)
            LEARNERS.make(name, **settings)
        return self

    def make(self) -> tuple[Learner, ...]:
        """Return new members; none = those of the default committee."""
        return tuple(LEARNERS.make(LEARNERS.admit(name), **self.settings.get(name, {})) for name in self.members)

    def files(self) -> dict[str, str]:
        """Return digests of the files that settings name, such as the weights of a foundation model."""
        return digests(value for each in self.settings.values() for value in each.values() if isinstance(value, str))


def try_out(learner: Learner, name: str, section: str = "learner") -> None:
    """Fit a toy table, so that settings a library refuses are found before any long work."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((40, 2)), np.arange(40) % 2
    schema = Schema((Column("a", "numeric", "float64"), Column("b", "numeric", "float64")), classes=(0, 1))
    try:
        learner.fit(Table.real(X, y, schema), rng).predict_proba(Rows(X))
    except (ValueError, RuntimeError, OverflowError, MemoryError) as error:
        # ValueError: scikit-learn's checks and XGBoostError; RuntimeError: torch, for a size that it cannot allocate;
        # OverflowError: numpy.random and scikit-learn, for an integer that C cannot hold; MemoryError: any of them
        why = " ".join(str(error).split())[:200]
        raise ConfigError(f"{section}.settings must suit {name}, and it says {why!r}: correct them.") from error
