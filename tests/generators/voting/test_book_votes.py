"""Votes of scenarios: which rows each meets, what several say together, and conflicts."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from generators.voting.book_votes import BookVotes, Tally
from loop.errors import ConfigError
from loop.testing.tables import mixed_table
from loop.types import Table

SCORE = {"from": "uniform", "low": -5, "high": 5}


def range_of(low: float, high: float) -> dict[str, object]:
    return {"score": {"from": "uniform", "low": low, "high": high}}


def tally(folder: Path, **scenarios: object) -> tuple[Table, Tally]:
    path, table = folder / "book.yaml", mixed_table()
    told = {name: {"weight": 1, **each} for name, each in scenarios.items()}  # type: ignore[dict-item]
    path.write_text(yaml.safe_dump({"columns": {"score": SCORE}, "scenarios": told}))
    return table, BookVotes(path).tally(table, table.rows, np.random.default_rng(0))


def test_one_class_is_certain_and_other_rows_get_none(tmp_path: Path) -> None:
    table, found = tally(tmp_path, high={"label": "fraud", "columns": range_of(1, 5)})
    met = table.X[:, 1] >= 1
    assert (found.met[0] == met).all()
    assert (found.proba[met] == [0, 1]).all()
    assert np.isnan(found.proba[~met]).all()
    assert found.conflicts == 0


def test_different_classes_conflict_and_equal_ones_agree(tmp_path: Path) -> None:
    table, found = tally(
        tmp_path,
        high={"label": "fraud", "columns": range_of(0, 5)},
        top={"label": "fraud", "columns": range_of(1, 5)},
        middle={"label": "fine", "columns": range_of(-1, 0.5)},
    )
    score = table.X[:, 1]
    both = (score >= 0) & (score <= 0.5)
    assert found.conflicts == both.sum() > 0
    assert np.isnan(found.proba[both]).all()
    assert (found.proba[score >= 1] == [0, 1]).all()
    assert (found.proba[(score < 0) & (score >= -1)] == [1, 0]).all()


def test_probabilities_give_their_mean(tmp_path: Path) -> None:
    table, found = tally(
        tmp_path,
        some={"label": {"probabilities": {"fraud": 0.8, "fine": 0.2}}, "columns": range_of(0, 5)},
        few={"label": {"probabilities": {"fine": 0.6, "fraud": 0.4}}, "columns": range_of(1, 5)},
        sure={"label": "fraud", "columns": range_of(2, 5)},
    )
    score = table.X[:, 1]
    assert found.conflicts == 0
    assert np.allclose(found.proba[(score >= 0) & (score < 1)], [0.2, 0.8])
    assert np.allclose(found.proba[(score >= 1) & (score < 2)], [0.4, 0.6])
    assert np.allclose(found.proba[score >= 2], [0.8 / 3, 2.2 / 3])
    assert (score >= 2).any()


def test_scenarios_of_no_weight_do_not_vote(tmp_path: Path) -> None:
    _, found = tally(
        tmp_path,
        high={"label": "fraud", "columns": range_of(1, 5)},
        off={"label": "fine", "columns": range_of(1, 5), "weight": 0},
    )
    assert found.names == ("high",)
    assert found.conflicts == 0


def test_a_label_that_is_drawn_cannot_vote(tmp_path: Path) -> None:
    drawn = {"from": "choice", "values": ["fine", "fraud"]}
    with pytest.raises(ConfigError, match="'high' must have a class or probabilities as its label to label real rows"):
        tally(tmp_path, high={"label": drawn, "columns": range_of(1, 5)})
