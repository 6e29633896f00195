"""Tables with one planted fault each, and one without."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd


def sound(n: int = 1500, seed: int = 0) -> pd.DataFrame:
    """Payments, a tenth of them frauds, which three columns tell in part."""
    rng = np.random.default_rng(seed)
    amount, age, shop = rng.exponential(50, n).round(2), rng.integers(18, 90, n), rng.choice(["book", "fuel"], n)
    odds = (amount - 110) / 20 + np.where(shop == "fuel", (age - 60) / 12, -2.0)
    fraud = (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(int)
    return pd.DataFrame({"amount": amount, "age": age, "shop": shop, "x": rng.normal(size=n), "fraud": fraud})


def leak() -> pd.DataFrame:
    table = sound()
    rng = np.random.default_rng(1)
    return table.assign(
        refunded=np.where(table["fraud"] == 1, (table["amount"] + 100) * rng.uniform(0.9, 1, len(table)), 0.0)
    )


def identifier() -> pd.DataFrame:
    """Accounts of frauds were opened late; a few occur twice, so the column is no plain row number."""
    table = sound()
    rng = np.random.default_rng(2)
    account = np.where(table["fraud"] == 1, 60_000, 0) + rng.choice(90_000, len(table), replace=False)
    account[5:10] = account[:5]
    return table.assign(account=account)


def tiny_test() -> pd.DataFrame:
    """Sixty cards pay all the time, a few new ones at the end: by time and card, hardly a row is left to test."""
    table = sound(2400)
    rng = np.random.default_rng(3)
    card = rng.integers(0, 60, len(table))
    card[-12:] = np.arange(900, 912)
    table.loc[table.index[-3:], "fraud"] = 1
    return table.assign(card=[f"c{number}" for number in card], day=np.arange(len(table)))


def chance() -> pd.DataFrame:
    table = sound()
    return table.assign(fraud=np.random.default_rng(4).permutation(table["fraud"]))


def contradictions() -> pd.DataFrame:
    """A third of the frauds stand in the table once more, twice, as honest."""
    table = sound()
    again = table[table["fraud"] == 1].iloc[::3].assign(fraud=0)
    return pd.concat([table, again, again], ignore_index=True)


PLANTED: Mapping[str, tuple[Callable[[], pd.DataFrame], Mapping[str, str]]] = {  # name of the warning: table, roles
    "leak": (leak, {}),
    "identifier": (identifier, {}),
    "few in test": (tiny_test, {"time": "day", "group": "card"}),
    "chance": (chance, {}),
    "contradictions": (contradictions, {}),
}
