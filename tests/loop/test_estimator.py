"""LoopClassifier as scikit-learn expects it: its own checks, and what they do not ask."""

import io
import pickle
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from tiny import LEARNER, TEACHER

from generators import Neighbourhood
from learners import Linear, XGBoost
from loop import LoopClassifier
from loop.cycle.acceptance import Acceptance
from loop.errors import ConfigError, DataError, TrackingError
from loop.evaluation.calibration import calibrate
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import score
from loop.rows import Rows
from loop.supplies.acquisition import Gap
from loop.supplies.labelling import ByCondition
from loop.tracking import JsonlTracker
from loop.types import Generation, LoopVerdict


def small(**changes: object) -> LoopClassifier:
    settings: dict[str, object] = {
        "generator": Neighbourhood(),
        "teacher": None,
        "acceptance": Acceptance(replicates=30),
        "generations": 1,
        "pool": 2,
        "lanes": 2,
        "jobs": 1,
        "random_state": 0,
    }
    return LoopClassifier(**{"learner": LEARNER} | settings | changes)  # type: ignore[arg-type]


def numbers(n: int = 200, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    risk = X[:, 0] + X[:, 1] + 0.5 * rng.normal(size=n)
    return X, np.where(risk > np.quantile(risk, 0.85), "fraud", "fine")


def mixed(n: int = 200, seed: int = 0) -> tuple[pd.DataFrame, pd.Series]:
    X, y = numbers(n, seed)
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "amount": np.where(rng.random(n) < 0.1, np.nan, X[:, 0]),
            "visits": rng.poisson(3, n),
            "night": X[:, 1] > 0,
            "shop": rng.choice(["grocery", "travel", "online"], n),
            "opened": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 10**7, n), unit="s"),
            "level": pd.Categorical(rng.choice(["low", "high"], n)),
        }
    )
    frame.loc[::9, "shop"] = None
    return frame, pd.Series(y, name="label")


# scikit-learn's own checks

EXPECTED_FAILURES = {
    "check_sample_weight_equivalence_on_dense_data": (
        "copies of a row stay in one lane and a class must be in every lane, so ten copies are not ten rows"
    ),
}


@parametrize_with_checks(
    [small(learner=XGBoost(trees=10, depth=3, rate=0.3))],
    expected_failed_checks=lambda _: EXPECTED_FAILURES,
)
def test_scikit_learn_check(estimator: LoopClassifier, check: Callable[[LoopClassifier], None]) -> None:
    check(estimator)


# What the loop leaves behind


@pytest.fixture(scope="module")
def fitted() -> LoopClassifier:
    frame, y = mixed(300)
    hopeful = Acceptance(prior_mean=1.0, prior_sd=1e-3, level=1 - 1e-9, replicates=30, guards=())
    return small(teacher=TEACHER, generations=2, acceptance=hopeful).fit(frame, y)


def test_history_has_a_row_a_generation(fitted: LoopClassifier) -> None:
    assert fitted.history_["generation"].tolist() == [1, 2]
    assert fitted.history_["kept"].tolist() == [1, 1]
    assert set(fitted.history_["reason"]) == {"expected to help"}
    assert fitted.history_["average_precision"].between(0, 1).all()
    assert (fitted.history_["count/kept"] > 0).all()


def test_regions_are_rules_with_counts(fitted: LoopClassifier) -> None:
    assert {"generation", "region"} <= set(fitted.regions_.columns)
    if len(fitted.regions_):
        assert fitted.regions_["region"].str.len().min() > 0
        assert (fitted.regions_["rows"] > 0).all()


def test_synthetic_rows_are_rows_of_the_user_s_frame_with_a_trail(fitted: LoopClassifier) -> None:
    frame, y = mixed(300)
    synthetic = fitted.synthetic_
    assert len(synthetic) == fitted.history_["count/kept"].sum() == len(fitted.outcome_.synthetic)
    for name in frame:
        assert synthetic[name].dtype == frame[name].dtype
    assert set(synthetic["ws_generation"]) == {1, 2}
    assert set(synthetic["target"]) <= set(y)
    assert set(synthetic["ws_supply"]) == {"taught"}
    named = {int(row) for text in synthetic["ws_parents"] for row in text.split(",")}
    assert named <= set(range(300))
    assert synthetic["ws_parents"].str.contains(",").any()  # rows between two name both
    np.testing.assert_allclose(synthetic[["ws_p_fine", "ws_p_fraud"]].sum(axis=1), 1)


def test_verdict_and_classes(fitted: LoopClassifier) -> None:
    assert isinstance(fitted.verdict_, LoopVerdict)
    assert fitted.verdict_.kept == 2
    assert fitted.verdict_.proven == fitted.verdict_.sentence.startswith("Proven gain")
    assert fitted.classes_.tolist() == ["fine", "fraud"]


def test_a_loop_that_kept_nothing_delivers_the_real_only_model() -> None:
    X, y = numbers()
    gloomy = Acceptance(prior_mean=-1.0, prior_sd=1e-3, replicates=30)
    model = small(acceptance=gloomy).fit(X, y)
    assert (model.verdict_.kept, model.verdict_.gain, model.verdict_.proven) == (0, 0.0, False)
    assert model.synthetic_.empty
    assert len(model.history_) == 1
    assert model.outcome_.scores == model.outcome_.baseline


def test_predictions(fitted: LoopClassifier) -> None:
    frame, y = mixed(300, seed=1)
    proba = fitted.predict_proba(frame)
    assert proba.shape == (300, 2)
    np.testing.assert_array_equal(fitted.predict(frame), fitted.classes_[proba.argmax(axis=1)])
    assert fitted.score(frame, y) > 0.8


def test_answers_are_calibrated_on_the_judge_rows_alone() -> None:
    X, y = numbers()
    raw, model = small(calibration="none").fit(X, y), small(calibration="platt").fit(X, y)
    judged = raw.outcome_.judged
    codes = np.searchsorted(raw.classes_, y)
    expected = calibrate("platt", JudgeRows(codes[judged], 1), raw.outcome_.proba, np.random.default_rng(0))
    np.testing.assert_allclose(model.predict_proba(X), expected.apply(raw.predict_proba(X)))
    assert not np.allclose(model.predict_proba(X), raw.predict_proba(X))


def test_unseen_and_missing_categories_are_predicted_alike(fitted: LoopClassifier) -> None:
    frame, _ = mixed(50, seed=1)
    unseen, missing = frame.copy(), frame.copy()
    unseen["shop"], missing["shop"] = "casino", None
    np.testing.assert_array_equal(fitted.predict_proba(unseen), fitted.predict_proba(missing))


def test_survives_pickling(fitted: LoopClassifier) -> None:
    frame, _ = mixed(50, seed=1)
    again = pickle.load(io.BytesIO(pickle.dumps(fitted)))
    np.testing.assert_array_equal(again.predict_proba(frame), fitted.predict_proba(frame))


# Randomness


def test_same_random_state_same_rows_and_numbers(fitted: LoopClassifier) -> None:
    frame, y = mixed(300)
    again = clone(fitted).fit(frame, y)
    pd.testing.assert_frame_equal(again.synthetic_, fitted.synthetic_)
    assert again.verdict_ == fitted.verdict_
    np.testing.assert_array_equal(again.predict_proba(frame), fitted.predict_proba(frame))
    other = clone(fitted).set_params(random_state=1).fit(frame, y)
    assert not other.synthetic_.equals(fitted.synthetic_)


def test_random_state_objects_are_consumed() -> None:
    X, y = numbers()
    state = np.random.RandomState(0)
    one, two = (small(random_state=state).fit(X, y) for _ in range(2))
    assert not np.array_equal(one.outcome_.judged, two.outcome_.judged)


# Parameters


def test_settings_of_parts_are_parameters() -> None:
    model = small(teacher=TEACHER)
    assert model.get_params()["learner__depth"] == LEARNER.depth
    assert "learner__depth" not in model.get_params(deep=False)
    assert "learner__booster_" not in model.get_params()
    before = LEARNER.depth
    changed = clone(model).set_params(learner__depth=7, generator__swap=0.5, generations=3, teacher__folds=2)
    assert (changed.learner.depth, changed.generator.swap, changed.generations, changed.teacher.folds) == (7, 0.5, 3, 2)
    assert LEARNER.depth == model.learner.depth == before


def test_a_part_and_its_setting_can_be_set_together() -> None:
    assert small().set_params(learner=Linear(), learner__C=0.5).learner.C == 0.5


def test_unknown_parameters_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"a setting of learner must be one of trees, .*, got 'leaves'"):
        small().set_params(learner__leaves=3)
    with pytest.raises(ValueError, match="Invalid parameter 'lerner'"):
        small().set_params(lerner__trees=3)


def test_fitting_leaves_the_parts_given_unfitted() -> None:
    X, y = numbers()
    model = small(teacher=TEACHER).fit(X, y)
    assert not hasattr(model.learner, "booster_")
    assert not hasattr(model.teacher, "oof_")
    assert not hasattr(model.generator, "table_")


def test_clone_has_the_settings_and_nothing_learnt(fitted: LoopClassifier) -> None:
    copy = clone(fitted)
    assert repr(copy.get_params()) == repr(fitted.get_params())
    assert not hasattr(copy, "model_")
    assert "LoopClassifier(" in repr(copy)


# In company


def test_in_a_pipeline_and_a_grid_search() -> None:
    X, y = numbers()
    pipeline = make_pipeline(StandardScaler(), small(learner=Linear()))
    search = GridSearchCV(pipeline, {"loopclassifier__learner__C": [1e-6, 1.0]}, cv=2, scoring="neg_log_loss")
    search.fit(X, y == "fraud")
    assert search.best_params_ == {"loopclassifier__learner__C": 1.0}
    assert search.best_score_ > -0.3


def test_in_cross_validation_and_calibration() -> None:
    X, y = numbers()
    assert cross_val_score(small(learner=Linear()), X, y, cv=2).mean() > 0.8
    assert CalibratedClassifierCV(small(learner=Linear()), cv=2).fit(X, y).predict_proba(X).shape == (200, 2)


def test_pandas_output_of_a_step_before() -> None:
    X, y = numbers()
    pipeline = make_pipeline(StandardScaler(), small()).set_output(transform="pandas")
    assert pipeline.fit(X, y).predict(X).shape == (200,)


# Rows: weights, groups, names and types


def test_zero_weight_means_absent() -> None:
    X, y = numbers()
    counted = np.random.default_rng(0).random(200) < 0.7
    groups = np.arange(200) // 2
    spoilt = np.where(counted[:, None], X, 1e6)
    weighted = small(teacher=TEACHER).fit(spoilt, y, sample_weight=counted.astype(float), groups=groups)
    absent = small(teacher=TEACHER).fit(X[counted], y[counted], groups=groups[counted])
    np.testing.assert_array_equal(weighted.predict_proba(X), absent.predict_proba(X))
    rows = np.flatnonzero(counted)  # parents are row numbers of the input
    named = [",".join(str(rows[int(row)]) for row in text.split(",")) for text in absent.synthetic_["ws_parents"]]
    expected = absent.synthetic_.assign(ws_parents=pd.Series(named, dtype="str"))
    pd.testing.assert_frame_equal(weighted.synthetic_, expected)


def test_weights_count() -> None:
    X, y = numbers()
    heavy = small(learner=Linear()).fit(X, y, sample_weight=np.where(y == "fraud", 20.0, 1.0))
    assert heavy.predict_proba(X)[:, 1].mean() > small(learner=Linear()).fit(X, y).predict_proba(X)[:, 1].mean() + 0.05


def test_negative_weights_are_refused() -> None:
    X, y = numbers()
    with pytest.raises(ValueError, match="Negative values in data passed to `sample_weight`"):
        small().fit(X, y, sample_weight=-np.ones(200))


class Watch:
    """A tracker that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, object]] = []

    def start(self, run: object) -> None:
        self.told.append(("start", run))

    def record(self, generation: Generation) -> None:
        self.told.append(("record", generation))

    def finish(self, verdict: LoopVerdict | None, status: str) -> None:
        self.told.append(("finish", status))


@pytest.mark.parametrize("lanes", [1, 3])
def test_groups_never_straddle(lanes: int) -> None:
    X, y = numbers()
    groups = np.array([f"card {number}" for number in np.arange(200) % 50])
    watch = Watch()
    model = small(teacher=TEACHER, lanes=lanes)
    model.tracker = watch
    model.fit(X, y, groups=groups)
    (generation,) = [value for kind, value in watch.told if kind == "record"]
    assert isinstance(generation, Generation)
    judges = model.outcome_.judged
    if lanes == 1:
        fit = np.setdiff1d(np.arange(200), judges)
        assert not np.intersect1d(groups[fit], groups[judges]).size
        assert not np.isin(generation.lane_rows[0].parents, judges).any()
        return
    # Rows of one card judge side by side: their lane is where none of them is a parent.
    for card in np.unique(groups):
        members = np.flatnonzero(groups == card)
        made_in = [bool(np.isin(rows.parents, members).any()) for rows in generation.lane_rows]
        assert sum(made_in) < lanes


def test_groups_must_be_as_long_as_the_rows() -> None:
    X, y = numbers()
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        small().fit(X, y, groups=np.arange(10))


@pytest.mark.parametrize("kind", [bool, int, str, "category"])
def test_classes_of_every_type(kind: object) -> None:
    X, y = numbers()
    labels = pd.Series(y == "fraud").astype(int).astype(kind)  # type: ignore[call-overload]
    model = small(learner=Linear()).fit(X, labels)
    assert set(model.predict(X)) == set(labels)


def test_three_classes() -> None:
    X, _ = numbers()
    y = np.digitize(X[:, 0], [-0.5, 1.0])
    model = small(teacher=TEACHER).fit(X, y)
    assert model.predict_proba(X).shape == (200, 3)
    assert model.score(X, y) > 0.8


def test_positive_names_the_class_to_catch() -> None:
    X, y = numbers()
    model = small(learner=Linear(), positive="fine").fit(X, y)
    assert model.model_.schema.positive == 0
    with pytest.raises(DataError, match="positive class must be a class of 'target', got 'theft'"):
        small(positive="theft").fit(X, y)


def test_a_feature_may_be_called_target() -> None:
    frame, y = mixed()
    frame = frame.rename(columns={"amount": "target"}).assign(target_=frame["visits"])
    model = small(teacher=TEACHER, acceptance=Acceptance(prior_mean=1, prior_sd=1e-3, replicates=30)).fit(frame, y)
    assert model.model_.schema.target == "target__"
    assert set(model.synthetic_["target__"]) <= set(y)
    assert model.synthetic_["target"].dtype == frame["target"].dtype
    assert model.predict(frame).shape == (200,)


def test_names_of_the_trail_are_refused() -> None:
    frame, y = mixed()
    with pytest.raises(DataError, match=r"names with 'ws_' belong to the trail of synthetic rows, got 'ws_supply'"):
        small().fit(frame.rename(columns={"visits": "ws_supply"}), y)


def test_numbered_columns_and_arrays_are_read_by_position() -> None:
    X, y = numbers()
    by_array, by_frame = small().fit(X, y), small().fit(pd.DataFrame(X), y)
    np.testing.assert_array_equal(by_array.predict_proba(X), by_frame.predict_proba(X))
    np.testing.assert_array_equal(by_frame.predict_proba(X), by_frame.predict_proba(pd.DataFrame(X)))


def test_arrays_after_named_frames_warn_and_predict() -> None:
    X, y = numbers()
    frame = pd.DataFrame(X, columns=list("abc"))
    model = small().fit(frame, y)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        by_array = model.predict_proba(X)
    np.testing.assert_array_equal(by_array, model.predict_proba(frame))
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict_proba(frame[["c", "b", "a"]])


def test_the_index_of_a_frame_plays_no_part() -> None:
    frame, y = mixed()
    shuffled = np.random.default_rng(0).permutation(200) * 7
    one = small().fit(frame, y)
    other = small().fit(frame.set_axis(shuffled), y.set_axis(shuffled[::-1]))
    np.testing.assert_array_equal(one.predict_proba(frame), other.predict_proba(frame.set_axis(shuffled)))


def test_input_stays_as_it_is() -> None:
    frame, y = mixed()
    before = frame.copy(), y.copy()
    small(teacher=TEACHER).fit(frame, y)
    pd.testing.assert_frame_equal(frame, before[0])
    pd.testing.assert_series_equal(y, before[1])


# Mistakes


def with_infinity(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(amount=[np.inf, *frame["amount"][1:]])


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda X, y: (X, y.where(y == "never", "fine")), "at least two classes, got only 'fine'"),
        (lambda X, y: (X, y.mask(y.index > 0, "fine").mask(y.index < 1, "fraud")), "got 1 of class 'fraud'"),
        (lambda X, y: (with_infinity(X), y), "column 'amount' must be finite, got 1 infinite"),
        (lambda X, y: (X, y.mask(y.index < 3)), "labels must be finite, got 3 missing or infinite"),
        (lambda X, y: (X.assign(amount=[1, "x"] * 100), y), "column 'amount' must hold values of one type"),
        (lambda X, y: (X[["shop"]].assign(shop="grocery"), y), "at least one usable feature column"),
        (lambda X, y: (X.iloc[:1], y.iloc[:1]), "two rows or more, got 1 sample"),
        (lambda X, y: (X.iloc[:0], y.iloc[:0]), "at least one row, got 0 sample"),
        (lambda X, y: (X, None), "requires y to be passed"),
        (lambda X, y: (X.set_axis(["a", "a", *"bcde"], axis=1), y), "column names must differ, got 'a'"),
    ],
)
def test_bad_data_name_the_rule_and_the_value(spoil: Callable[..., tuple[object, object]], message: str) -> None:
    with pytest.raises(DataError, match=message):
        small().fit(*spoil(*mixed()))


def test_infinite_numbers_in_arrays_are_refused() -> None:
    X, y = numbers()
    with pytest.raises(ValueError, match="infinity"):
        small().fit(np.where(X > 2, np.inf, X), y)
    with pytest.raises(ValueError, match="infinity"):
        small().fit(X, y).predict_proba(np.full((1, 3), np.inf))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"lanes": 0}, "lanes must be at least 1, got 0"),
        ({"generations": 0}, "generations must be at least 1, got 0"),
        ({"budget": -1.0}, "budget must be above 0, got -1.0"),
        ({"share_anywhere": 2.0}, r"share_anywhere must lie in 0..1, got 2.0"),
        ({"acquisition": Gap()}, "Gap needs a teacher, got none"),
    ],
)
def test_bad_settings_are_refused_when_fitting(settings: dict[str, object], message: str) -> None:
    model = small(**settings)
    with pytest.raises(ConfigError, match=message):
        model.fit(*numbers())


def test_a_tracker_is_closed_on_error_too() -> None:
    class Broken(Linear):
        def predict_proba(self, rows: Rows) -> np.ndarray:
            raise RuntimeError("broken")

    watch = Watch()
    model = small(learner=Broken())
    model.tracker = watch
    with pytest.raises(RuntimeError, match="broken"):
        model.fit(*numbers())
    assert watch.told[-1] == ("finish", "failed")


def test_without_a_teacher_rows_carry_the_label_of_their_parent() -> None:
    X, y = numbers()
    model = small(labeller=ByCondition(), acceptance=Acceptance(prior_mean=1, prior_sd=1e-3, replicates=30)).fit(X, y)
    assert np.isin(model.outcome_.synthetic.targets, (0, 1)).all()


def test_no_warnings() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        small(teacher=TEACHER).fit(*mixed())


def test_the_unit_of_weights_makes_no_difference() -> None:
    X, y = numbers()
    one, tiny = (small(calibration="platt").fit(X, y, sample_weight=np.full(200, weight)) for weight in (1.0, 2.0**-10))
    np.testing.assert_array_equal(one.predict_proba(X), tiny.predict_proba(X))
    assert one.verdict_ == tiny.verdict_


def test_scores_and_claims_weigh_rows() -> None:
    X, y = numbers(400)
    thinned = (y == "fraud") | (np.random.default_rng(1).random(400) < 0.2)
    weight = np.where(y == "fraud", 1.0, 5.0)[thinned]
    model = small(positive="fraud").fit(X[thinned], y[thinned], sample_weight=weight)
    outcome, judged = model.outcome_, model.outcome_.judged
    labels = (y[thinned] == "fraud").astype(int)[judged]
    expected = score("average_precision", JudgeRows(labels, 1, weight[judged]), outcome.proba_real_only)
    assert outcome.baseline["average_precision"].estimate == pytest.approx(expected)
    assert expected < score("average_precision", JudgeRows(labels, 1), outcome.proba_real_only) - 0.02


def test_the_class_to_catch_is_the_one_whose_rows_weigh_least() -> None:
    X, y = numbers()
    heavy = np.where(y == "fraud", 20.0, 1.0)
    assert small().fit(X, y, sample_weight=heavy).model_.schema.positive == 0
    assert small().fit(X, y).model_.schema.positive == 1


def test_rows_of_groups_are_fewer_pieces_of_evidence() -> None:
    X, y = numbers(40)
    X, y, groups = np.repeat(X, 8, axis=0), np.repeat(y, 8), np.repeat(np.arange(40), 8)
    X = X + np.random.default_rng(0).normal(scale=1e-3, size=X.shape)
    one, many = (small(lanes=2).fit(X, y, groups=each) for each in (groups, np.arange(320)))
    spread = [
        np.subtract(*[getattr(m.outcome_.baseline["average_precision"], side) for side in ("high", "low")])
        for m in (one, many)
    ]
    assert spread[0] > 1.4 * spread[1]


def test_a_second_fit_does_not_write_over_the_rows_of_the_first(tmp_path: Path) -> None:
    X, y = numbers()
    model = small(tracker=JsonlTracker(tmp_path)).fit(X, y)
    rows = (tmp_path / "rows" / "generation-001.parquet").read_bytes()
    with pytest.raises(TrackingError, match="holds a finished one: name another"):
        model.fit(X[:150], y[:150])
    assert (tmp_path / "rows" / "generation-001.parquet").read_bytes() == rows


@pytest.mark.parametrize(
    "column",
    [
        pd.cut(pd.Series(np.arange(200) % 7), [-1, 2, 4, 7]),
        pd.Series(pd.arrays.SparseArray(np.arange(200) % 5 // 4)),
        pd.Series(pd.Categorical(pd.PeriodIndex(np.array(["2024-01", "2024-02"])[np.arange(200) % 2], freq="M"))),
    ],
    ids=["intervals", "sparse", "periods"],
)
def test_a_journal_holds_columns_that_files_do_not_know(column: pd.Series, tmp_path: Path) -> None:
    X, y = numbers()
    frame = pd.DataFrame(X, columns=list("abc")).assign(odd=column)
    small(tracker=JsonlTracker(tmp_path)).fit(frame, y)
    written = pd.read_parquet(tmp_path / "rows" / "generation-001.parquet")["odd"]
    assert set(written.dropna().astype(str)) <= set(column.astype(str))
