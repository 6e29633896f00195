"""Sources of proposals, one a file. The catalogue names them without importing them, so heavy libraries load late."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from loop.errors import ConfigError

if TYPE_CHECKING:
    from generators.copula import Copula
    from generators.diffusion import Diffusion
    from generators.forest_flow import ForestFlow
    from generators.gan import Gan
    from generators.imblearn_adapter import ImblearnAdapter
    from generators.neighbourhood import Neighbourhood
    from generators.reject import Reject
    from generators.resample import Resample
    from generators.rules import Rules
    from generators.tree_chain import TreeChain
    from generators.vae import Vae

CATALOGUE: dict[str, str] = {
    "resample": "generators.resample:Resample",
    "neighbourhood": "generators.neighbourhood:Neighbourhood",
    "imblearn": "generators.imblearn_adapter:ImblearnAdapter",
    "rules": "generators.rules:Rules",
    "copula": "generators.copula:Copula",
    "tree_chain": "generators.tree_chain:TreeChain",
    "forest_flow": "generators.forest_flow:ForestFlow",
    "vae": "generators.vae:Vae",
    "gan": "generators.gan:Gan",
    "diffusion": "generators.diffusion:Diffusion",
    "reject": "generators.reject:Reject",
}

__all__ = [
    "CATALOGUE",
    "Copula",
    "Diffusion",
    "ForestFlow",
    "Gan",
    "ImblearnAdapter",
    "Neighbourhood",
    "Reject",
    "Resample",
    "Rules",
    "TreeChain",
    "Vae",
    "kind_of",
]


def kind_of(name: str) -> Any:
    """Return the class of a generator of the catalogue.

    Raises
    ------
    ConfigError
        With the names that exist.
    """
    if name not in CATALOGUE:
        raise ConfigError(f"generator must be one of {', '.join(CATALOGUE)}, got {name!r}: choose one of these")
    module, _, public = CATALOGUE[name].partition(":")
    return getattr(import_module(module), public)


def __getattr__(name: str) -> Any:
    for home in CATALOGUE.values():
        module, _, public = home.partition(":")
        if public == name:
            return getattr(import_module(module), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
