"""Checks of settings that parts share, and what no setting exceeds: with more, work could only fail or never end."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from numbers import Real

from loop.errors import ConfigError

MOST: Mapping[str, float] = {  # by name of the setting, whatever the part
    **dict.fromkeys(("trees", "epochs", "passes", "tries", "most_draws"), 100_000),
    **dict.fromkeys(("steps", "least_steps", "most_steps", "batch"), 1_000_000),
    **dict.fromkeys(("hidden", "latent", "noise"), 8192),
    **dict.fromkeys(("levels", "copies", "folds", "estimators", "jobs", "pack"), 1024),
    **dict.fromkeys(("members", "layers", "blocks"), 100),
    "depth": 30,  # a level more doubles a tree
    "bins": 65_536,
    "neighbours": 10_000,
}
ANY_MOST = 1e9  # of every other number: a count of rows, a weight, a factor


def check_most(name: str, value: object, most: float | None = None) -> None:
    """Raise ConfigError if a number of a setting is none, or beyond all that can be worked with.

    Parameters
    ----------
    name : str
        Of the setting; its last part, after a full stop, decides its largest value, see `MOST`.
    value : object
        What is no number is not looked at.
    most : float, optional
        Another largest value.
    """
    highest = MOST.get(name.rpartition(".")[2], ANY_MOST) if most is None else most
    if isinstance(value, Real) and not isinstance(value, bool) and not -ANY_MOST <= float_of(value) <= highest:
        way_out = "lower it" if float_of(value) > highest else "correct it"
        raise ConfigError(f"{name} must be at most {highest:,.10g}, got {told(value)}: {way_out}.")


def float_of(value: Real) -> float:
    """Return a number as a float; of whole numbers too large for one the infinity of their sign."""
    try:
        return float(value)
    except OverflowError:
        return math.copysign(math.inf, -1 if value < 0 else 1)


def told(value: object) -> str:
    """Write a number for a message; Python writes none of more than 4,300 digits."""
    huge = isinstance(value, int) and value.bit_length() > 128
    return f"a number of {value.bit_length()} bits" if huge and isinstance(value, int) else f"{value}"


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
    own = fields(part) if is_dataclass(part) else ()
    whole = {each.name for each in own if type(each.default) is int}
    for name, lowest in least.items():
        value = getattr(part, name)
        if not value >= lowest:
            raise ConfigError(f"{name} must be at least {lowest}, got {told(value)}: raise it.")
        if value == math.inf or (name in whole and value < ANY_MOST and value != int(value)):
            raise ConfigError(
                f"{name} must be a {'whole' if name in whole else 'finite'} number, got {value}: correct it."
            )
    for name, highest in (most or {}).items():
        if not getattr(part, name) <= highest:
            raise ConfigError(f"{name} must be at most {highest:,}, got {told(getattr(part, name))}: lower it.")
    _check_shares(part, shares, positive)
    for each in own:
        if each.init:
            check_most(each.name, getattr(part, each.name))


def _check_shares(part: object, shares: Sequence[str], positive: Sequence[str]) -> None:
    for name in shares:
        if not 0 < getattr(part, name) <= 1:
            raise ConfigError(
                f"{name} is a share and must be above 0 and at most 1, got {told(getattr(part, name))}: correct it."
            )
    for name in positive:
        if not 0 < getattr(part, name) < math.inf:
            raise ConfigError(
                f"{name} must be above 0 and finite, got {told(getattr(part, name))}: leave it out for the default."
            )
