"""Fits on row groups: the model of rows in memory, in this process and on workers, one of whom is killed."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from parquet_folders import seen, write_folder
from scale_killer import OWN, Killer, cluster
from small_runs import frame

from experiments.config.scale_config import ScaleConfig
from experiments.data.files import Reading
from experiments.refit import together
from experiments.refit.seeing import SeenGroup
from experiments.refit.shards import Fit, dealt
from experiments.refit.together import fitted
from experiments.scale.cluster import on_workers
from learners import XGBoost
from loop.data.encoding import encode
from loop.data.schema import infer
from loop.errors import DataError, WeakspotError
from loop.seeds import stream
from loop.types import Table

WHOLE = frame(2000)
SCHEMA = infer(WHOLE, "fraud", positive="yes")
REAL = encode(SCHEMA, WHOLE)
NEW = replace(
    REAL.take(np.arange(50)), soft=np.full((50, 2), 0.5), weight=np.full(50, 0.7), generation=np.ones(50, int)
)
LEARNER = XGBoost(trees=10, column_share=0.6)


@pytest.fixture(scope="module")
def groups(tmp_path_factory: pytest.TempPathFactory) -> list[SeenGroup]:
    """Of three files; all rows of the class to catch are in the last one."""
    folder = tmp_path_factory.mktemp("folder") / "data"
    return seen(write_folder(folder, [WHOLE[:700], WHOLE[700:900], WHOLE[900:]], rows=300), SCHEMA)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with cluster(tmp_path_factory.mktemp("cluster")) as (address, _):
        yield address


def fit_of(learner: XGBoost) -> Fit:
    return Fit("fit", learner, Table.concat([REAL, NEW]), Reading(), 3)


def in_memory() -> XGBoost:
    return replace(LEARNER).fit(Table.concat([REAL, NEW]), stream(3, "all rows", "fit"))


def check_equal(found: XGBoost) -> None:
    np.testing.assert_allclose(found.predict_proba(REAL.rows), in_memory().predict_proba(REAL.rows), atol=1e-6, rtol=0)


class TestDealt:
    def test_every_group_goes_to_one_shard_and_the_new_rows_to_one(self, groups: list[SeenGroup]) -> None:
        for number in (1, 2, 3, 20):
            shards = dealt(groups, number, NEW)
            assert len(shards) == min(number, len(groups))
            assert sorted(each.group.first for shard in shards for each in shard.groups) == [
                each.group.first for each in groups
            ]
            assert [shard.new_rows is NEW for shard in shards] == [False] * (len(shards) - 1) + [True]

    def test_groups_without_rows_to_fit_on_go_nowhere(self, groups: list[SeenGroup]) -> None:
        empty = replace(groups[0], seen=replace(groups[0].seen, rows=0))
        assert sum(len(shard.groups) for shard in dealt([empty, groups[1]], 2, None)) == 1


def test_in_this_process_to_the_last_byte(groups: list[SeenGroup]) -> None:
    found = fitted(fit_of(LEARNER), groups, NEW)
    assert found.booster_.save_raw() == in_memory().booster_.save_raw()
    without = fitted(fit_of(LEARNER), groups)
    assert without.booster_.save_raw() != found.booster_.save_raw()


@pytest.mark.slow
def test_on_two_workers(groups: list[SeenGroup], address: str) -> None:
    with on_workers(ScaleConfig(dask=address)):
        first, second = fitted(fit_of(LEARNER), groups, NEW), fitted(fit_of(LEARNER), groups, NEW)
    check_equal(first)
    assert first.booster_.save_raw() == second.booster_.save_raw()


@pytest.mark.slow
def test_on_workers_one_of_which_is_killed(groups: list[SeenGroup], address: str, tmp_path: Path) -> None:
    order = tmp_path / "order"
    order.write_text(OWN)
    learner = Killer(trees=10, column_share=0.6, order=str(order))
    with on_workers(ScaleConfig(dask=address)):
        found = fitted(fit_of(learner), groups, NEW)
    assert not order.exists()
    check_equal(found)


@pytest.mark.slow
def test_errors_of_the_data_come_back_as_they_are(groups: list[SeenGroup], address: str, tmp_path: Path) -> None:
    gone = replace(groups[0], group=replace(groups[0].group, path=tmp_path / "gone.parquet"))
    with on_workers(ScaleConfig(dask=address)), pytest.raises(DataError, match=r"gone\.parquet must be a readable"):
        fitted(fit_of(LEARNER), [gone, *groups[1:]])


@pytest.mark.slow
def test_without_a_worker(groups: list[SeenGroup], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "LONGEST_WITHOUT", 1.0)
    with cluster(tmp_path, workers=1) as (address, _), on_workers(ScaleConfig(dask=address)):
        place = together.place_of_work()
        place.client.retire_workers(list(place.client.nthreads()))  # type: ignore[attr-defined]
        with pytest.raises(WeakspotError, match="Dask must have a worker for the work"):
            fitted(fit_of(LEARNER), groups)
