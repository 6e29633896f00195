"""A stream of card payments: each day 100 cards are checked, and the model learns from what the checks find.

The first week is labelled. Then, each day, a model fitted on all labels known so far scores the payments of cards not
yet known as compromised, a policy chooses 100 cards, and their payments of the day are labelled overnight. Labels of
unchecked payments come after seven days (``delay``), or never. A card with a known fraud is blocked. After thirty days
the last model is tested on the payments of the following week, but for cards with a fraud in the labelled week: the
same rows whatever the policy found.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from experiments.data.card_fraud import (
    DELAY_DAYS,
    FEATURES,
    STARTS,
    TARGET,
    TEST_DAYS,
    TRAIN_DAYS,
    day_number,
    transactions,
)
from experiments.data.sources import Dataset, data_folder
from experiments.data.split import Split
from experiments.storage.result_cache import Records
from learners import ExtraTrees, XGBoost
from learners.thinned import Thinned
from loop.asking.choice import Asking, choose
from loop.asking.oracles import NEVER, UNANSWERED, Delayed
from loop.asking.rounds import unlabelled
from loop.errors import DataError
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import score
from loop.seeds import stream
from loop.supplies.acquisition import Gap, HighestScore
from loop.supplies.pool import Pool
from loop.types import Table

CARDS, DAYS = 100, 30
MODEL = Thinned(ExtraTrees(trees=100, max_features=0.5, min_leaf=2), 20_000)
DELAYS: Mapping[str, int] = {"never": NEVER, "after seven days": DELAY_DAYS}


@dataclass(frozen=True)
class Policy:
    """How the cards of a day are chosen: the highest scores, but for some others.

    Doubt is none of the ways: below the cards that are checked anyway all scores are below one half, so that the most
    doubtful are the next highest.
    """

    disagreement: int = 0  # where a second kind of model says something else
    spread: int = 0  # high scores far from one another
    audit: int = 0  # at random

    def cards(self, pool: Pool, rng: np.random.Generator) -> np.ndarray:
        """Return positions of payments, one for each card chosen (100,)."""
        unit = pool.table.row_number if pool.table.unit is None else pool.table.unit
        taken, open_ = np.zeros(0, dtype=np.int64), np.ones(len(unit), dtype=bool)
        highest = CARDS - self.disagreement - self.spread - self.audit
        parts = ((HighestScore(), highest, 1), (Gap(), self.disagreement, 1), (HighestScore(), self.spread, 10))
        for acquisition, n, spread in parts:
            asking = Asking(acquisition, audit=0.0, most_of_unit=1, spread=spread)
            taken = np.concatenate([taken, choose(asking, pool, open_, n, rng).asked if n else taken[:0]])
            open_ = ~np.isin(unit, unit[taken])
        left = np.unique(unit[open_])
        drawn = rng.choice(left, min(self.audit, len(left)), replace=False)
        return np.concatenate([taken, [int(np.flatnonzero(unit == card)[0]) for card in drawn]]).astype(np.int64)


POLICIES: Mapping[str, Policy] = {
    "highest scores": Policy(),
    "10 at random": Policy(audit=10),
    "50 at random": Policy(audit=50),
    "20 spread out, 10 at random": Policy(spread=20, audit=10),
    "20 in disagreement, 10 at random": Policy(disagreement=20, audit=10),
}
ASKED, TOP = "20 in disagreement, 10 at random", "highest scores"


@dataclass(frozen=True)
class Stream:
    """One policy over thirty days."""

    policy: Policy
    delay: int  # days until the labels of unchecked payments are known
    days: int = DAYS

    def rows(self, start: str, seed: int = 0) -> Records:
        """Return one record a day: compromised cards found so far, and at the end the score on the week after."""
        days = _Days.of(start, self.days)
        labels, every = Delayed(days.table.y), np.arange(len(days.day))  # checked today, known tomorrow
        labels.expect(np.flatnonzero(days.day < 0), 0)
        found, records = set[int](), list[dict[str, object]]()
        for today in range(self.days):
            rng, known = stream(seed, "stream", today), labels.arrived(every)
            table = days.table.take(np.flatnonzero(known >= 0))
            model = _fit(table, rng)
            at = np.flatnonzero((days.day == today) & ~np.isin(days.card, _blocked(days, known)))
            second = Thinned(XGBoost(), MODEL.most).fit(table, rng) if self.policy.disagreement else None
            pool = _pool(days.table.take(at), days.card[at], model, second)
            checked = np.isin(days.card[at], days.card[at][self.policy.cards(pool, rng)])
            labels.ask(days.table.rows.take(at[checked]), at[checked])
            labels.expect(at, self.delay)
            labels.wait(1)
            found |= set(days.card[at[checked & (days.table.y[at] == 1)]].tolist())
            records.append({"day": today, "found": len(found)})
        end = self.days
        model = _fit(days.table.take(np.flatnonzero(labels.arrived(every) >= 0)), stream(seed, "stream", end))
        first = np.where(days.day < 0, days.table.y, UNANSWERED)
        at = np.flatnonzero((days.day >= end) & ~np.isin(days.card, _blocked(days, first)))
        test = days.table.take(at)
        ap = score("average_precision", JudgeRows.of(test), model.predict_proba(test.rows))
        return [each | {"average_precision": ap} for each in records]


@dataclass(frozen=True, eq=False)
class _Days:
    """Payments of all days that are needed, encoded by the schema of the first week."""

    table: Table
    day: np.ndarray  # (n,) from the first day of the stream; negative = the labelled week before
    card: np.ndarray  # (n,)

    @classmethod
    def of(cls, start: str, days: int) -> "_Days":
        frame = payments(start, days)
        split = split_of(frame)
        order = np.argsort(np.concatenate([split.train.row_number, split.test.row_number]), kind="stable")
        table = Table.concat([split.train, split.test]).take(order)
        return cls(table, frame["day"].to_numpy(), frame["CUSTOMER_ID"].to_numpy())


def payments(start: str, days: int) -> pd.DataFrame:
    """Return the payments of the labelled week, the stream and the week after; ``day`` counts from the stream's first.

    Raises
    ------
    DataError
        If the days lie outside the table.
    """
    frame = transactions(data_folder())
    day = frame["TX_TIME_DAYS"] - (day_number(frame, start) + TRAIN_DAYS)
    if day.min() > -TRAIN_DAYS or day.max() < days + TEST_DAYS - 1:
        raise DataError(
            f"a stream from {start} needs {TRAIN_DAYS + days + TEST_DAYS} days of payments, and the table ends before "
            f"or begins later: choose another day, for example {STARTS[1]}."
        )
    return frame.assign(day=day)[(day >= -TRAIN_DAYS) & (day < days + TEST_DAYS)].reset_index(drop=True)


def split_of(frame: pd.DataFrame) -> Split:
    """Encode payments by the schema of the labelled week, with the stream as the test part."""
    told, day = frame[[*FEATURES, TARGET]], frame["day"].to_numpy()
    return Split.at(Dataset("card fraud", told, TARGET, 1), np.flatnonzero(day < 0), np.flatnonzero(day >= 0))


def _blocked(days: _Days, known: np.ndarray) -> np.ndarray:
    """Return the cards with a known fraud; ``known`` (n,) are the labels so far, -1 = not known."""
    return np.unique(days.card[known == 1])


def _fit(table: Table, rng: np.random.Generator) -> Thinned:
    return Thinned(MODEL.learner, MODEL.most).fit(table, rng)


def _pool(table: Table, card: np.ndarray, model: Thinned, second: Thinned | None) -> Pool:
    unit = np.unique(card, return_inverse=True)[1].astype(np.int64)
    rows = replace(unlabelled(table.rows, table.schema), unit=unit)
    other = None if second is None else second.predict_proba(table.rows)
    return Pool(rows, model.predict_proba(table.rows), other)
