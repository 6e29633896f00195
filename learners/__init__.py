"""The catalogue of learners. A learner and its library are imported only when its name is used."""

from typing import TYPE_CHECKING

from loop.catalogue import Catalogue, lazy

if TYPE_CHECKING:
    from learners.blend import Blend
    from learners.catboost import CatBoost
    from learners.forest import ExtraTrees, Forest
    from learners.images.convnet import Convnet
    from learners.lightgbm import LightGBM
    from learners.linear import Linear
    from learners.mlp import MLP
    from learners.series.convnet import ConvnetSeries
    from learners.series.minirocket import MiniRocket
    from learners.sklearn_adapter import SklearnAdapter
    from learners.teachers.committee import Committee
    from learners.teachers.foundation import Foundation
    from learners.text.static_embeddings import StaticEmbeddings
    from learners.text.tfidf import Tfidf
    from learners.thinned import Thinned
    from learners.xgboost import XGBoost
    from loop.protocols import Learner

__all__ = [
    "LEARNERS",
    "MLP",
    "WRAPPERS",
    "Blend",
    "CatBoost",
    "Committee",
    "Convnet",
    "ConvnetSeries",
    "ExtraTrees",
    "Forest",
    "Foundation",
    "LightGBM",
    "Linear",
    "MiniRocket",
    "SklearnAdapter",
    "StaticEmbeddings",
    "Tfidf",
    "Thinned",
    "XGBoost",
]

LEARNERS: "Catalogue[Learner]" = Catalogue(
    "learner",
    {
        "xgboost": "learners.xgboost:XGBoost",
        "forest": "learners.forest:Forest",
        "extra_trees": "learners.forest:ExtraTrees",
        "linear": "learners.linear:Linear",
        "mlp": "learners.mlp:MLP",
        "committee": "learners.teachers.committee:Committee",
        "catboost": "learners.catboost:CatBoost",  # these two need the extra `boosters`
        "lightgbm": "learners.lightgbm:LightGBM",
        "foundation": "learners.teachers.foundation:Foundation",  # for teachers; needs the extra `foundation`
        "tfidf": "learners.text.tfidf:Tfidf",  # these two read texts
        "static_embeddings": "learners.text.static_embeddings:StaticEmbeddings",  # needs the extra `text`
        "minirocket": "learners.series.minirocket:MiniRocket",  # these two read series
        "convnet_series": "learners.series.convnet:ConvnetSeries",
        "convnet": "learners.images.convnet:Convnet",  # reads images
    },
    group="weakspot.learners",
    methods=("fit", "predict_proba"),
)
# Learners made around others, in Python only: a configuration cannot name them.
WRAPPERS: "Catalogue[Learner]" = Catalogue(
    "wrapper of learners",
    {
        "blend": "learners.blend:Blend",
        "sklearn_adapter": "learners.sklearn_adapter:SklearnAdapter",
        "thinned": "learners.thinned:Thinned",
    },
)

__getattr__ = lazy(__name__, (*LEARNERS.homes.values(), *WRAPPERS.homes.values()))
