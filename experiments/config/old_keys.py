"""Keys of configurations that an earlier version read: they are refused with its name and the key to write instead."""

from loop.errors import ConfigError
from loop.support.format import FIRST

INSTEAD = {
    **{
        f"grown_{name}": f"augmented_learner.settings.{name}"
        for name in ("trees", "depth", "rate", "row_share", "bins")
    },
    "stake": "miss_cost",
}


def check_old(key: object, where: str) -> None:
    """Refuse a key of an earlier version.

    Raises
    ------
    ConfigError
        If it is one.
    """
    if isinstance(key, str) and key in INSTEAD:
        raise ConfigError(
            f"{where} has {key!r}, which was a key of weakspot {FIRST}: run it with that version, "
            f"or write {INSTEAD[key]} instead."
        )
