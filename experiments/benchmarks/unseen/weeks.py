"""Weeks of card fraud whose training days lack the frauds of one scenario; the test days keep them."""

from collections.abc import Mapping

import pandas as pd

from experiments.benchmarks.unseen.cases import Case
from experiments.benchmarks.unseen.terminal_risk import COLUMNS, risks
from experiments.data.card_fraud import TARGET, FraudWeeks, encoded, split_weeks, transactions
from experiments.data.sources import data_folder
from experiments.data.split import Split

KIND = "TX_FRAUD_SCENARIO"  # number of the scenario, 0 = honest
SCENARIOS: Mapping[int, str] = {1: "large_amount", 2: "compromised_terminal", 3: "stolen_card"}  # in the rule book
RECORDED, CLEAN_RISK = "recorded", "clean_risk"
VARIANTS = (RECORDED, CLEAN_RISK)


def week_of(payments: pd.DataFrame, start: str, hidden: int) -> Case:
    """Select the weeks for a first training day and leave out of training a scenario, 0 = none."""
    weeks = split_weeks(payments, start)
    train = weeks.train[(weeks.train[KIND] != hidden) | (hidden == 0)].reset_index(drop=True)
    return Case(encoded(FraudWeeks(train, weeks.test)), weeks.test[KIND].to_numpy())


def payments(hidden: int, variant: str) -> pd.DataFrame:
    """Read all transactions, with the terminals' risk as recorded or as if a scenario had never been reported.

    Raises
    ------
    DataError
        If the file is missing or has other columns.
    """
    if variant != CLEAN_RISK:
        return transactions(data_folder(), KIND)
    frame = transactions(data_folder(), KIND, "TERMINAL_ID")
    reported = (frame[TARGET] == 1) & (frame[KIND] != hidden)
    return frame.assign(**risks(frame, reported.to_numpy()).astype(frame.dtypes[list(COLUMNS)].to_dict()))


def split_of(start: str, hidden: int, variant: str = RECORDED) -> Split:
    """Return the weeks of a first training day, without a scenario in the training rows."""
    return week_of(payments(hidden, variant), start, hidden).split
