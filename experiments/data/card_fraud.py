"""The card-fraud protocol: one week trains, a week of reporting delay is skipped, the week after it tests.

Table and protocol are those of the Fraud Detection Handbook (Le Borgne, Siblini, Lebichot and Bontempi 2022,
chapters 3 and 5). A card is known to be compromised 7 days after its fraud; the handbook's own code waits 8: use
``known_after=KNOWN_IN_PRINT`` to compare with published figures.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from experiments.data.sources import Dataset
from experiments.data.split import Split
from loop.errors import DataError

STARTS = ("2018-07-25", "2018-06-13", "2018-05-30", "2018-08-22")
TARGET = "target"
FEATURES = (
    "TX_AMOUNT",
    "TX_DURING_WEEKEND",
    "TX_DURING_NIGHT",
    *(f"CUSTOMER_ID_{what}_{days}DAY_WINDOW" for days in (1, 7, 30) for what in ("NB_TX", "AVG_AMOUNT")),
    *(f"TERMINAL_ID_{what}_{days}DAY_WINDOW" for days in (1, 7, 30) for what in ("NB_TX", "RISK")),
)
TRAIN_DAYS = DELAY_DAYS = TEST_DAYS = 7
KNOWN_IN_PRINT = 8  # days until a compromised card is known in the handbook's own code
_NEEDED = ("TX_DATETIME", "TX_TIME_DAYS", "CUSTOMER_ID", TARGET, *FEATURES)


class FraudWeeks(NamedTuple):
    """Rows of the training and test weeks; use their columns `FEATURES` and `TARGET`."""

    train: pd.DataFrame
    test: pd.DataFrame  # without cards already known to be compromised


def encoded(weeks: FraudWeeks) -> Split:
    """Return the features of both weeks, encoded by the schema of the training week.

    The payments of a customer are one unit of evidence and stay in one lane.
    """
    frame = pd.concat([each[["CUSTOMER_ID", *FEATURES, TARGET]] for each in weeks], ignore_index=True)
    train, test = np.split(np.arange(len(frame)), [len(weeks.train)])
    return Split.at(Dataset("card fraud", frame, TARGET, 1, group="CUSTOMER_ID"), train, test)


def fraud_weeks(start: str, folder: str | Path) -> FraudWeeks:
    """Read the training and test weeks for a first training day, such as those in `STARTS`.

    Raises
    ------
    DataError
        As `transactions`, or if the days lie outside the table.
    """
    return split_weeks(transactions(folder), start)


def transactions(folder: str | Path, *more: str) -> pd.DataFrame:
    """Read all transactions from a folder with ``fraud_handbook.parquet``, and more of its columns than are needed.

    Raises
    ------
    DataError
        If the file is missing or has other columns.
    """
    path = Path(folder) / "fraud_handbook.parquet"
    if not path.is_file():
        raise DataError(f"The card-fraud protocol needs {path}, which is not there: set WEAKSPOT_DATA to its folder.")
    try:
        return pd.read_parquet(path, columns=[*_NEEDED, *more])
    except (ValueError, OSError) as error:
        raise DataError(f"{path} must be a Parquet file with the handbook's columns: {error}") from error


def split_weeks(frame: pd.DataFrame, start: str, *, known_after: int = DELAY_DAYS) -> FraudWeeks:
    """Select the two weeks from all transactions and remove known cards from the test days.

    A card is known on a test day if it had a fraud in the training week, or on any later day up to
    ``known_after`` days before that test day.

    Raises
    ------
    DataError
        If the days lie outside the table.
    """
    day = frame["TX_TIME_DAYS"].to_numpy()
    first = day_number(frame, start)
    test_from = first + TRAIN_DAYS + DELAY_DAYS
    if first < day.min() or test_from + TEST_DAYS - 1 > day.max():
        raise DataError(
            f"The weeks from {start} need {TRAIN_DAYS + DELAY_DAYS + TEST_DAYS} days of transactions, and the table "
            f"ends before or begins later: choose another start, for example {STARTS[0]}."
        )
    train = frame[(day >= first) & (day < first + TRAIN_DAYS)]
    test = frame[(day >= test_from) & (day < test_from + TEST_DAYS)]
    seen = frame[(day >= first) & (day < test_from + TEST_DAYS) & (frame[TARGET] == 1)]
    first_fraud = test["CUSTOMER_ID"].map(seen.groupby("CUSTOMER_ID")["TX_TIME_DAYS"].min())
    known = first_fraud <= test["TX_TIME_DAYS"] - known_after
    return FraudWeeks(train.reset_index(drop=True), test[~known].reset_index(drop=True))


def card_precision_at_100(test: pd.DataFrame, scores: np.ndarray) -> float:
    """Return the share of compromised cards among the 100 highest-scoring ones, mean over test days.

    A card's score is that of its highest transaction of the day, and it is compromised if any of them is a fraud.
    A compromised card found on an earlier day is left out. On days with fewer than 100 cards the divisor stays 100;
    equal scores are ordered by card number.

    Parameters
    ----------
    test : DataFrame
        Rows with TX_TIME_DAYS, CUSTOMER_ID and the target.
    scores : ndarray of shape (n,)
        Higher means more suspicious.

    Raises
    ------
    DataError
        If the scores are not one number for each row.
    """
    scores = np.asarray(scores, dtype=np.float64)
    if len(test) == 0 or scores.shape != (len(test),) or not np.isfinite(scores).all():
        raise DataError(
            f"Scores must be one finite number for each of the {len(test)} test rows (at least one), "
            f"got shape {scores.shape}: pass predict_proba(X)[:, 1]."
        )
    cards = test.assign(score=scores).groupby(["TX_TIME_DAYS", "CUSTOMER_ID"], sort=True)
    found: set[object] = set()
    precisions = []
    for _, today in cards.agg({"score": "max", TARGET: "max"}).reset_index().groupby("TX_TIME_DAYS"):
        fresh = today[~today["CUSTOMER_ID"].isin(found)]
        top = fresh.sort_values("score", ascending=False, kind="stable").head(100)
        caught = top.loc[top[TARGET] == 1, "CUSTOMER_ID"]
        precisions.append(len(caught) / 100)
        found |= set(caught)
    return float(np.mean(precisions))


def day_number(frame: pd.DataFrame, start: str) -> int:
    """Return the TX_TIME_DAYS of a date; day 0 is the date of the earliest transaction less its day number."""
    date = pd.to_datetime(start, errors="coerce")
    if pd.isna(date):
        raise DataError(f"start must be a date, got {start!r}: write it as {STARTS[0]}.")
    earliest = frame.iloc[int(frame["TX_DATETIME"].to_numpy().argmin())]
    zero = earliest["TX_DATETIME"].normalize() - pd.Timedelta(days=int(earliest["TX_TIME_DAYS"]))
    return int((date.normalize() - zero).days)
