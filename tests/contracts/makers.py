"""One maker for every generator of the catalogue, small enough that all laws run in a few minutes."""

from collections.abc import Callable

from generators import CATALOGUE, Reject, Resample, kind_of
from generators.saved import Savable

SMALL: dict[str, dict[str, object]] = {
    "diffusion": {"hidden": 64, "blocks": 2},
    "forest_flow": {"levels": 8, "copies": 4, "trees": 4},
    "gan": {"hidden": 64, "pack": 4},
    "vae": {"hidden": 64},
}


def maker(name: str) -> Callable[[], Savable]:
    """Return a maker of the generator of a name, with default settings but for its size."""
    if name == "reject":
        return lambda: Reject(Resample())
    return lambda: kind_of(name)(**SMALL.get(name, {}))


MAKERS: dict[str, Callable[[], Savable]] = {name: maker(name) for name in CATALOGUE}
