"""Checks of settings that parts share."""

import math
from collections.abc import Mapping, Sequence

from loop.errors import ConfigError


def check_bounds(
    part: object, *, least: Mapping[str, float], shares: Sequence[str] = (), positive: Sequence[str] = ()
) -> None:
    """Refuse settings of a finder, learner or generator that are out of range.

    Parameters
    ----------
    least
        Lowest value by name of a setting.
    shares
        Names of settings above 0 and at most 1.
    positive
        Names of settings above 0, and finite.

    Raises
    ------
    ConfigError
        With the first that is out of its range.
    """
    for name, lowest in least.items():
        if not getattr(part, name) >= lowest:
            raise ConfigError(f"{name} must be at least {lowest}, got {getattr(part, name)}: raise it.")
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
