"""What a user states of a table before anybody has looked at it: columns, kinds, ranges, categories and classes."""

from pathlib import Path
from typing import Literal, Self

import numpy as np
import yaml
from pydantic import Field, model_validator

from experiments.config.part_sections import Section
from experiments.config.reader import validated
from loop.errors import ConfigError
from loop.support.strict_yaml import cause, read_file
from loop.types import Column, Schema

Value = bool | int | float | str
DTYPES = {str: ("str", "str"), bool: ("bool", "boolean"), int: ("int64", "Int64"), float: ("float64", "float64")}
ORDERED = {"numeric": ("float64", "float64"), "integer": ("int64", "Int64"), "boolean": ("bool", "boolean")}


class StatedColumn(Section):
    """A column: its kind and, where known without looking, its range or categories; what is left out is bought."""

    kind: Literal["numeric", "integer", "boolean", "categorical"]
    low: float | None = None
    high: float | None = None
    decimals: int | None = Field(default=None, ge=0, le=6)
    categories: tuple[Value, ...] = ()
    missing: bool = False

    @model_validator(mode="after")
    def _fits(self) -> Self:
        ordered = self.kind in ("numeric", "integer")
        if not ordered and not self.low is self.high is self.decimals is None:
            raise ConfigError(f"low, high and decimals are of numbers, and the kind is {self.kind}: leave them out.")
        if self.categories and self.kind != "categorical":
            raise ConfigError(f"categories are of kind categorical, and the kind is {self.kind}: leave them out.")
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise ConfigError(f"low must be below high, got {self.low:g} and {self.high:g}: correct them.")
        _check_apart("categories", self.categories)
        return self

    def column(self, name: str) -> Column:
        """Return the column; what is not stated is infinite, or without categories."""
        if self.kind == "categorical":
            top = max(len(self.categories) - 1.0, 0.0)
            dtype = dtype_of(self.categories, missing=self.missing)
            return Column(name, self.kind, dtype, 0.0, top, self.categories, self.missing)
        dtype = ORDERED[self.kind][self.missing]
        if self.kind == "boolean":
            return Column(name, self.kind, dtype, 0.0, 1.0, missing=self.missing)
        low, high = (-np.inf if self.low is None else self.low), (np.inf if self.high is None else self.high)
        return Column(name, self.kind, dtype, low, high, missing=self.missing, decimals=self.decimals)


class Statement(Section):
    """A table, as stated by its user: the target with its classes, and each column that is to be made."""

    target: str
    classes: tuple[Value, ...] = Field(min_length=2, max_length=1000)
    columns: dict[str, StatedColumn] = Field(min_length=1)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.target in self.columns:
            raise ConfigError(f"columns must not hold the target, {self.target[:60]!r}: leave it out there.")
        _check_apart("classes", self.classes)
        return self

    @property
    def bought_categories(self) -> tuple[str, ...]:
        """Return the columns whose categories are not stated."""
        return tuple(name for name, of in self.columns.items() if of.kind == "categorical" and not of.categories)

    def stated_schema(self) -> Schema:
        """Return the schema, in the order of the statement."""
        columns = tuple(stated.column(name) for name, stated in self.columns.items())
        return Schema(columns, self.classes, len(self.classes) - 1, self.target, (), dtype_of(self.classes))


def statement_of(path: Path) -> Statement:
    """Read a statement from YAML or JSON.

    Raises
    ------
    ConfigError
        If it cannot be read, or breaks a rule.
    """
    try:
        content = read_file(path)
    except (OSError, yaml.YAMLError) as error:
        why = cause(error) if isinstance(error, yaml.YAMLError) else error.strerror or type(error).__name__
        raise ConfigError(
            f"--schema must be a YAML file that states columns and classes, {path} is not ({why}): see docs/trust.md."
        ) from error
    return validated(Statement, content, path)


def spelled(value: object) -> str:
    """Return how a value is compared with a stated one: 1, 1.0 and "1" are one value, whatever else there is."""
    if isinstance(value, bool | np.bool_):
        return str(value).lower()
    text = str(value).strip()
    if text in ("True", "False"):
        return text.lower()
    try:
        return repr(float(text))
    except ValueError:
        return text


def dtype_of(values: tuple[Value, ...], *, missing: bool = False) -> str:
    """Return the pandas dtype of stated values, which are all of one type; text, if there are none."""
    return DTYPES[type(values[0]) if values else str][missing]


def _check_apart(what: str, values: tuple[Value, ...]) -> None:
    if len({type(value) for value in values}) > 1:
        raise ConfigError(f"{what} must be all text, all whole numbers or all of another kind, and differ: quote them.")
    known = [spelled(value) for value in values]
    if twice := [each for each in known if known.count(each) > 1]:  # which may be the empty text
        raise ConfigError(f"{what} must differ, and {twice[0][:60]!r} is there twice: 1, 1.0 and '1' are the same.")
