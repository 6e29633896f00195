"""Checks of settings that parts share."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass

from loop.errors import ConfigError


def check_bounds(
    part: object,
    *,
    least: Mapping[str, float],
    most: Mapping[str, float] | None = None,
    shares: Sequence[str] = (),
    positive: Sequence[str] = (),
) -> None:
    """Raise an error if a setting of a finder, learner or generator is out of range.

    Parameters
    ----------
    part : object
        The dataclass with the settings.
    least : mapping of str to float
        Lowest value by name of the setting; settings with a whole number as default must be whole.
    most : mapping of str to float
        Highest value by name, of settings that are in ``least``, too.
    shares : sequence of str
        Names of settings above 0 and at most 1.
    positive : sequence of str
        Names of settings above 0, and finite.

    Raises
    ------
    ConfigError
        For the first setting that is out of its range.
    """
    whole = {each.name for each in fields(part) if type(each.default) is int} if is_dataclass(part) else set()
    for name, lowest in least.items():
        value = getattr(part, name)
        if not value >= lowest:
            raise ConfigError(f"{name} must be at least {lowest}, got {value}: raise it.")
        if value == math.inf or (name in whole and value != int(value)):
            raise ConfigError(
                f"{name} must be a {'whole' if name in whole else 'finite'} number, got {value}: correct it."
            )
    for name, highest in (most or {}).items():
        if not getattr(part, name) <= highest:
            raise ConfigError(f"{name} must be at most {highest:,}, got {getattr(part, name):,}: lower it.")
    for name in shares:
        if not 0 < getattr(part, name) <= 1:
            raise ConfigError(
                f"{name} is a share and must be above 0 and at most 1, got {getattr(part, name)}: correct it."
            )
    for name in positive:
        if not 0 < getattr(part, name) < math.inf:
            raise ConfigError(
                f"{name} must be above 0 and finite, got {getattr(part, name)}: leave it out for the default."
            )
