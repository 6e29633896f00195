"""Simulated card payments: a scenario that begins only when the training days are over.

The first three quarters of the days train, the rest tests. Nothing of the hidden frauds is in the training days, not
even in the counts and reports of other payments; the test days are the same payments in every arm.
"""

from typing import Any

import numpy as np
import pandas as pd

from experiments.benchmarks.unseen.cases import NONE, OTHER, Case
from experiments.data.simulation.simulation import BEGINS, START, simulate
from experiments.data.sources import Dataset
from experiments.data.split import Split

SCENARIO = "card_testing"  # of the simulation, and of the rule book that states it
HIDDEN = 1  # number of the pattern
DAYS = 60
SIZE: dict[str, Any] = {"customers": 600, "days": DAYS, "fraud_rate": 0.03}


def simulated_case(seed: int, *, seen: bool) -> Case:
    """Simulate payments; without ``seen``, the scenario is in the test days alone."""
    late = simulate(**SIZE, seed=seed, late=SCENARIO)
    whole = simulate(**SIZE, seed=seed) if seen else late
    begins = START + pd.Timedelta(days=BEGINS * DAYS)
    before, after = (whole.frame["time"] < begins).to_numpy(), (late.frame["time"] >= begins).to_numpy()
    frame = pd.concat([whole.frame[before], late.frame[after]], ignore_index=True).drop(columns="transaction")
    scenario = np.concatenate([whole.scenario[before], late.scenario[after]])
    kind = np.where(scenario == "", NONE, np.where(scenario == SCENARIO, HIDDEN, OTHER))
    train, test = np.split(np.arange(len(frame)), [before.sum()])
    return Case.at(Dataset("simulation", frame, "fraud", 1, "time", "customer"), train, test, kind, NONE)


def split_of(seed: int) -> Split:
    """Return a split of simulated payments whose training rows lack the scenario."""
    return simulated_case(seed, seen=False).split
