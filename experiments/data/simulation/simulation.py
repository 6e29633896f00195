"""A simulation of card payments with known weak regions, to test finders and to try the loop without data.

Every feature is known at the moment of payment: it counts earlier payments only, and only frauds that were reported,
`REPORT_DAYS` after they happened.

The rule book ``experiments/configs/rules/cards.yaml`` states the same kinds of fraud with numbers of its own: it is an
example to copy and edit, without the places, visits and reports that only the simulation has, so the scenarios differ
in shape, and shared numbers would let an edit of the example change the simulated benchmark.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from experiments.data.simulation.population import CATEGORIES, Population, legitimate
from experiments.data.simulation.scenarios import SCENARIOS, frauds
from loop.catalogue import check_name
from loop.errors import ConfigError
from loop.seeds import stream
from loop.types import DAY

REPORT_DAYS = 7  # a fraud is known this many days after it happened
RISK_DAYS = 28  # a reported fraud counts for its terminal during this many days
BEGINS = 0.75  # share of the days after which a late scenario begins
RISK_PRIOR = 10  # legitimate payments added to each terminal, so that one fraud among few weighs little
START = pd.Timestamp("2024-01-01")  # a Monday
_WINDOWS = {"count_1h": 3600, "count_24h": DAY, "count_7d": 7 * DAY}  # seconds
_SPAN = 10_000 * DAY  # more than any simulation and its windows last


@dataclass(frozen=True, eq=False)
class Planted:
    """A weak region given by its rule, and the frauds planted there."""

    name: str
    text: str  # the rule, as `DataFrame.eval` reads it
    difficulty: str  # easy, medium or hard
    rows: np.ndarray  # (n,) bool: rows inside the rule
    frauds: np.ndarray  # (n,) bool: frauds of this scenario, inside the rule or not

    def take(self, rows: np.ndarray) -> "Planted":
        """Return the region restricted to the rows of an index or mask (m,)."""
        return Planted(self.name, self.text, self.difficulty, self.rows[rows], self.frauds[rows])


@dataclass(frozen=True, eq=False)
class Simulation:
    """Payments in order of time, with the planted regions as the answer key."""

    frame: pd.DataFrame  # (n, 20) ids, time, features and the target `fraud`
    scenario: np.ndarray  # (n,) object: name of the scenario, "" for a legitimate payment
    planted: tuple[Planted, ...]


class Finding(NamedTuple):
    """How well a planted region was found: by the found region of highest lift among those with enough frauds."""

    name: str
    found: bool
    recall: float  # share of the scenario's frauds inside the found region
    precision: float  # share of the found region's rows inside the planted rule


def simulate(
    *,
    customers: int = 500,
    terminals: int = 200,
    days: int = 60,
    fraud_rate: float = 0.01,
    seed: int = 0,
    late: str = "",
) -> Simulation:
    """Simulate card payments, about one per customer and day, with five fraud scenarios planted among them.

    Parameters
    ----------
    customers, terminals, days : int
        Size of the simulation: at least 20, 20 and 21.
    fraud_rate : float
        Share of all payments that are frauds, at most 0.2.
    seed : int
        Same seed, same payments.
    late : str
        A scenario that begins only after three quarters of the days: frauds that have not happened yet while the first
        weeks are all one has; "" = none.

    Raises
    ------
    ConfigError
        If an argument is out of range, or there is no such scenario.

    Examples
    --------
    >>> simulation = simulate(customers=50, days=30)
    >>> simulation.planted[0].name, simulation.planted[0].text
    ('card_testing', 'online and hour < 6 and count_1h >= 2')
    """
    _check("customers", customers, 20, 10_000_000)
    _check("terminals", terminals, 20, 1_000_000)
    _check("days", days, 21, 3650)
    _check("fraud_rate", fraud_rate, 0.0001, 0.2)
    _check("seed", seed, 0, 2**63)
    if late:
        check_name("late", late, [one.name for one in SCENARIOS])
    world = Population.draw(customers, terminals, days, stream(seed, "population"))
    honest = legitimate(world, stream(seed, "legitimate"))
    total = max(round(len(honest) * fraud_rate / (1 - fraud_rate)), 1)
    events = pd.concat([honest.assign(scenario=""), frauds(world, total, seed)], ignore_index=True)
    events["second"] = np.floor(events["second"].clip(0, days * DAY - 1))
    events = events[(events["scenario"] != late) | (events["second"] >= BEGINS * days * DAY) | (not late)]
    events = events.sort_values("second", kind="stable", ignore_index=True)
    scenario = events.pop("scenario").to_numpy(dtype=object)
    frame = _features(world, events, scenario != "")
    planted = tuple(
        Planted(
            name=one.name,
            text=one.rule,
            difficulty=one.difficulty,
            rows=np.asarray(frame.eval(one.rule, engine="python"), dtype=bool),
            frauds=scenario == one.name,
        )
        for one in SCENARIOS
    )
    return Simulation(frame, scenario, planted)


def judge(
    planted: Sequence[Planted], found_masks: Sequence[np.ndarray], *, lift: float = 3.0, recall: float = 0.2
) -> list[Finding]:
    """Tell which planted regions a finder has found.

    A planted region counts as found when one found region holds at least ``recall`` of the scenario's frauds, and
    holds them at least ``lift`` times as densely as all rows do. Frauds are counted rather than the
    overlap with the rule, since other features may enclose the same frauds, and the rule also covers rows without
    fraud. Both conditions are needed: recall alone favours large regions, lift alone tiny ones. Regions are judged one
    by one, so that many narrow guesses do not add up to a find.

    Parameters
    ----------
    planted : sequence of Planted
        The answer key over n rows; `Planted.take` follows a split.
    found_masks : sequence of ndarray of shape (n,), bool
        Rows inside each found region.

    Returns
    -------
    list of Finding
        One for each planted region, in order; recall and precision are 0 where no region holds enough frauds.
    """
    return [_finding(one, found_masks, lift, recall) for one in planted]


def _finding(planted: Planted, found_masks: Sequence[np.ndarray], lift: float, recall: float) -> Finding:
    best, best_lift = Finding(planted.name, False, 0.0, 0.0), 0.0
    for mask in found_masks:
        caught = float((mask & planted.frauds).sum() / max(planted.frauds.sum(), 1))
        this_lift = caught / max(float(mask.mean()), 1e-12)
        if caught >= recall and this_lift > best_lift:
            best_lift = this_lift
            best = Finding(planted.name, this_lift >= lift, caught, float(planted.rows[mask].mean()))
    return best


def _features(world: Population, events: pd.DataFrame, fraud: np.ndarray) -> pd.DataFrame:
    """Turn events in order of time into ids, time, features and target."""
    customer, terminal = events["customer"].to_numpy(), events["terminal"].to_numpy()
    second, amount = events["second"].to_numpy(), events["amount"].clip(lower=0.01).round(2)
    category = world.category[terminal]
    hour = second // 3600 % 24
    online = world.online[terminal]
    of_customer = amount.groupby(customer)
    payments_so_far = of_customer.cumcount()
    mean_so_far = (of_customer.cumsum() - amount) / payments_so_far.where(payments_so_far > 0)
    return pd.DataFrame(
        {
            "transaction": pd.Series(np.arange(len(events))).map("T{:07d}".format),
            "time": START + pd.to_timedelta(second, unit="s"),
            "customer": np.char.mod("C%05d", np.arange(len(world.home)))[customer],
            "terminal": np.char.mod("M%05d", np.arange(len(world.place)))[terminal],
            "amount": amount,
            "hour": hour.astype(np.int64),
            "weekday": (second // DAY % 7).astype(np.int64),
            "night": hour < 6,
            "category": np.array(CATEGORIES)[category],
            "online": online,
            "distance_km": world.distance(customer, terminal).round(1),
            "seconds_since_last": pd.Series(second).groupby(customer).diff(),
            "amount_to_mean": (amount / mean_so_far).round(3),
            **{name: _count_before(customer, second, width) for name, width in _WINDOWS.items()},
            "new_terminal": ~events.duplicated(["customer", "terminal"]),
            "new_category": ~pd.Series(customer * len(CATEGORIES) + category).duplicated(),
            "account_age_days": (second // DAY - world.opened[customer]).astype(np.int64),
            "terminal_risk": _reported_risk(terminal, second, fraud).round(4),
            "device_changed": events["device_changed"],
            "fraud": fraud.astype(np.int64),
        }
    )


def _count_before(key: np.ndarray, second: np.ndarray, width: int) -> np.ndarray:
    """Count, for each event (n,), the events of the same key in the ``width`` seconds before it."""
    clock = key.astype(np.int64) * _SPAN + second.astype(np.int64)  # keys get separate, disjoint stretches of time
    line = np.sort(clock)
    count: np.ndarray = np.searchsorted(line, clock) - np.searchsorted(line, clock - width)
    return count


def _reported_risk(terminal: np.ndarray, second: np.ndarray, fraud: np.ndarray) -> np.ndarray:
    """Return the share of reported frauds (n,) among the recent payments of the terminal, shrunk towards 0.

    NaN where there are no such payments.
    """
    clock = terminal.astype(np.int64) * _SPAN + second.astype(np.int64)
    order = np.argsort(clock, kind="stable")
    line, total = clock[order], np.append(0, np.cumsum(fraud[order]))
    first = np.searchsorted(line, clock - (REPORT_DAYS + RISK_DAYS) * DAY)
    last = np.searchsorted(line, clock - REPORT_DAYS * DAY)
    risk: np.ndarray = np.where(last > first, (total[last] - total[first]) / (last - first + RISK_PRIOR), np.nan)
    return risk


def _check(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ConfigError(f"{name} must be between {low:g} and {high:g}, got {value}: choose a value in between.")
