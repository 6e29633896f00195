"""Rules that are wrong on purpose: how far off may an analyst be?"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from experiments.benchmarks.unseen.cases import Case
from experiments.benchmarks.unseen.measures import measured
from experiments.benchmarks.unseen.stating import ALIKE, Stating, share_alike
from experiments.benchmarks.unseen.terminal_risk import COLUMNS
from experiments.storage.result_cache import Records
from generators.rules.rules import Rules
from loop.protocols import Learner
from loop.supplies.supply import Supply

TIMES, WINDOWS = (2, 3, 5, 8), ((0.05, 0.3), (0.2, 1), (0.6, 1))


def _spree(times: int) -> dict[str, Any]:
    means = {name: f"CUSTOMER_ID_AVG_AMOUNT_{days}DAY_WINDOW" for name, days in (("_day", 1), ("_week", 7))}
    drawn = {name: {"from": "uniform", "low": 1, "high": 3} for name in means}
    return {"TX_AMOUNT": f"{times} * TX_AMOUNT", **drawn, **{of: f"{name} * {of}" for name, of in means.items()}}


def _risk(low: float, high: float) -> dict[str, Any]:
    return {name: {"from": "uniform", "low": low, "high": high} for name in COLUMNS}


RULES: Mapping[tuple[int, str], Mapping[str, Any]] = {  # (hidden scenario, what is said of it) -> columns
    **{(3, f"amount times {times}"): _spree(times) for times in TIMES},
    **{(2, f"risk from {low:g} to {high:g}"): _risk(low, high) for low, high in WINDOWS},
    **{(hidden, "only the weekend"): {"TX_DURING_WEEKEND": "1 - TX_DURING_WEEKEND"} for hidden in (2, 3)},
}


def of_rules(case: Case, stating: Stating, usual: Supply, blind: Learner, hidden: int) -> Records:
    """Fit a learner on rows of each rule for a hidden scenario; return a record for each.

    Parameters
    ----------
    case : Case
    stating : Stating
    usual : Supply
        That of the right rule; the wrong ones take its place.
    blind : Learner
        Fitted on real rows alone.
    hidden : int
        Number of the scenario.
    """
    records = Records()
    for (scenario, rule), columns in RULES.items():
        if scenario == hidden:
            book = {"target": "target", "label": 1, "from_rows": {"where": "target == 0"}, "columns": columns}
            rules = Rules(book)
            made = stating.made(replace(usual, generator=rules), blind)
            figures = measured(stating.fitted(made), case, hidden)
            records.append({"rule": rule, **figures, ALIKE: share_alike(made, stating.train, rules.stated)})
    return records
