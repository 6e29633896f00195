"""Students that are taught beside bought labels: what is bought, what is compared, and the figures read off."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from tiny import rare_table, tiny_parts

from experiments.benchmarks.curves.cells import Sides
from experiments.benchmarks.labels.cells import Bought, beginning
from experiments.benchmarks.labels.taught import ARMS, BOUGHT, Taught, bought
from experiments.benchmarks.labels.taught_table import figures, table_of
from experiments.config.given import TaughtRows
from experiments.storage.result_cache import digest_of
from loop.cycle.parts import Settings
from loop.data.split import equal_to
from loop.seeds import stream

SIDES = Sides(rare_table(400), rare_table(300, seed=1), None, 0)
SHARES = (0.05, 0.25, 0.4)


def test_labels_are_bought_up_to_each_share_and_the_rest_is_the_pool() -> None:
    order = stream(0, "labels").permutation(400)
    start = beginning(SIDES.train, order)
    assert 20 < start < 100
    for wanted, (table, groups, pool) in zip((start, 100, 160), bought(SIDES, SHARES), strict=True):
        assert len(table) == wanted
        assert len(table) + len(pool) == 400
        assert groups is None
        assert not equal_to(pool.X, table.X).any()
        assert (table.X[:start] == SIDES.train.X[order[:start]]).all()
        assert table.judging is not None
        assert (table.judging[:start] == 1).all()
        assert (table.judging[start:] == 0).sum() >= 0.7 * (wanted - start)


def test_the_first_batches_are_those_of_the_curves() -> None:
    """Up to the last batch before a share, the questions are the same as those of the benchmark's curves."""
    shares = [float(str(each["x"])) for each in Bought("XGBoost", "doubt", most=0.2).rows(SIDES)]
    ((table, _, _),) = bought(SIDES, (shares[2],))
    ((longer, _, _),) = bought(SIDES, (shares[3],))
    assert len(table) == round(400 * shares[2])
    assert equal_to(table.X, longer.X).all()


def test_groups_follow_the_rows() -> None:
    groups = np.arange(400) // 2
    sides = SIDES._replace(groups=groups)
    ((table, own, _),) = bought(sides, (0.3,))
    of_row = {tuple(x): group for x, group in zip(SIDES.train.X, groups, strict=True)}
    assert own is not None
    assert [of_row[tuple(x)] for x in table.X] == own.tolist()


def test_a_cell_scores_three_students_at_each_share() -> None:
    parts = tiny_parts(settings=Settings(generations=1, jobs=1))
    cell = Taught(parts, TaughtRows(unlabelled="pool", rows=100), (0.3, 0.5))
    rows = pd.DataFrame(cell.rows(SIDES))
    assert rows["arm"].tolist() == [*ARMS, *ARMS]
    assert rows["x"].tolist() == [0.3] * 3 + [0.5] * 3
    assert rows["average_precision"].between(0.05, 1).all()
    assert (rows.loc[rows["arm"] == BOUGHT, "taught"] == 0).all()
    same = rows[(rows["taught"] == 0) & (rows["arm"] != BOUGHT)]  # nothing kept: the student on bought labels alone
    alone = rows[rows["arm"] == BOUGHT].set_index("share")["average_precision"]
    assert (same["average_precision"].to_numpy() == alone.loc[same["share"]].to_numpy()).all()
    assert digest_of(cell, "suite:kc1") != digest_of(replace(cell, supply=TaughtRows(unlabelled="pool")), "suite:kc1")


def test_too_few_rows_for_a_loop_leave_the_student_alone() -> None:
    few = replace(SIDES.train, y=(np.arange(400) < 3).astype(np.int64)).take(np.arange(60))
    rows = pd.DataFrame(Taught(tiny_parts(), shares=(0.5,)).rows(SIDES._replace(train=few)))
    assert rows["average_precision"].nunique() == 1
    assert (rows["taught"] == 0).all()


def test_figures_are_means_over_tables_and_errors_over_cells() -> None:
    scores = {("a", 0): (0.2, 0.3, 0.4), ("a", 1): (0.4, 0.3, 0.6), ("b", 0): (0.5, 0.6, 0.8)}
    told = [
        {"table": table, "split": split, "share": 0.05, "arm": arm, "x": 0.06, "average_precision": ap}
        for (table, split), aps in scores.items()
        for arm, ap in zip(ARMS, aps, strict=True)
    ]
    found = json.loads(json.dumps(figures(pd.DataFrame(told))))["taught_5"]
    assert found["bought"] == pytest.approx(0.4)  # (0.3 + 0.5) / 2: a table with more splits counts no more
    assert found["pool"] == pytest.approx(0.65)
    assert found["generated_gain"] == pytest.approx((0.1 - 0.1 + 0.1) / 3, abs=1e-4)
    assert found["pool_se"] == pytest.approx(np.std([0.2, 0.2, 0.3], ddof=1) / np.sqrt(3), abs=1e-4)
    assert (found["labels"], found["cells"]) == (0.06, 3)
    console = Console(width=160, record=True)
    console.print(table_of(pd.DataFrame(told)))
    assert "0.650 (+0.233 ± 0.033)" in console.export_text()
    one = figures(pd.DataFrame(told[:3]))["taught_5"]
    assert one["pool_se"] is None
