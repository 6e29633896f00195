"""Rows that stand and fall together are one piece of evidence, and weights count wherever rows do."""

from dataclasses import replace

import numpy as np
import pytest
from judged_models import two_models
from scipy.special import expit

from loop.data.split import units
from loop.errors import DataError
from loop.evaluation.bootstrap import intervals, paired
from loop.evaluation.cluster_bootstrap import standard_error
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import METRICS, score
from loop.regions import TreeFinder
from loop.regions.clusters import unit_difference, unit_p
from loop.types import Column, Schema, Table


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_units_are_numbered_where_there_are_any() -> None:
    assert units(None) is None
    assert units(np.array(["a", "b", None], dtype=object)) is None  # each row alone, the missing one too
    np.testing.assert_array_equal(units(np.array(["a", "b", "a"])), [0, 1, 0])


@pytest.mark.parametrize("name", ["average_precision", "recall_at_fpr_05", "brier"])
def test_rows_alone_and_equal_weights_change_little(name: str) -> None:
    judged, champion, challenger = two_models(400, 40, rng(1))
    plain, alone = (
        paired(name, replace(judged, unit=unit), champion, challenger, rng(2), replicates=800)
        for unit in (None, np.arange(400))
    )
    assert alone.difference.estimate == pytest.approx(plain.difference.estimate)
    assert alone.standard_error == pytest.approx(plain.standard_error, rel=0.1)
    heavy = replace(judged, weight=np.full(400, 7.0))
    weighed = paired(name, heavy, champion, challenger, rng(2), replicates=800)
    assert weighed.difference == plain.difference


@pytest.mark.parametrize("name", ["average_precision", "roc_auc", "log_loss"])
def test_ten_copies_of_each_row_prove_no_more_than_one(name: str) -> None:
    judged, champion, challenger = two_models(300, 30, rng(3))
    copies = np.repeat(np.arange(300), 10)
    strangers = judged.take(copies)
    groups = replace(strangers, unit=copies)
    one = paired(name, judged, champion, challenger, rng(4), replicates=600)
    ten = paired(name, groups, champion[copies], challenger[copies], rng(4), replicates=600)
    blind = paired(name, strangers, champion[copies], challenger[copies], rng(4), replicates=600)
    assert ten.standard_error == pytest.approx(one.standard_error, rel=0.15)
    assert blind.standard_error < 0.5 * one.standard_error


@pytest.mark.parametrize("name", METRICS)
def test_a_weight_of_two_is_the_row_twice(name: str) -> None:
    judged, champion, _ = two_models(200, 40, rng(5))
    weight = rng(6).integers(1, 3, 200)
    rows = np.repeat(np.arange(200), weight)
    weighed = intervals([name], replace(judged, weight=weight.astype(float)), champion, rng(7))[name]
    assert weighed.estimate == pytest.approx(score(name, judged.take(rows), champion[rows]))
    assert weighed.low <= weighed.estimate <= weighed.high


def test_the_closed_form_is_the_spread_of_many_replicates() -> None:
    y, unit = (np.arange(600) % 5 == 0).astype(np.int64), np.arange(600) // 3
    values, weight = rng(8).exponential(size=600) + y + unit % 7, rng(9).uniform(0.5, 2, 600)
    means = []
    for seed in range(3000):
        drawn = np.bincount(rng(seed).integers(0, 200, 200), minlength=200)[unit] * weight
        means.append(np.average(values, weights=drawn))
    judged = JudgeRows(np.zeros(600, dtype=int), 1, weight, unit)
    assert standard_error(values, judged) == pytest.approx(np.std(means), rel=0.06)


def test_groups_too_few_to_hold_each_class_are_refused_in_a_sentence() -> None:
    _, champion, challenger = two_models(40, 8, rng(10))
    y = (np.arange(40) < 3).astype(np.int64)
    unit = np.minimum(np.arange(40), 3)  # in most draws the one group of class 0 stays, and so do rows of class 1
    assert paired("roc_auc", JudgeRows(y, 1, unit=unit), champion, challenger, rng(12)).standard_error > 0
    judged = JudgeRows(y, 1, unit=np.where(y == 1, np.arange(40), 0))
    with pytest.raises(DataError, match="needs several groups that hold each class"):
        paired("roc_auc", judged, champion, challenger, Stubborn(), replicates=3)  # type: ignore[arg-type]


class Stubborn:
    """Draws the first group again and again."""

    def choice(self, own: np.ndarray, size: int) -> np.ndarray:
        return np.full(size, own[-1])


# Regions


def cards(n_cards: int, each: int, seed: int) -> tuple[Table, np.ndarray]:
    """Payments of cards that share their features and, all noise, their weakness."""
    own = rng(seed)
    card = np.repeat(np.arange(n_cards), each)
    X = own.normal(size=(n_cards, 4))[card] + 0.01 * own.normal(size=(n_cards * each, 4))
    y = (own.random(n_cards)[card] < 0.3).astype(np.int64)
    columns = tuple(Column(f"x{at}", "numeric", "float64", float(x.min()), float(x.max())) for at, x in enumerate(X.T))
    table = Table.real(X, y, Schema(columns, ("no", "yes")))
    return Table(*(getattr(table, name) for name in TRAIL), unit=card), own.exponential(size=n_cards)[card]


TRAIL = ("rows", "y", "schema", "weight", "generation", "supply", "parents", "soft")


def test_noise_that_comes_in_cards_has_no_regions() -> None:
    finder, found, blind = TreeFinder(min_positives=0), 0, 0
    for seed in range(40):
        table, weakness = cards(100, 10, seed)
        found += bool(finder.find(table, weakness, rng(seed)))
        blind += bool(finder.find(Table(*(getattr(table, name) for name in TRAIL)), weakness, rng(seed)))
    assert found <= 6  # 0.05 of 40, with room for chance
    assert blind > 20  # what the same rows would say as so many strangers


def test_a_weak_corner_of_cards_is_found() -> None:
    table, weakness = cards(300, 5, 0)
    corner = (table.X[:, 0] > 0.5) & (table.X[:, 1] > 0)
    regions = TreeFinder().find(table, weakness + 3 * corner, rng(0))
    assert regions
    inside = regions[0].contains(table.rows)
    assert corner[inside].mean() > 0.7
    assert regions[0].deficit is not None
    assert regions[0].deficit.low > 0


def test_p_values_of_units_are_fair() -> None:
    p = []
    for seed in range(400):
        own = rng(seed)
        unit, inside = np.repeat(np.arange(80), 4), np.repeat(own.random(80) < 0.3, 4)
        p.append(unit_p(own.exponential(size=80)[unit], [inside], unit, 199, own)[0])
    assert np.mean(np.array(p) <= 0.05) < 0.075
    assert np.mean(np.array(p) <= 0.5) == pytest.approx(0.5, abs=0.1)


def test_intervals_of_units_cover() -> None:
    covered = []
    for seed in range(300):
        own = rng(seed)
        unit, inside = np.repeat(np.arange(120), 4), np.repeat(own.random(120) < 0.4, 4)
        weakness = expit(own.normal(size=120))[unit] + 0.5 * inside
        interval = unit_difference(weakness, inside, unit)
        covered.append(interval.low <= 0.5 <= interval.high)
    assert 0.91 < np.mean(covered) < 0.99
