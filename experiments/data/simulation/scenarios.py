"""Five scenarios of card fraud, from easy to hard, each with the rule of its region in feature space."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from experiments.data.simulation.population import CATEGORIES, Population, pick, second_of_day
from loop.seeds import stream
from loop.types import DAY

_REFUND_RULE = "category == 'fashion' and account_age_days < 200 and amount_to_mean > 2"
_LONGEST = 9  # payments in the longest incident


@dataclass(frozen=True, eq=False)
class Scenario:
    """A kind of fraud, its share of all frauds, and its region as a `DataFrame.eval` rule."""

    name: str
    difficulty: str  # easy, medium or hard
    share: float
    rule: str
    draw: Callable[[Population, int, np.random.Generator], pd.DataFrame]


def frauds(world: Population, total: int, seed: int) -> pd.DataFrame:
    """Draw ``total`` frauds of all scenarios: the columns of a legitimate payment, and ``scenario``."""
    ends = np.rint(np.cumsum([scenario.share for scenario in SCENARIOS]) * total).astype(int)
    parts = []
    for scenario, n in zip(SCENARIOS, np.diff(ends, prepend=0), strict=True):
        events = scenario.draw(world, int(n), stream(seed, "fraud", scenario.name))
        parts.append(events.assign(scenario=scenario.name))
    return pd.concat(parts, ignore_index=True)


def card_testing(world: Population, n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw n frauds: a stolen number is tested with tiny online payments at night, then used for a large one."""
    incident, step, last = _incidents(n, 4, _LONGEST, rng)
    customer = _victims(world, n, rng)[incident]
    terminal = rng.choice(np.flatnonzero(world.online), n)
    start = _start_day(world, n, rng)[incident] * DAY + second_of_day(np.full(n, 2.0), 2.5, rng)[incident]
    tiny = rng.lognormal(1.2, 0.8, n)
    large = world.level[customer] * rng.lognormal(1.0, 0.8, n)
    return pd.DataFrame(
        {
            "customer": customer,
            "terminal": terminal,
            "second": start + step * rng.exponential(400.0, n)[incident],
            "amount": np.where(last, large, tiny),
            "device_changed": rng.random(n) < 0.3,
        }
    )


def stolen_card(world: Population, n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw n frauds: a lost card is used in shops far from its owner's home, for more than the owner would spend."""
    incident, step, _ = _incidents(n, 1, 4, rng)
    customer = _victims(world, n, rng)[incident]
    kilometres = np.linalg.norm(world.home[:, None] - world.place[None], axis=2)
    far = ~world.online[None] * kilometres**2.5
    terminal = pick(far, customer, rng)
    start = _start_day(world, n, rng)[incident] * DAY + second_of_day(np.full(n, 20.0), 4.0, rng)[incident]
    return pd.DataFrame(
        {
            "customer": customer,
            "terminal": terminal,
            "second": start + step * rng.exponential(2500.0, n)[incident],
            "amount": world.level[customer] * rng.lognormal(1.2, 0.7, n),
            "device_changed": False,
        }
    )


def compromised_terminal(world: Population, n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw n frauds: for four weeks a quiet terminal makes as many frauds as payments, on its usual cards."""
    traffic = world.pace @ world.visits  # payments per day
    quiet = np.flatnonzero(~world.online & (traffic <= np.quantile(traffic[~world.online], 0.1)))
    each = max(round(28 * traffic[quiet].mean()), 1)  # frauds at each terminal
    terminal = rng.permutation(quiet)[np.arange(n) // each % len(quiet)]
    first = rng.uniform(0, max(world.days - 28, 1), len(world.place))[terminal]
    customer = pick(world.visits.T * (world.opened < 0)[None], terminal, rng)
    day = np.floor(first + rng.uniform(0, 28, n)) % world.days
    return pd.DataFrame(
        {
            "customer": customer,
            "terminal": terminal,
            "second": day * DAY + second_of_day(world.hour[customer], 3.5, rng),
            "amount": world.price(customer, terminal) * rng.lognormal(0.5, 0.6, n),
            "device_changed": False,
        }
    )


def account_takeover(world: Population, n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw n frauds: someone else logs in from a new device and makes modest purchases at unusual terminals."""
    incident, step, _ = _incidents(n, 1, 4, rng)
    customer = _victims(world, n, rng)[incident]
    strange = world.online[None] / (world.visits + 1e-4)
    terminal = pick(strange, customer, rng)
    start = _start_day(world, n, rng)[incident] * DAY + second_of_day(world.hour[customer] + 5.0, 4.0, rng)[incident]
    return pd.DataFrame(
        {
            "customer": customer,
            "terminal": terminal,
            "second": start + step * rng.exponential(3000.0, n)[incident],
            "amount": world.price(customer, terminal) * rng.lognormal(0.8, 0.5, n),
            "device_changed": rng.random(n) < 0.9,
        }
    )


def refund_abuse(world: Population, n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw n frauds: a young account buys fashion repeatedly within days and returns other goods."""
    incident, step, _ = _incidents(n, 1, 4, rng)
    young = (100.0 + world.days - world.opened) ** -3.0
    customer = rng.choice(len(young), n, p=young / young.sum())[incident]
    terminal = rng.choice(np.flatnonzero(world.category == CATEGORIES.index("fashion")), n)[incident]
    start = np.maximum(world.opened[customer], 0) + rng.uniform(0, max(world.days / 2 - 7, 1), n)[incident]
    return pd.DataFrame(
        {
            "customer": customer,
            "terminal": terminal,
            "second": np.floor(start) * DAY + second_of_day(world.hour[customer] + 6.0, 3.0, rng) + step * 0.7 * DAY,
            "amount": world.price(customer, terminal) * rng.lognormal(1.1, 0.6, n),
            "device_changed": world.online[terminal] & (rng.random(n) < 0.05),
        }
    )


def _incidents(n: int, low: int, high: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Divide n frauds into incidents of low..high payments; return incident, step in it, and whether it is the last."""
    sizes = rng.integers(low, high + 1, n)
    incident = np.repeat(np.arange(n), sizes)[:n]
    step = np.arange(n) - np.searchsorted(incident, incident)
    last = np.append(np.diff(incident) > 0, True)[:n]
    return incident, step, last


def _victims(world: Population, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw n customers whose accounts were open before the first day."""
    return rng.choice(np.flatnonzero(world.opened < 0), n)


def _start_day(world: Population, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw n days (n,), never the last, so that every incident ends in time."""
    return rng.integers(0, world.days - 1, n)


SCENARIOS = (
    Scenario("card_testing", "easy", 0.15, "online and hour < 6 and count_1h >= 2", card_testing),
    Scenario("stolen_card", "medium", 0.2, "distance_km > 30 and amount_to_mean > 2", stolen_card),
    Scenario("compromised_terminal", "hard", 0.2, "terminal_risk > 0.1", compromised_terminal),
    Scenario("account_takeover", "medium", 0.35, "device_changed and new_terminal and online", account_takeover),
    Scenario("refund_abuse", "hard", 0.1, _REFUND_RULE, refund_abuse),
)
