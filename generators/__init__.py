"""Sources of proposals, one a file. The catalogue names them without importing them, so heavy libraries load late."""

from typing import TYPE_CHECKING

from loop.catalogue import Catalogue, lazy

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
    from loop.protocols import Generator

__all__ = [
    "GENERATORS",
    "WRAPPERS",
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
]

GENERATORS: "Catalogue[Generator]" = Catalogue(
    "generator",
    {
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
    },
    group="weakspot.generators",
    methods=("fit", "sample"),
)
# Made around another generator, in Python: those that need it do so themselves. Not for choosing by name.
WRAPPERS: "Catalogue[Generator]" = Catalogue("wrapper of generators", {"reject": "generators.reject:Reject"})

__getattr__ = lazy(__name__, (*GENERATORS.homes.values(), *WRAPPERS.homes.values()))
