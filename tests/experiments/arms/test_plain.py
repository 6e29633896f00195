"""Plain models: every kind is scored on rows it has not seen, the best is found, and large tables are thinned."""

from dataclasses import replace

import numpy as np
import pytest
from tiny import rare_table

from experiments.arms import plain
from experiments.arms.names import MEAN, PLAIN_KINDS
from experiments.arms.plain import BOOSTED, OTHER, RANDOM, Kind, best, kinds, screen, without
from learners import Blend, ExtraTrees, Linear, Thinned, XGBoost
from loop.cycle.lanes import deal, lanes
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import score

TABLE = rare_table(400)
LANES = lanes(deal(TABLE, np.random.default_rng(0), k=2))[:-1]
QUICK = (
    Kind("XGBoost", BOOSTED, (XGBoost(trees=10, depth=3),), slow=False),
    Kind("logistic regression", OTHER, (Linear(C=1e-4), Linear())),
    Kind("extra trees", RANDOM, (ExtraTrees(trees=10, min_leaf=2),)),
)


def judged_rows() -> JudgeRows:
    return JudgeRows.of(TABLE, np.concatenate([lane.judge for lane in LANES]))


def test_every_kind_is_scored_out_of_fold_and_the_mean_is_the_last() -> None:
    found = list(screen(QUICK, TABLE, LANES, 0))
    assert [each.name for each in found] == [*(kind.name for kind in QUICK), MEAN]
    for each in found:
        assert each.score == score("average_precision", judged_rows(), each.judged)
        assert each.quick is None  # no small table is thinned
    np.testing.assert_allclose(found[-1].judged, (found[0].judged + found[2].judged) / 2)
    assert isinstance(found[-1].learner, Blend)
    assert best(found).score == max(each.score for each in found)


def test_the_best_variant_stands_for_its_kind() -> None:
    kind = QUICK[1]
    (found,) = screen([kind], TABLE, LANES, 0)
    alone = [next(screen([replace(kind, variants=(each,))], TABLE, LANES, 0)).score for each in kind.variants]
    assert found.score == max(alone)
    assert found.learner is kind.variants[int(np.argmax(alone))]


def test_answers_come_from_models_that_have_not_seen_the_row() -> None:
    """Labels out of the blue can be learnt by heart, so a model that knew the judge rows would rank them perfectly."""
    noise = rare_table(400, noise=True)
    ways = lanes(deal(noise, np.random.default_rng(0), k=2))[:-1]
    (found,) = screen([Kind("extra trees", RANDOM, (ExtraTrees(trees=30),))], noise, ways, 0)
    assert found.score < 0.3


def test_the_same_seed_gives_the_same_answers() -> None:
    one, other = (list(screen(QUICK, TABLE, LANES, 3, jobs=jobs)) for jobs in (1, 2))
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a.judged, b.judged)


def test_no_kind_is_begun_when_the_time_is_over() -> None:
    assert [each.name for each in screen(QUICK, TABLE, LANES, 0, seconds=0)] == ["XGBoost"]


def test_slow_kinds_see_fewer_rows_of_a_large_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain, "MOST_ROWS", 150)
    found = {each.name: each for each in screen(QUICK, TABLE, LANES, 0)}
    assert found["XGBoost"].quick is None
    quick = found["extra trees"].quick
    assert isinstance(quick, Thinned)
    assert quick.most == 150
    assert found["extra trees"].note == "fitted on 150 of 400 rows"
    assert isinstance(found[MEAN].quick, Blend)
    assert "fitted on 150 of 400 rows" in found[MEAN].note


def test_every_kind_has_a_name_that_can_be_asked_for_and_works() -> None:
    found = kinds(TABLE.schema)
    assert {kind.name for kind in found} <= set(PLAIN_KINDS)
    assert {kind.name for kind in found} >= {"XGBoost", "extra trees", "random forest", "logistic regression", "MLP"}
    for kind in found:
        fitted = kind.variants[0].fit(TABLE, np.random.default_rng(0))
        assert fitted.predict_proba(TABLE.rows).shape == (len(TABLE), 2)


def test_the_learner_itself_is_not_fitted_twice() -> None:
    found = kinds(TABLE.schema)
    assert len(without(found, XGBoost())) == len(found) - 1
    assert without(found, XGBoost(trees=7)) == found
