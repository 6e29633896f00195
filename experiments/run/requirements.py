"""Which distributions a model needs where it is served; they follow from the learners inside it."""

from collections.abc import Mapping
from importlib.metadata import packages_distributions, version

from learners.common.nested import name_of, with_nested
from loop.protocols import Predictor

ALWAYS = ("cloudpickle", "numpy", "pandas", "scikit-learn", "scipy")
OF_LEARNERS: Mapping[str, tuple[str, ...]] = {  # beside those above, by the name of the learner
    "xgboost": ("xgboost",),
    "forest": ("joblib",),
    "extra_trees": ("joblib",),
    "linear": (),
    "mlp": ("safetensors", "torch"),
    "catboost": ("catboost",),
    "lightgbm": ("lightgbm",),
    "tfidf": (),
    "static_embeddings": ("wordllama", "xgboost"),
    "minirocket": ("xgboost",),
    "convnet_series": ("safetensors", "torch"),
    "convnet": ("safetensors", "torch"),
    "committee": (),
    "foundation": (),  # never served, as it cannot be saved
    "blend": (),
    "sklearn_adapter": (),
    "thinned": (),
}


def requirements_of(learner: Predictor | None) -> list[str]:
    """Return the distributions that serving needs, pinned to the versions installed here.

    Parameters
    ----------
    learner : Predictor or None
        The learner of the model; what learners inside it need is needed, too. None = a model of scikit-learn alone.

    Returns
    -------
    list of str
        Sorted, such as ``xgboost==3.2.0``.
    """
    needed = set(ALWAYS)
    for each in with_nested(learner) if learner is not None else ():
        needed.update(_needs(type(each)))
    return [f"{name}=={_public(version(name))}" for name in sorted(needed)]


def _needs(kind: type) -> tuple[str, ...]:
    """Return what a class of learners needs; one of another package needs the distribution it comes with."""
    known = OF_LEARNERS.get(name_of(kind) or "")
    return known if known is not None else tuple(packages_distributions().get(kind.__module__.split(".")[0], ()))


def _public(installed: str) -> str:
    """Return a version without its local part, such as ``+cpu``, which no package index has."""
    return installed.partition("+")[0]
