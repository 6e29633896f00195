"""The loop as a scikit-learn estimator."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from loop.asking.frames import Answering, Inquiry, Questions
from loop.cycle.acceptance import Acceptance
from loop.cycle.conclusion import Outcome
from loop.cycle.driver import run_loop
from loop.cycle.lanes import USUAL, deal
from loop.cycle.parts import Settings
from loop.data.date_parts import Wishes
from loop.data.encoding import encode
from loop.data.intake import one_level, relative
from loop.data.schema import infer, rarest
from loop.data.split import units
from loop.encoders import Encoder
from loop.errors import DataError
from loop.evaluation.calibration import DEFAULT, calibrate, check_method
from loop.evaluation.judge_rows import JudgeRows
from loop.frames import history_frame, regions_frame, synthetic_frame
from loop.model import Model
from loop.nested_params import NestedParams
from loop.notebook import result_html
from loop.protocols import Acquisition, Gate, Generator, Labeller, Learner, RegionFinder, RunTracker, Teacher
from loop.seeds import root, stream
from loop.supplies.supply import Supply
from loop.tracking.autologging import unlogged
from loop.tracking.null import NullTracker
from loop.tracking.printing import printing
from loop.types import Generation
from loop.usual import AUTO, parts_of

TARGET = "target"


class LoopClassifier(ClassifierMixin, NestedParams):  # type: ignore[misc]
    """Trains a learner, finds where it is weak, makes rows there, retrains, and says whether that helped.

    Parameters
    ----------
    learner : Learner or sklearn classifier, optional
        The model to be delivered; by default XGBoost. A classifier of scikit-learn is wrapped, with a warning.
    generator : Generator, optional
        Where proposals come from; by default the neighbourhood of real rows.
    teacher : "auto", Teacher, Learner, sklearn classifier or None
        Labels the new rows: by default a committee of several kinds. None: they have their parents' labels.
    augmented_learner : Learner, optional
        Used on tables with new rows, such as ``learners.xgboost.augmented(learner)``; by default the learner itself.
    surrogate : Learner, optional
        A cheaper model used instead of the learner during the generations.
    finder, acquisition, labeller, gates, acceptance : RegionFinder, Acquisition, ..., optional
        Other parts; by default a tree of weak regions, the gap between teacher and learner (without a teacher: the
        learner's entropy), soft labels of the teacher, the domain and copies gates, and shrunk acceptance.
    supplies : sequence of Supply
        More sources of new rows, asked before the one made of the parts above.
    generations, budget, most_rows, pool, share_anywhere, weight, steer, weakness, patience, jobs : int, float, ...
        See `loop.cycle.parts.Settings`.
    lanes : int
        Number of lanes (folds), see `loop.cycle.lanes`; 1 = a single hold-out of 30 % of the rows, for large data.
    calibration : str
        How answers are calibrated on judge rows, see `loop.evaluation.calibration.calibrate`; "none" = not at all.
    positive : object, optional
        The class to catch; by default the rarest.
    date_parts : mapping or sequence of str, optional
        Columns of dates to be replaced by parts, ``{"created": ["hour", "weekday"]}``; see `loop.data.date_parts`.
    encoders : mapping of str to Encoder, optional
        Columns whose cells are arrays or texts, each with what makes columns of it, ``{"picture": Pixels()}``.
    tracker, random_state : RunTracker, optional; int, RandomState or None
        The records; the seed, and the same seed gives the same rows and numbers.
    verbose : bool
        Whether each generation is printed as it ends.
    unlabelled, oracle, questions : DataFrame, callable, Questions, optional
        Rows with the columns of ``X``; who labels some of them before the loop (takes a frame of m rows, returns m
        labels, missing = no answer); and how many and which, see `loop.asking.frames.Questions`.

    Attributes
    ----------
    classes_ : ndarray of shape (K,)
    regions_ : DataFrame
        Weak regions of each generation, as rules with counts.
    history_ : DataFrame
        One row a generation: decision, scores, counts, drift, seconds.
    synthetic_ : DataFrame
        The kept rows, with their trail in columns that begin with ``ws_``.
    verdict_ : LoopVerdict
    queue_ : DataFrame
        Of ``unlabelled``: rows to have labelled next, see `loop.asking.frames.Inquiry.queue`.
    model_ : Model
        The learner with the schema of the frame and the calibration of its probabilities.
    outcome_ : Outcome

    Examples
    --------
    >>> LoopClassifier(random_state=0, verbose=True).fit(frame, y).verdict_.sentence  # doctest: +SKIP
    """

    # Long: scikit-learn wants each argument stored under its own name, and nothing else done here
    def __init__(  # Wide: scikit-learn reads the parameters from the signature
        self,
        learner: Learner | BaseEstimator | None = None,
        *,
        generator: Generator | None = None,
        teacher: Teacher | Learner | BaseEstimator | str | None = AUTO,
        augmented_learner: Learner | BaseEstimator | None = None,
        surrogate: Learner | BaseEstimator | None = None,
        finder: RegionFinder | None = None,
        acquisition: Acquisition | None = None,
        labeller: Labeller | None = None,
        gates: Sequence[Gate] | None = None,
        supplies: Sequence[Supply] = (),
        acceptance: Acceptance | None = None,
        generations: int = Settings.generations,
        budget: float = Settings.budget,
        most_rows: int = Settings.most_rows,
        pool: int = Settings.pool,
        share_anywhere: float = Settings.share_anywhere,
        weight: float = Settings.weight,
        steer: bool = Settings.steer,
        weakness: str = Settings.weakness,
        patience: int = Settings.patience,
        lanes: int = USUAL,
        calibration: str = DEFAULT,
        positive: object = None,
        date_parts: Wishes | None = None,
        encoders: Mapping[str, Encoder] | None = None,
        tracker: RunTracker | None = None,
        jobs: int = Settings.jobs,
        random_state: int | np.random.RandomState | None = None,
        unlabelled: pd.DataFrame | None = None,
        oracle: Answering | None = None,
        questions: Questions | None = None,
        verbose: bool = False,
    ) -> None:
        self.learner = learner
        self.generator = generator
        self.teacher = teacher
        self.augmented_learner = augmented_learner
        self.surrogate = surrogate
        self.finder = finder
        self.acquisition = acquisition
        self.labeller = labeller
        self.gates = gates
        self.supplies = supplies
        self.acceptance = acceptance
        self.generations = generations
        self.budget = budget
        self.most_rows = most_rows
        self.pool = pool
        self.share_anywhere = share_anywhere
        self.weight = weight
        self.steer = steer
        self.weakness = weakness
        self.patience = patience
        self.lanes = lanes
        self.calibration = calibration
        self.positive = positive
        self.date_parts = date_parts
        self.encoders = encoders
        self.tracker = tracker
        self.jobs = jobs
        self.random_state = random_state
        self.unlabelled = unlabelled
        self.oracle = oracle
        self.questions = questions
        self.verbose = verbose

    @unlogged()
    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Self:
        """Run the loop.

        Parameters
        ----------
        X : DataFrame or array of shape (n, d)
            A frame may have mixed types and missing values.
        y : array of shape (n,)
        sample_weight : array of shape (n,), optional
            Not negative, in any unit; rows of weight zero are ignored. Scores and claims use the weights.
        groups : array of shape (n,), optional
            Rows of one group (card, customer) are never on both sides of a lane and count as one independent unit.

        Raises
        ------
        DataError
            If the data break a rule; see `loop.data.schema.infer`.
        ConfigError
            If a setting is out of range.
        """
        parts = parts_of(self)
        check_method(self.calibration)
        frame, target = self._frame(X, y)
        weight = _check_sample_weight(sample_weight, frame, dtype=np.float64, ensure_non_negative=True)
        check_consistent_length(frame, groups)
        frame, counted = frame[weight > 0], weight > 0
        own, rows = relative(weight[counted]), np.flatnonzero(counted)
        groups = None if groups is None else column_or_1d(groups)[counted]
        caught = rarest(frame[target], own) if self.positive is None and np.ptp(own) else self.positive
        schema = infer(frame, target, positive=caught, date_parts=self.date_parts, encoders=self.encoders or {})
        table = replace(encode(schema, frame).numbered(rows), weight=own, unit=units(groups))
        pool = None if self.unlabelled is None else self._features(self.unlabelled, reset=False)
        inquiry = Inquiry.of(self.questions, parts.learner, table, pool, self.oracle, parts.teacher)
        rng = np.random.default_rng(check_random_state(self.random_state).randint(2**31 - 1))
        if inquiry is not None and self.oracle is not None:
            inquiry, table = inquiry.asked(table, self.oracle, stream(root(rng), "asking"))
            groups = table.unit
        fold_ids = deal(table, rng, k=self.lanes, groups=groups)
        tracker = self.tracker or NullTracker()
        tracker.start({"name": "LoopClassifier", "params": self.told(), "tags": {}})
        status, verdict = "failed", None
        try:
            said = [printing(table, self.generations * len(parts.supplies))] if self.verbose else []
            run = run_loop(parts, table, fold_ids, rng, [tracker.record, *said])
            outcome, status, verdict = run.outcome, "finished", run.outcome.verdict
        except KeyboardInterrupt:
            status = "interrupted"
            raise
        finally:
            tracker.finish(verdict, status)
        judged, rng = JudgeRows.of(table, outcome.judged), run.prepared.stream("calibration")
        answers = calibrate(self.calibration, judged, outcome.proba, rng)
        if inquiry is not None:
            self.queue_ = inquiry.queue(table, run.prepared.stream("queue"))
        return self._keep(Model(table.schema, outcome.learner, answers), run.history, outcome)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return class probabilities of shape (n, K), in the order of ``classes_``.

        A category that was never seen counts as missing. Frames need the columns of ``fit`` in the same order.
        """
        check_is_fitted(self)
        return self.model_.predict_proba(self._features(X, reset=False))

    def predict(self, X: Any) -> np.ndarray:
        """Return the most probable class of each row, shape (n,)."""
        proba = self.predict_proba(X)  # refuses an estimator that is not fitted
        return np.asarray(self.classes_[proba.argmax(axis=1)])

    def _frame(self, X: Any, y: Any) -> tuple[pd.DataFrame, str]:
        """Join features and target under a free name."""
        if y is None:
            raise DataError("LoopClassifier requires y to be passed, but the target y is None: pass the labels.")
        frame = self._features(X, reset=True)
        if len(frame) < 2:
            raise DataError("a table to learn from must have two rows or more, got 1 sample: pass more.")
        labels = column_or_1d(y, warn=True)
        check_consistent_length(frame, labels)
        unusable = int(pd.isna(labels).sum() + (np.isinf(labels).sum() if labels.dtype.kind == "f" else 0))
        if unusable:
            raise DataError(f"labels must be finite, got {unusable} missing or infinite: drop these rows.")
        check_classification_targets(labels)
        target = TARGET
        while target in frame:
            target += "_"
        return frame.assign(**{target: labels}), target

    def _features(self, X: Any, *, reset: bool) -> pd.DataFrame:
        """Return the features as a frame with the columns of ``fit``. Frames keep their types."""
        if isinstance(X, pd.DataFrame):
            X = one_level(X)  # refuses empty and duplicate names
            validate_data(self, X, reset=reset, skip_check_array=True)
            if not len(X):
                raise DataError("a table must have at least one row, got 0 sample(s): pass some.")
            frame: pd.DataFrame = X.reset_index(drop=True) if reset else X
        else:
            X = validate_data(self, X, reset=reset, dtype="numeric", ensure_all_finite="allow-nan")
            frame = pd.DataFrame(X, columns=[f"x{number}" for number in range(X.shape[1])])
        if reset:
            self._columns = frame.columns
        return frame.set_axis(self._columns, axis=1)

    def _keep(self, model: Model, history: Sequence[Generation], outcome: Outcome) -> Self:
        kept = history if outcome.verdict.kept else []
        self.classes_, self.model_, self.outcome_, self.verdict_ = model.classes_, model, outcome, outcome.verdict
        self.history_, self.regions_ = history_frame(history), regions_frame(history)
        self.synthetic_ = synthetic_frame([generation for generation in kept if generation.decision.kept])
        return self

    def _html_repr(self) -> str:
        """Return what a notebook shows: scikit-learn's diagram and, once fitted, the result."""
        shown: str = super()._html_repr()
        return shown + result_html(self) if hasattr(self, "verdict_") else shown

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
