"""Generators of proposals, a folder for each family. The catalogue imports them late, as some need heavy libraries."""

from typing import TYPE_CHECKING

from loop.catalogue import Catalogue, lazy

if TYPE_CHECKING:
    from generators.common.rejection import Reject
    from generators.copula.copula import Copula
    from generators.diffusion.diffusion import Diffusion
    from generators.gan.gan import Gan
    from generators.images.augment import AugmentImages
    from generators.images.diffusion import DiffusionImages
    from generators.images.gan import GanImages
    from generators.private.tree import PrivateTree
    from generators.resampling.imblearn_adapter import ImblearnAdapter
    from generators.resampling.neighbourhood import Neighbourhood
    from generators.resampling.resample import Resample
    from generators.rules.rules import Rules
    from generators.series.augment import AugmentSeries
    from generators.series.diffusion import DiffusionSeries
    from generators.text.llm.llm import LLM
    from generators.text.markov import Markov
    from generators.trees.forest_flow import ForestFlow
    from generators.trees.tree_chain import TreeChain
    from generators.vae.vae import Vae
    from loop.protocols import Generator

__all__ = [
    "GENERATORS",
    "LLM",
    "WRAPPERS",
    "AugmentImages",
    "AugmentSeries",
    "Copula",
    "Diffusion",
    "DiffusionImages",
    "DiffusionSeries",
    "ForestFlow",
    "Gan",
    "GanImages",
    "ImblearnAdapter",
    "Markov",
    "Neighbourhood",
    "PrivateTree",
    "Reject",
    "Resample",
    "Rules",
    "TreeChain",
    "Vae",
]

GENERATORS: "Catalogue[Generator]" = Catalogue(
    "generator",
    {
        "resample": "generators.resampling.resample:Resample",
        "neighbourhood": "generators.resampling.neighbourhood:Neighbourhood",
        "imblearn": "generators.resampling.imblearn_adapter:ImblearnAdapter",
        "rules": "generators.rules.rules:Rules",
        "copula": "generators.copula.copula:Copula",
        "tree_chain": "generators.trees.tree_chain:TreeChain",
        "forest_flow": "generators.trees.forest_flow:ForestFlow",
        "vae": "generators.vae.vae:Vae",
        "gan": "generators.gan.gan:Gan",
        "diffusion": "generators.diffusion.diffusion:Diffusion",
        "private_tree": "generators.private.tree:PrivateTree",
        "markov": "generators.text.markov:Markov",  # these two make texts
        "llm": "generators.text.llm.llm:LLM",
        "augment_series": "generators.series.augment:AugmentSeries",  # these two make series
        "diffusion_series": "generators.series.diffusion:DiffusionSeries",
        "augment_images": "generators.images.augment:AugmentImages",  # these three make images
        "diffusion_images": "generators.images.diffusion:DiffusionImages",
        "gan_images": "generators.images.gan:GanImages",
    },
    group="weakspot.generators",
    methods=("fit", "sample"),
)
# Wrappers are built around another generator in Python code, so a configuration cannot choose them by name.
WRAPPERS: "Catalogue[Generator]" = Catalogue("wrapper of generators", {"reject": "generators.common.rejection:Reject"})

__getattr__ = lazy(__name__, (*GENERATORS.homes.values(), *WRAPPERS.homes.values()))
