"""One maker for every generator of the catalogue, small enough that all laws run in a few minutes."""

from collections.abc import Callable
from functools import cache
from typing import cast

from of_columns import of_columns

from generators import GENERATORS, Reject, Resample
from generators.common.persistence import Savable

SMALL: dict[str, dict[str, object]] = {
    "diffusion": {"hidden": 64, "blocks": 2},
    "forest_flow": {"levels": 8, "copies": 4, "trees": 4},
    "private_tree": {"epsilon": 1000.0},  # next to no noise: the laws ask what is learnt
    "gan": {"hidden": 64, "pack": 4, "epochs": 35},
    "vae": {"hidden": 64, "epochs": 24},
}


# Still shorter, for tables on which nothing but survival is asked.
SHORT: dict[str, dict[str, object]] = {
    "diffusion": {"most_steps": 60},
    "forest_flow": {"levels": 4, "most_noisy_rows": 20_000, "trees": 2},
    "gan": {"steps": 40},
    "vae": {"steps": 60},
    "tree_chain": {"trees": 2},
}


@cache
def maker(name: str, short: bool = False) -> Callable[[], Savable]:
    """Return a maker of the generator of a name, with default settings but for its size.

    It is the same one each time, so that laws which ask about rows share one fit.
    """
    if name == "reject":
        return lambda: Reject(Resample())
    settings = SMALL.get(name, {}) | (SHORT.get(name, {}) if short else {})
    return lambda: cast(Savable, GENERATORS.make(name, **settings))


MAKERS: dict[str, Callable[[], Savable]] = {name: maker(name) for name in (*of_columns(GENERATORS), "reject")}
