"""Learners of series are held to the laws of learners that read arrays, and bad ones are found out."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
from series_tables import series_table

from learners import ConvnetSeries, MiniRocket
from learners.series import heads
from learners.series.reading import evened
from loop.errors import ConfigError, DataError
from loop.protocols import Learner
from loop.rows import Rows
from loop.testing.arrays import (
    LEARNER_LAWS,
    a_row_has_its_answer_in_any_company,
    absent_classes_keep_their_column,
    rows_without_weight_teach_nothing,
    soft_labels_count,
)
from loop.types import Table

MAKERS: dict[str, Callable[[], Learner]] = {
    "ridge": lambda: MiniRocket(features=840),
    "logistic": lambda: MiniRocket(features=420, head="logistic"),
    "xgboost": lambda: MiniRocket(features=420, head="xgboost"),
    "convnet": lambda: ConvnetSeries(width=8, steps=80, batch=16),
}
table = cache(series_table)


@pytest.mark.parametrize("law", LEARNER_LAWS, ids=lambda law: law.__name__)
@pytest.mark.parametrize("name", MAKERS)
def test_laws_hold(name: str, law: Callable[[Callable[[], Learner], Table], None]) -> None:
    law(MAKERS[name], table())


@pytest.mark.parametrize("name", MAKERS)
def test_several_lengths_channels_and_classes(name: str) -> None:
    several = table(200, classes=3, channels=2, several_lengths=True)
    learner = MAKERS[name]().fit(several.take(np.arange(120)), np.random.default_rng(0))
    other = several.take(np.arange(120, 200))
    found = (learner.predict_proba(other.rows).argmax(axis=1) == other.y).mean()
    assert found > 0.8
    a_row_has_its_answer_in_any_company(MAKERS[name], several)


@dataclass(eq=False)
class Bad(MiniRocket):
    """Ignores soft labels and weights, and answers by the rows beside it."""

    features: int = 168

    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        return super().fit(Table.real(table.rows, table.y, table.schema), rng)

    def predict_proba(self, rows: Rows) -> np.ndarray:
        proba = super().predict_proba(rows)
        return 0.9 * proba + 0.1 * proba.mean(axis=0) if len(rows) else proba


def test_laws_bite() -> None:
    for law in (soft_labels_count, rows_without_weight_teach_nothing, a_row_has_its_answer_in_any_company):
        with pytest.raises(AssertionError):
            law(Bad, table())
    with pytest.raises(AssertionError):
        absent_classes_keep_their_column(lambda: _Narrow(features=168), table())


@dataclass(eq=False)
class _Narrow(MiniRocket):
    """Gives no column to a class without rows."""

    def predict_proba(self, rows: Rows) -> np.ndarray:
        proba = super().predict_proba(rows)
        return proba[:, (proba > 0).any(axis=0)]


@pytest.mark.parametrize("name", ["ridge", "logistic", "convnet"])
def test_balanced_learners_give_rare_classes_more(name: str) -> None:
    own = series_table(120, rare=0.08)
    plain = MAKERS[name]()
    even = replace(plain, balanced=True)  # type: ignore[type-var]
    rare = [each.fit(own, np.random.default_rng(0)).predict_proba(own.rows)[:, 1].mean() for each in (plain, even)]
    assert rare[1] > rare[0]


def test_evened_classes_weigh_alike() -> None:
    own = table(200, classes=3)
    soft = np.random.default_rng(0).dirichlet(np.ones(3), len(own))
    for each in (own, replace(own, soft=soft)):
        weights = evened(each).weight
        assert weights.sum() == pytest.approx(each.weight.sum())
    np.testing.assert_allclose(np.bincount(own.y, weights=evened(own).weight), len(own) / 3)


def test_bad_settings_and_damaged_files_are_refused(tmp_path: Path) -> None:
    settings: list[dict[str, Any]] = [{"features": 50}, {"head": "tree"}]
    for wrong in settings:
        with pytest.raises(ConfigError):
            MiniRocket(**wrong)
    with pytest.raises(ConfigError):
        ConvnetSeries(width=9)
    learner = MiniRocket(features=84).fit(table(), np.random.default_rng(0))
    learner.save(tmp_path / "m")
    held = dict(np.load(tmp_path / "m" / "minirocket.npz"))
    damage: dict[str, np.ndarray] = {
        "weights": held["weights"][:-1],
        "biases": held["biases"] * np.nan,
        "channels": held["channels"] + 7,
        "classes": held["classes"][::-1],
        "dilations": -held["dilations"],
    }
    for name, array in damage.items():
        np.savez(tmp_path / "m" / "minirocket.npz", **{**held, name: array})
        with pytest.raises(DataError, match="save the model again"):
            MiniRocket.load(tmp_path / "m")


def test_learners_know_for_which_rows_they_are() -> None:
    own = table()
    other = replace(own.schema, arrays=(replace(own.schema.arrays[0], column="sound"),))
    for name in ("ridge", "convnet"):
        learner: Any = MAKERS[name]().fit(own, np.random.default_rng(0))
        assert learner.misfit(own.schema) is None
        assert "wave" in learner.misfit(other)


@pytest.mark.parametrize("name", ["ridge", "convnet"])
def test_rows_without_their_series_are_refused(name: str) -> None:
    learner = MAKERS[name]().fit(table(), np.random.default_rng(0))
    X, entries = table().X, table().rows.arrays["wave"]
    for arrays in ({}, {"wave": entries[:, 0]}, {"wave": np.repeat(entries, 2, axis=1)}):
        with pytest.raises(DataError, match="series 'wave'"):
            learner.predict_proba(Rows(X, arrays))


def test_many_rows_are_spanned_by_some_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """With fewer rows than there are, the space is smaller and the answers hardly change."""
    own = table(240, classes=3)
    train, other = own.take(np.arange(160)), own.take(np.arange(160, 240))
    every = MiniRocket(features=420).fit(train, np.random.default_rng(0)).predict_proba(other.rows)
    monkeypatch.setattr(heads, "MOST_ROWS", 100)
    monkeypatch.setattr(heads, "DIRECTIONS", 80)
    monkeypatch.setattr(heads, "PIECE", 50)
    some = MiniRocket(features=420).fit(train, np.random.default_rng(0))
    assert (some.predict_proba(other.rows).argmax(axis=1) == other.y).mean() > 0.9
    assert np.abs(some.predict_proba(other.rows) - every).mean() < 0.1
    for name, kind in (("logistic", MiniRocket(features=420, head="logistic")), ("ridge", MiniRocket(features=420))):
        found = kind.fit(train, np.random.default_rng(0)).predict_proba(other.rows).argmax(axis=1)
        assert (found == other.y).mean() > 0.9, name
