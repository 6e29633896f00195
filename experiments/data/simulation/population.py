"""The population of the simulation: customers, terminals and the legitimate payments between them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from loop.types import DAY

SIDE_KM = 100.0  # customers and terminals live in a square of this side

# Category, share of terminals, usual amount as a multiple of the customer's level, share of its terminals online.
_CATEGORIES = (
    ("grocery", 0.24, 0.7, 0.0),
    ("fuel", 0.10, 0.9, 0.0),
    ("restaurant", 0.18, 0.6, 0.0),
    ("cash", 0.08, 1.5, 0.0),
    ("fashion", 0.14, 1.4, 0.5),
    ("electronics", 0.10, 2.5, 0.5),
    ("travel", 0.06, 3.0, 0.6),
    ("digital", 0.10, 0.25, 1.0),
)
CATEGORIES = tuple(name for name, *_ in _CATEGORIES)
_SHARE, PRICE, _ONLINE = (np.array(column, dtype=float) for column in list(zip(*_CATEGORIES, strict=True))[1:])


@dataclass(frozen=True, eq=False)
class Population:
    """``C`` customers and ``T`` terminals over a number of days, counted from 0."""

    days: int
    home: np.ndarray  # (C, 2) km
    level: np.ndarray  # (C,) usual amount of a payment
    pace: np.ndarray  # (C,) payments per day
    hour: np.ndarray  # (C,) usual hour of the day
    opened: np.ndarray  # (C,) day on which the account was opened, negative before the first day
    restless: np.ndarray  # (C,) probability that an online payment comes from another device than the last
    place: np.ndarray  # (T, 2) km
    category: np.ndarray  # (T,) index into CATEGORIES
    online: np.ndarray  # (T,) bool
    visits: np.ndarray  # (C, T) probability that a payment goes to the terminal

    @classmethod
    def draw(cls, customers: int, terminals: int, days: int, rng: np.random.Generator) -> "Population":
        """Draw all attributes; a third of the accounts is young or opened during the simulated days."""
        home = rng.uniform(0, SIDE_KM, (customers, 2))
        place = rng.uniform(0, SIDE_KM, (terminals, 2))
        # The first terminals take one category each, so that every category exists, half of them twice.
        category = np.concatenate([np.arange(len(_SHARE)), [4, 5, 6], rng.choice(len(_SHARE), terminals, p=_SHARE)])
        category = category[:terminals]
        online = rng.random(terminals) < _ONLINE[category]
        online[4:7], online[8:11] = True, False
        young = rng.random(customers) < 0.33
        opened = np.where(young, rng.uniform(-120, days / 2, customers), rng.uniform(-3000, -120, customers))
        return cls(
            days=days,
            home=home,
            level=rng.lognormal(3.4, 0.5, customers),
            pace=rng.gamma(4.0, 0.25, customers),
            hour=rng.normal(14.5, 2.0, customers),
            opened=np.floor(opened),
            restless=rng.beta(1.0, 24.0, customers),
            place=place,
            category=category,
            online=online,
            visits=_visits(home, place, category, online, rng),
        )

    def distance(self, customer: np.ndarray, terminal: np.ndarray) -> np.ndarray:
        """Return the distance (n,) in km between home and terminal; NaN for online terminals."""
        km = np.linalg.norm(self.home[customer] - self.place[terminal], axis=1)
        return np.where(self.online[terminal], np.nan, km)

    def price(self, customer: np.ndarray, terminal: np.ndarray) -> np.ndarray:
        """Return the usual amount (n,) of the customer in the category of the terminal."""
        usual: np.ndarray = self.level[customer] * PRICE[self.category[terminal]]
        return usual


def _visits(
    home: np.ndarray, place: np.ndarray, category: np.ndarray, online: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return visit probabilities (C, T), higher for preferred categories, a few preferred terminals and near ones."""
    taste = rng.gamma(0.8, 1.0, (len(home), len(CATEGORIES)))
    favour = rng.gamma(0.5, 1.0, (len(home), len(place)))
    km = np.linalg.norm(home[:, None] - place[None], axis=2)
    near = np.where(online, 0.04, np.exp(-km / 7.0) + 0.0005)
    weight = taste[:, category] * favour * near + 1e-12
    visits: np.ndarray = weight / weight.sum(axis=1, keepdims=True)
    return visits


def pick(weight: np.ndarray, row: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw for each entry of ``row`` (n,) a column of ``weight`` (R, M) in proportion to that row's weights."""
    cumulative = np.cumsum(weight, axis=1)
    cumulative /= cumulative[:, -1:]
    ladder = (cumulative + np.arange(len(weight))[:, None]).ravel()  # row r rises from r to r + 1
    index = np.searchsorted(ladder, row + rng.random(len(row)), side="right")
    columns: np.ndarray = np.minimum(index - row * weight.shape[1], weight.shape[1] - 1)
    return columns


def second_of_day(hour: np.ndarray, spread_hours: float, rng: np.random.Generator) -> np.ndarray:
    """Return seconds since midnight (n,) around the hours (n,), wrapped at midnight."""
    second: np.ndarray = np.mod(rng.normal(hour, spread_hours), 24.0) * 3600
    return second


def legitimate(world: Population, rng: np.random.Generator) -> pd.DataFrame:
    """Draw the legitimate payments, one row each: customer, terminal, second, amount, device_changed.

    Legitimate customers sometimes behave as in frauds: they travel and spend more there, buy small things in quick
    succession or at night, and change devices.
    """
    customer = np.repeat(np.arange(len(world.home)), rng.poisson(world.pace * world.days))
    weekday = np.arange(world.days) % 7
    busy = np.array([0.9, 0.9, 0.95, 1.0, 1.2, 1.3, 0.75])[weekday]
    day = rng.choice(world.days, len(customer), p=busy / busy.sum())
    customer, day = (values[world.opened[customer] <= day] for values in (customer, day))
    hour = np.where(rng.random(len(day)) < 0.05, rng.uniform(0, 24, len(day)), world.hour[customer])
    away = _travelling(world, customer, day, rng)
    terminal = pick(world.visits, customer, rng)
    terminal[away] = rng.choice(np.flatnonzero(~world.online), int(away.sum()))
    amount = world.price(customer, terminal) * rng.lognormal(0.0, 0.6, len(day)) * np.where(away, 1.5, 1.0)
    events = pd.DataFrame(
        {
            "customer": customer,
            "terminal": terminal,
            "second": day * DAY + second_of_day(hour, 3.0, rng),
            "amount": amount,
            "device_changed": world.online[terminal] & (rng.random(len(day)) < world.restless[customer]),
        }
    )
    return _with_repeats(events, rng)


def _travelling(world: Population, customer: np.ndarray, day: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Tell which payments (n,) fall into their customer's one trip of two to nine days in about half a year."""
    start = rng.uniform(-10, max(world.days, 180), len(world.home))[customer]
    length = rng.uniform(2, 9, len(world.home))[customer]
    away: np.ndarray = (day >= start) & (day < start + length)
    return away


def _with_repeats(events: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Add one to four further payments, minutes apart at the same terminal, to a few of the payments."""
    starts = np.flatnonzero(rng.random(len(events)) < 0.03)
    times = rng.integers(1, 5, len(starts))
    repeats = events.iloc[np.repeat(starts, times)].copy()
    order = np.concatenate([np.arange(1, n + 1) for n in times]) if len(times) else np.zeros(0)
    repeats["second"] += order * rng.exponential(400.0, len(repeats))
    repeats["amount"] *= rng.lognormal(-0.2, 0.5, len(repeats))
    repeats["device_changed"] = False
    return pd.concat([events, repeats], ignore_index=True)
