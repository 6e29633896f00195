"""The environment of the stand-in, made once, and a small table under the name of one of the suite."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from autogluon_peer import TABLE, Peer

ROWS = 300


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Peer:
    return Peer.made(tmp_path_factory.mktemp("peer"))


@pytest.fixture
def peer(built: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Peer:
    """The environment that has seen nothing yet, beside a small table under the name of one of the suite."""
    shutil.rmtree(built.seen, ignore_errors=True)
    built.seen.mkdir()
    rng = np.random.default_rng(0)
    target = rng.permutation(np.arange(ROWS) % 5 == 0)
    frame = pd.DataFrame({"signal": (target * 0.2 + rng.random(ROWS)).clip(0, 1), "word": rng.choice(["a", "b"], ROWS)})
    data = tmp_path / "data"
    data.mkdir()
    frame.assign(target=target.astype("int8"), fixed=1).to_parquet(data / f"{TABLE}.parquet")
    monkeypatch.setenv("WEAKSPOT_DATA", str(data))
    return built
