"""A thinned learner answers as if it had seen all rows, and comes back from disk bit for bit."""

import json
from pathlib import Path

import numpy as np
import pytest
from tiny import rare_table

from learners import Blend, ExtraTrees, Linear, Thinned, XGBoost
from loop.data.thinning import thinned
from loop.errors import ConfigError, DataError
from loop.testing.learners import blobs
from loop.types import Table


def rare(n: int = 6000, share: float = 0.05) -> Table:
    many = rare_table(n)
    y = (np.random.default_rng(0).random(n) < share).astype(np.int64)
    return Table.real(many.X, y, many.schema)


def test_small_classes_stay_whole_and_large_ones_share_what_is_left() -> None:
    table = rare()
    rows, shares = thinned(table, 1000, np.random.default_rng(0))
    assert len(rows) == 1000
    assert (rows.y == 1).sum() == (table.y == 1).sum()
    assert shares[1] == 1
    assert shares[0] == pytest.approx((1000 - (table.y == 1).sum()) / (table.y == 0).sum())
    even, shares = thinned(blobs(n_classes=3), 90, np.random.default_rng(0))
    assert np.bincount(even.y).tolist() == [30, 30, 30]


def test_a_table_that_is_small_enough_stays_as_it_is() -> None:
    table = rare(500)
    rows, shares = thinned(table, 500, np.random.default_rng(0))
    assert rows is table
    assert (shares == 1).all()


def test_probabilities_are_those_of_all_rows() -> None:
    table = rare()
    fitted = Thinned(Linear(), 1000).fit(table, np.random.default_rng(0))
    assert fitted.predict_proba(table.rows)[:, 1].mean() == pytest.approx(table.y.mean(), rel=0.1)


@pytest.mark.parametrize("learner", [XGBoost(trees=5), Blend((Linear(), Thinned(ExtraTrees(trees=3), 700)))])
def test_it_comes_back_from_disk_bit_for_bit(learner: XGBoost | Blend, tmp_path: Path) -> None:
    table = rare(1500)
    fitted = Thinned(learner, 800).fit(table, np.random.default_rng(0))
    fitted.save(tmp_path / "model")
    again = Thinned.load(tmp_path / "model")
    np.testing.assert_array_equal(again.predict_proba(table.rows), fitted.predict_proba(table.rows))


@pytest.mark.parametrize("content", [{}, {"most": 5, "shares": [0.0, 1.0]}, {"most": 5, "shares": [2.0]}, []])
def test_an_altered_file_is_refused(content: object, tmp_path: Path) -> None:
    Thinned(Linear()).fit(rare(500), np.random.default_rng(0)).save(tmp_path / "model")
    (tmp_path / "model" / "thinned.json").write_text(json.dumps(content))
    with pytest.raises(DataError):
        Thinned.load(tmp_path / "model")


def test_no_rows_at_all_are_refused() -> None:
    with pytest.raises(ConfigError, match="most must be at least 1, got 0"):
        Thinned(Linear(), 0)
