"""The parts that `LoopClassifier` works with: what is given, usual parts for what is not, scikit-learn's made to fit.

The loop knows no learner and no generator: the usual ones are looked up by name where they are installed.
"""

import warnings
from typing import Any

from sklearn.base import BaseEstimator

from loop.catalogue import ACQUISITIONS, FINDERS, GATES, LABELLERS, Catalogue
from loop.cycle.acceptance import Acceptance
from loop.cycle.parts import SETTINGS, UNTAUGHT, Choice, Parts, Settings
from loop.errors import ConfigError
from loop.protocols import Learner, Teacher
from loop.supplies.supply import Supply

AUTO = "auto"
USUAL: "Catalogue[Any]" = Catalogue(
    "usual part",
    {
        "learner": "learners.xgboost:XGBoost",
        "generator": "generators.resampling.neighbourhood:Neighbourhood",
        "teacher": "learners.teachers.committee:Committee",
        "wrapper": "learners.sklearn_adapter:SklearnAdapter",
    },
)


def parts_of(given: Any) -> Parts:
    """Return the parts of a loop from the parameters of a `LoopClassifier`.

    Raises
    ------
    ConfigError
        If a parameter is no such part, or a setting is out of range.
    """
    settings = Settings(**{name: getattr(given, name) for name in SETTINGS})
    teacher = _teacher(given.teacher, settings.jobs)
    usual = UNTAUGHT if teacher is None else Choice()
    taught = Supply(
        generator=USUAL.make("generator") if given.generator is None else given.generator,
        acquisition=given.acquisition or ACQUISITIONS.make(usual.acquisition),
        labeller=given.labeller or LABELLERS.make(usual.labeller),
        gates=tuple(map(GATES.make, usual.gates)) if given.gates is None else given.gates,
    )
    return Parts(
        learner=USUAL.make("learner") if given.learner is None else _learner("learner", given.learner),
        supplies=(*given.supplies, taught),
        finder=given.finder or FINDERS.make(usual.finder),
        teacher=teacher,
        surrogate=None if given.surrogate is None else _learner("surrogate", given.surrogate),
        augmented_learner=(
            None if given.augmented_learner is None else _learner("augmented_learner", given.augmented_learner)
        ),
        acceptance=given.acceptance or Acceptance(),
        settings=settings,
    )


def _learner(role: str, part: Any) -> Learner:
    """Return a learner as it is, a classifier of scikit-learn wrapped; that is said."""
    if isinstance(part, type):
        raise ConfigError(f"{role} must be made of its class, got {part.__name__} itself: write {part.__name__}().")
    if not isinstance(part, BaseEstimator):
        if not (hasattr(part, "fit") and hasattr(part, "predict_proba")):
            raise ConfigError(f"{role} must have fit and predict_proba, got {type(part).__name__}: see docs/extend.md.")
        learner: Learner = part
        return learner
    name = type(part).__name__
    warnings.warn(
        f"{role} is scikit-learn's {name}: it is used as learners.SklearnAdapter({name}(...)), with missing values "
        "filled in and soft labels as weighted copies of rows.",
        stacklevel=4,  # of fit
    )
    wrapped: Learner = USUAL.make("wrapper", estimator=part)
    return wrapped


def _teacher(part: Any, jobs: int) -> Teacher | None:
    """Return the teacher: the usual committee, that given, or a committee of the one learner given."""
    if part is None:
        return None
    if isinstance(part, str):
        if part != AUTO:
            raise ConfigError(f"teacher must be auto, None or a teacher, got {part!r}: choose one of these.")
        usual: Teacher = USUAL.make("teacher", jobs=jobs)
        return usual
    if hasattr(part, "fit_folds"):
        teacher: Teacher = part
        return teacher
    alone: Teacher = USUAL.make("teacher", members=(_learner("teacher", part),), jobs=jobs)
    return alone
