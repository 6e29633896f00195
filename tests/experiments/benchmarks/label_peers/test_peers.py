"""The command: cells that are kept, the last line, and refusals."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from label_peers_stand_in import StandIn
from tiny import rare_table

from experiments.benchmarks.curves.cells import Sides
from experiments.benchmarks.label_errors import flipped
from experiments.benchmarks.labels import labels
from experiments.benchmarks.labels.peers import cells, peers
from experiments.benchmarks.labels.peers.cells import CLEANLAB, OURS
from experiments.benchmarks.labels.peers.exchange import PEER
from loop.errors import ConfigError, DataError

WAYS = ("modAL uncertainty", "scikit-activeml margin")


@pytest.fixture
def small(stand_in: StandIn, sides: Sides, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """The command on small tables, with the stand-in."""
    for module in (peers, labels):
        monkeypatch.setattr(module, "suite_sides", lambda table, seed: sides._replace(seed=int(seed)))
    monkeypatch.setattr(cells, "planted", lambda name, seed, most: flipped(rare_table(300), seed))
    monkeypatch.setattr(peers, "PEER", replace(PEER, worker=stand_in.home / "worker.py"))
    stand_in.environment()
    return stand_in


def run(out: Path, seeds: int = 1, ways: str = WAYS[0]) -> None:
    peers.main(Path(sys.executable), tables="oil_spill", seeds=seeds, peers=ways, errors="mammography", out=out)


def test_cells_are_kept_and_the_last_line_is_json(
    small: StandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(tmp_path / "out")
    text = capsys.readouterr().out
    told = json.loads(text.splitlines()[-1])
    assert set(told["median_share_for_95"]) == set(told["ap_10"]) == {*peers.OWN, WAYS[0]}
    assert told["versions"] == {"scikit-activeml": "9.1", "modAL-python": "9.2", "cleanlab": "9.3"}
    assert "Peers: scikit-activeml 9.1, modAL-python 9.2, cleanlab 9.3." in text
    run(tmp_path / "out")
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == told
    assert (len(small.steps("buy")), len(small.steps("check"))) == (1, 1)
    run(tmp_path / "out", seeds=2, ways=",".join(WAYS))
    assert (len(small.steps("buy")), len(small.steps("check"))) == (4, 2)
    small.environment().peer.worker.write_text((small.home / "worker.py").read_text() + "# another script\n")
    run(tmp_path / "out")
    assert len(small.steps("buy")) == 5, "cells of another script are other cells"


def test_the_last_line_is_read_off_the_curves() -> None:
    def points(table: str, arm: str, pairs: list[tuple[float, float]]) -> list[dict[str, object]]:
        told = {"learner": "extra trees", "split": 0, "table": table, "arm": arm}
        return [told | {"x": x, "average_precision": ap} for x, ap in pairs]

    rows = points("one", "random", [(0.01, 0.0), (1.0, 1.0)]) + points("two", "random", [(0.01, 0.0), (1.0, 0.5)])
    rows += points("one", WAYS[0], [(0.01, 0.0), (0.21, 1.0)]) + points("two", WAYS[0], [(0.01, 0.0), (0.11, 0.5)])
    told = peers.headline(pd.DataFrame(rows))
    assert told["ap_full"] == 0.75
    needed = told["median_share_for_95"]
    assert needed[WAYS[0]] == pytest.approx(np.mean([0.2, 0.105]), abs=0.01)  # type: ignore[index]
    assert needed["random"] == pytest.approx(0.95, abs=0.03)  # type: ignore[index]
    assert told["ap_10"][WAYS[0]] == pytest.approx(np.mean([0.45, 0.45]), abs=0.02)  # type: ignore[index]


def test_the_figures_of_label_errors() -> None:
    def row(table: str, way: str, precision: float, listed: int) -> dict[str, object]:
        return {"table": table, "way": way, "precision": precision, "recall_listed": precision / 2, "listed": listed}

    planted = [row("adult", CLEANLAB, 0.5, 9), row("adult", CLEANLAB, 0.7, 9), row("adult", OURS, 0.9, 9)]
    told = peers.errors_headline(pd.DataFrame(planted))
    assert (told["precision_cleanlab"], told["recall_cleanlab"], told["precision_ours"]) == (0.6, 0.3, 0.9)
    assert told["clean_listed_cleanlab"] is None
    clean = [row("1 % positives", CLEANLAB, 0.0, listed) for listed in (7, 5)] + [row("1 % positives", OURS, 0.0, 0)]
    told = peers.errors_headline(pd.DataFrame(planted + clean))
    assert (told["clean_listed_cleanlab"], told["clean_listed_ours"], told["precision_cleanlab"]) == (7, 0, 0.6)


def test_an_environment_without_the_peers_is_refused() -> None:
    with pytest.raises(DataError, match=r"^--python must .* has no scikit-activeml: make one with .*cleanlab\.$"):
        peers.main(Path(sys.executable))


@pytest.mark.parametrize(("option", "value"), [("tables", "yeast"), ("peers", "libact"), ("errors", "")])
def test_names_must_be_known(option: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"--{option} must be among "):
        peers.main(Path(sys.executable), **{option: value})  # type: ignore[arg-type]
