"""The last line of the benchmark: means over fits, and how far an audit is above what was stated, if there was one."""

import pandas as pd

from experiments.benchmarks.private.private import AUDITED, REAL, headline

FITS = [
    {"table": "magic", "budget": budget, "group": "all", "auc": auc, "seconds_fit": 0.1}
    for budget, auc in ((REAL, 0.9), ("1000", 0.6), ("1000", 0.8))
]
FOUND = {"table": AUDITED, "budget": "3", "excess": 0.5}


def test_the_headline_has_means_and_the_worst_excess_if_a_budget_was_audited() -> None:
    told = {"auc_magic_1000": 0.7, "seconds_fit_most": 0.1}
    assert headline(pd.DataFrame(FITS)) == told | {"worst_epsilon_excess": None}
    assert headline(pd.DataFrame([*FITS, FOUND])) == told | {"worst_epsilon_excess": 0.5}
