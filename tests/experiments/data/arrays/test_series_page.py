"""The page on series is code: its block runs, and it names all settings and columns."""

import re
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from series_tables import series_frame

from experiments.data.arrays import series
from generators import AugmentSeries
from learners import MiniRocket
from learners.encoders.curves import Curves

PAGE = (Path(__file__).parents[4] / "docs" / "series.md").read_text(encoding="utf-8")


def test_the_block_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    frame = series_frame(80, several_lengths=True)
    np.savez("pumps.npz", series=Curves().stacked(frame["wave"].tolist()), state=np.array(frame["kind"].tolist()))
    (block,) = re.findall(r"^```python\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)
    own: dict[str, object] = {}
    exec(compile(block, "docs/series.md", "exec"), own)
    proba = own["proba"]
    assert isinstance(proba, np.ndarray)
    assert proba.shape[1] == 2
    assert len(series.load("made.npz").frame)


def test_settings_and_columns_are_named() -> None:
    named = set(re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", PAGE, flags=re.DOTALL | re.MULTILINE)))
    for kind in (MiniRocket, AugmentSeries):
        assert {each.name for each in fields(kind) if each.init} <= named
    entries = Curves().stacked(series_frame(30)["wave"].tolist())
    readable = {name for name in Curves().fit(entries).names if "_" not in name}
    assert readable <= named
