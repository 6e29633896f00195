"""What a warm start saves is measured beside a fit from nothing, on the same rows."""

import json
from functools import partial

import numpy as np
import pytest

from experiments.benchmarks import warm_start
from experiments.data.split import Split
from generators import Vae
from loop.testing.tables import numeric_table


def test_both_starts_are_measured(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    table = numeric_table(450)
    sides = Split(table.take(np.arange(300)), table.take(np.arange(300, 450)), None)
    monkeypatch.setattr(warm_start, "split_of", lambda *_: sides)
    monkeypatch.setattr(warm_start, "KINDS", {"vae": partial(Vae, steps=150, hidden=32)})
    warm_start.main(table="magic")
    lines = capsys.readouterr().out.splitlines()
    told = json.loads(lines[-1])
    utility = {line.split()[3]: float(line.split()[7]) for line in lines if "│ vae" in line}
    assert set(utility) == {"nothing", "warm"}
    assert all(0.3 < each <= 1 for each in utility.values())
    assert told["vae_utility_lost"] == pytest.approx(utility["nothing"] - utility["warm"], abs=2e-3)
    assert told["vae_times_faster"] > 0
