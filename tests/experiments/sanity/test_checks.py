"""The rules of the single checks, at their limits."""

from dataclasses import replace

import numpy as np
import pytest

from experiments.sanity.checks import Before, after_work
from experiments.sanity.contradictions import contradictions
from experiments.sanity.counts import few_in_test, few_in_training
from experiments.sanity.finding import Finding
from experiments.sanity.harm import BEFORE, best_plain, harm_at_points, harm_to_groups
from experiments.sanity.identifiers import identifiers
from experiments.sanity.leak import leak
from experiments.sanity.power import Power, Score, power
from experiments.sanity.scores import chance, too_good
from loop.evaluation.judge_rows import JudgeRows
from loop.types import Column, Schema, Table

CLASSES = ("honest", "fraud")


def table(X: np.ndarray, y: np.ndarray, *columns: Column) -> Table:
    made = columns or tuple(Column(f"x{number}", "numeric", "float64") for number in range(X.shape[1]))
    return Table.real(X, y, Schema(made, CLASSES, positive=1, target="y", target_dtype="str"))


def rows(n: int, caught: int, seed: int = 0) -> Table:
    y = np.arange(n) < caught
    return table(np.random.default_rng(seed).normal(size=(n, 2)), y.astype(np.int64))


def alone(**scores: tuple[float, float]) -> Power:
    return Power(Score(0.6, 0.9), {name: Score(*each) for name, each in scores.items()}, 0.05)


@pytest.mark.parametrize(
    ("score", "told"),
    [
        ((0.58, 0.85), True),  # as good as all columns, and far above chance
        ((0.56, 0.85), False),  # 0.93 of all columns
        ((0.40, 0.991), True),  # AUC alone is enough
    ],
)
def test_a_leak_is_as_good_as_all_columns_or_perfect(score: tuple[float, float], told: bool) -> None:
    found = list(leak(alone(weak=(0.1, 0.6), status=score)))
    assert [("'status'" in each.sentence, "'weak'" in each.sentence) for each in found] == [(True, False)] * told


def test_in_a_weak_model_a_column_as_good_as_all_is_no_leak() -> None:
    weak = Power(Score(0.2, 0.75), {"a": Score(0.21, 0.74), "b": Score(0.06, 0.5)}, 0.05)
    assert list(leak(weak)) == []


def test_the_only_column_may_be_as_good_as_all() -> None:
    assert list(leak(alone(only=(0.6, 0.9)))) == []


@pytest.mark.parametrize(
    ("values", "kind", "auc", "told"),
    [
        (lambda n: np.random.default_rng(0).permutation(n) * 7.0, "integer", 0.8, "an identifier (100 %"),
        (lambda n: np.random.default_rng(0).permutation(n) * 7.0, "integer", 0.7, None),  # predicts little
        (lambda n: np.random.default_rng(0).permutation(n) / 7, "numeric", 0.8, None),  # a measurement
        (lambda n: np.repeat(np.arange((n + 1) // 2), 2)[:n].astype(float), "integer", 0.8, "a counter"),
        (lambda n: np.random.default_rng(0).integers(0, n // 2, n).astype(float), "integer", 0.8, None),
    ],
)
def test_identifiers_are_whole_numbers_that_differ_or_follow_the_file(
    values: object, kind: str, auc: float, told: str | None
) -> None:
    x = values(200)  # type: ignore[operator]
    made = table(x[:, None], np.zeros(200, np.int64), Column("number", kind, "float64"))  # type: ignore[arg-type]
    found = list(identifiers(made, alone(number=(0.3, auc))))
    assert [name for name, _ in found] == ["number"] * (told is not None)
    if told is not None:
        assert told.replace(" %", "%") in found[0][1].sentence


@pytest.mark.parametrize("caught", [19, 20])
def test_fewer_than_twenty_to_catch_are_few(caught: int) -> None:
    made = rows(500, caught)
    for check, name in ((few_in_test, "few in test"), (few_in_training, "few in training")):
        found = list(check(made))
        assert [each.name for each in found] == [name] * (caught < 20)
        assert all("19 rows of class 'fraud'" in each.sentence for each in found)


def test_rows_of_one_group_are_one_piece_of_evidence() -> None:
    made = rows(500, 60)
    grouped = replace(made, unit=np.where(made.y == 1, np.arange(500) % 3, np.arange(500) + 3))
    (found,) = few_in_test(grouped)
    assert "60 rows of class 'fraud' in 3 groups" in found.sentence


def test_labels_of_the_test_part_are_only_counted() -> None:
    """Whichever rows have them: the sentence stays the same."""
    made = rows(500, 10)
    other = replace(made, y=made.y[::-1].copy())
    assert list(few_in_test(made)) == list(few_in_test(other))


@pytest.mark.parametrize(("against", "told"), [(9, False), (10, True)])
def test_copies_of_another_class_are_counted(against: int, told: bool) -> None:
    made = rows(5000, 100)
    X = made.X.copy()
    X[1000 : 1000 + 2 * against] = np.repeat(X[:against], 2, axis=0)  # each twice as honest
    found = list(contradictions(table(X, made.y)))
    assert len(found) == told
    if told:
        assert "30 training rows (10 of class 'fraud')" in found[0].sentence
        assert "10 are not of their commonest class" in found[0].sentence


@pytest.mark.parametrize(
    ("reached", "share", "told"),
    [(0.099, 0.05, True), (0.101, 0.05, False), (0.36, 0.29, True), (0.37, 0.29, False), (0.60, 0.5, False)],
)
def test_chance_is_below_twice_the_share_of_a_rare_class(reached: float, share: float, told: bool) -> None:
    found = list(chance(reached, share, "here"))
    assert len(found) == told
    assert all(f"{reached / share:.1f} times" in each.sentence for each in found)


@pytest.mark.parametrize(
    ("reached", "share", "told"), [(0.99, 0.05, True), (0.98, 0.05, False), (0.99, 0.95, False), (1.0, 0.95, True)]
)
def test_too_good_is_near_one_and_far_from_guessing(reached: float, share: float, told: bool) -> None:
    assert len(list(too_good(reached, share, "here", "'status'"))) == told


def test_the_delivered_model_has_the_last_word_on_chance() -> None:
    before = Before((Finding("chance", "by a quick model: look."), Finding("leak", "'a' tells: leave it out.")), None)
    made = rows(200, 40)
    good, bad = (
        np.column_stack([1 - p, p]) for p in (0.5 + 0.4 * (made.y - 0.5) + 0.2 * made.X[:, 0] / 10, made.X[:, 0])
    )
    assert [each.name for each in after_work(before, made, good)] == ["leak", "too good"]
    assert [each.name for each in after_work(before, made, bad)] == ["leak", "chance"]


@pytest.mark.parametrize("high", [-0.001, 0.001])
def test_harm_at_an_operating_point_is_told_first(high: float) -> None:
    arm = {"promised": {"recall": 0.3}, "delivered": {"recall": 0.131}}
    worse = {"promised": {"recall": 0.3}, "delivered": {"recall": 0.008}}
    interval = {"estimate": -0.12, "low": -0.2, "high": high}
    point = {"point": "recall at precision 0.5", "figure": "recall", "before": arm, "after": worse}
    found = list(harm_at_points([point | {"difference": interval}]))
    assert len(found) == (high < 0)
    assert all("recall at precision 0.5: 0.131 before, 0.008" in each.sentence for each in found)


def test_harm_is_told_against_the_best_plain_model_first_and_once_for_each_point() -> None:
    better, worse = ({"delivered": {"recall": recall}} for recall in (0.5, 0.1))
    low = {"difference": {"estimate": -0.4, "low": -0.5, "high": -0.3}}
    open_ = {"difference": {"estimate": 0.0, "low": -0.1, "high": 0.1}}
    point = {"point": "recall at 100 alerts a day", "figure": "recall", "before": better, "after": worse}
    found = list(harm_at_points([point | low], [point | low], "forest"))
    assert [
        each.sentence.startswith(f"{point['point']}: 0.5 with the best plain model (forest)") for each in found
    ] == [True]
    assert list(harm_at_points([point | open_], [point | low], "forest")) == found
    assert list(harm_at_points([point | open_], [point | open_], "forest")) == []


def test_harm_to_one_group_is_named() -> None:
    rng = np.random.default_rng(0)
    y = (rng.random(4000) < 0.1).astype(np.int64)
    sex = rng.integers(0, 2, 4000).astype(float)
    made = table(sex[:, None], y, Column("sex", "categorical", "str", categories=("f", "m")))
    before = y + rng.normal(size=4000) * 0.2
    after = np.where((sex == 1) & (y == 1), before - 0.7, before)
    judged = JudgeRows.of(made)

    def told(*rivals: tuple[str, np.ndarray]) -> list[str]:
        scores = [(name, (each, each)) for name, each in rivals]
        found = harm_to_groups(made, ("sex",), judged, (after, after), scores, 10, np.random.default_rng(1))
        return [each.sentence for each in found]

    (found,) = told((BEFORE, before))
    assert "of group sex = m" in found
    assert "% before, fewer beyond chance: set deliver to plain or to real only" in found
    assert told((BEFORE, after)) == []
    plain = best_plain("forest")
    (over,) = told((plain, before), (BEFORE, after))  # real rows alone are no better: the best plain model is
    assert "with the best plain model (forest), fewer beyond chance" in over
    assert told((plain, before), (BEFORE, before)) == [over]  # a group is told once
    assert told((plain, after), (BEFORE, before)) == [found]


def test_of_a_large_table_those_to_catch_are_looked_at_and_count_as_often_as_they_occur() -> None:
    rng = np.random.default_rng(0)
    y = (np.arange(30_000) < 300).astype(np.int64)
    made = table(np.column_stack([y + rng.normal(size=len(y)), rng.normal(size=len(y))]), y)
    found = power(made, 0)
    assert found is not None
    assert found.share == pytest.approx(0.01)
    assert found.columns["x1"].average_precision < 0.02
    assert found.columns["x0"].auc > 0.7


def test_power_needs_rows_to_catch_in_each_fold() -> None:
    assert power(rows(100, 2), 0) is None
