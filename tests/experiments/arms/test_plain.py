"""Plain models: every kind is scored on rows it has not seen, the best is found, and large tables are thinned."""

from dataclasses import replace

import numpy as np
import pytest
from tiny import rare_table

from experiments.arms import plain
from experiments.arms.kind import BOOSTED, OTHER, RANDOM, Kind
from experiments.arms.names import MEAN, PLAIN_KINDS
from experiments.arms.plain import HEATS, best, kinds, screen, without
from learners import Blend, ExtraTrees, Linear, Thinned, XGBoost
from loop.cycle.lanes import deal, lanes
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import score
from loop.types import Table

TABLE = rare_table(400)
LANES = lanes(deal(TABLE, np.random.default_rng(0), k=2))[:-1]
QUICK = (
    Kind("XGBoost", BOOSTED, (XGBoost(trees=10, depth=3),), slow=False),
    Kind("logistic regression", OTHER, (Linear(C=1e-4), Linear())),
    Kind("extra trees", RANDOM, (ExtraTrees(trees=10, min_leaf=2),)),
)


FIVE = lanes(deal(TABLE, np.random.default_rng(0), k=5))[:-1]
VARIANTS = Kind("logistic regression", OTHER, (Linear(C=1e-4), Linear(), Linear(C=0.1)))


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


def test_the_variant_that_is_best_in_the_first_lanes_stands_for_its_kind() -> None:
    (found,) = screen([VARIANTS], TABLE, FIVE, 0)
    heats = [
        next(screen([replace(VARIANTS, variants=(each,))], TABLE, FIVE[:HEATS], 0)).score for each in VARIANTS.variants
    ]
    chosen = VARIANTS.variants[int(np.argmax(heats))]
    assert found.learner is chosen
    assert found.learner is not VARIANTS.variants[0]
    alone = next(screen([replace(VARIANTS, variants=(chosen,))], TABLE, FIVE, 0))
    np.testing.assert_array_equal(found.judged, alone.judged)
    assert found.score == alone.score


def test_variants_compete_in_the_first_lanes_only(monkeypatch: pytest.MonkeyPatch) -> None:
    fits = list[float]()
    fit = Linear.fit

    def counted(self: Linear, table: Table, rng: np.random.Generator) -> Linear:
        fits.append(self.C)
        return fit(self, table, rng)

    monkeypatch.setattr(Linear, "fit", counted)
    (found,) = screen([VARIANTS], TABLE, FIVE, 0)
    assert isinstance(found.learner, Linear)
    assert {C: fits.count(C) for C in fits} == {
        each.C: len(FIVE) if each.C == found.learner.C else HEATS for each in VARIANTS.variants
    }


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
