"""The benchmark of planted label errors: what it plants, and its last line on figures known beforehand."""

import numpy as np
import pandas as pd
import pytest
from tiny import TEACHER, rare_table

from experiments.benchmarks import label_errors
from experiments.benchmarks.label_errors import LIST, MEANS, RANKING, XGBOOST, flipped, headline, table_of
from experiments.data.sources import Dataset, load
from loop.errors import ConfigError


def test_three_in_a_hundred_labels_are_flipped_without_regard_to_class() -> None:
    table = rare_table(2_000)
    moved, wrong = flipped(table, 0)
    assert wrong.sum() == 60
    np.testing.assert_array_equal(moved.y != table.y, wrong)
    assert 45 < (table.y[wrong] == 0).sum() < 60  # nine in ten rows are negative
    assert (flipped(table, 1)[1] != wrong).any()


def test_tables_are_cut_and_encoded_without_the_published_split() -> None:
    frame = pd.DataFrame({"x": np.arange(500) % 97 / 7, "split": "train", "target": np.arange(500) % 2})
    table = table_of(Dataset("adult", frame, "target"), 300, 0)
    assert len(table) == 300
    assert table.schema.names == ("x",)
    simulated = table_of(load("simulation:customers=20,days=21"), None, 0)
    assert set(simulated.schema.names) & {"customer", "time", "transaction", "fraud"} == set()


def test_every_way_ranks_rows_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(label_errors, "Committee", lambda jobs: TEACHER)
    table, wrong = flipped(rare_table(1_000), 0)
    ways, share = label_errors.ranked(table, 0, repeats=1)
    assert set(ways) == {LIST, MEANS, RANKING, XGBOOST}
    assert all(len(np.unique(rows)) == len(rows) for rows in ways.values())
    assert len(ways[RANKING]) == len(ways[XGBOOST]) == 1_000
    assert wrong[ways[RANKING][:30]].mean() > 0.3
    assert 0 <= share < 0.2


def test_the_last_line() -> None:
    def row(table: str, way: str, listed: int, precision: float, clean: bool) -> dict[str, object]:
        return {"table": table, "way": way, "rows": 1_000, "listed": listed, "precision": precision, "clean": clean}

    rows = [row("adult", LIST, 30, 0.8, False), row("adult", LIST, 30, 0.9, False), row("adult", MEANS, 9, 0.1, False)]
    rows += [row("1 % positives", LIST, listed, 0, True) for listed in (0, 4)]
    rows += [row("1 % positives", MEANS, 50, 0, True)]
    told = headline(pd.DataFrame(rows))
    assert told == {"precision_adult": 0.85, "listed_on_clean": 4, "listed_on_clean_share": 0.004}


def test_unknown_tables_are_refused() -> None:
    with pytest.raises(ConfigError, match="--tables must be among mammography"):
        label_errors.main(tables="nowhere")
