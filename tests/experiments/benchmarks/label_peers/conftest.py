"""The stand-in for the script of the peers, and a small split."""

from pathlib import Path

import pytest
from label_peers_stand_in import StandIn
from tiny import rare_table

from experiments.benchmarks.curves.cells import Sides


@pytest.fixture
def stand_in(tmp_path: Path) -> StandIn:
    (tmp_path / "seen").mkdir()
    return StandIn(tmp_path)


@pytest.fixture
def sides() -> Sides:
    return Sides(rare_table(200, seed=1), rare_table(120, seed=2), None, 0)
