"""The terminals' risk columns of card fraud, computed once more as if some frauds had never been reported."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

DELAY = 7  # days until a fraud is reported
COLUMNS: Mapping[str, int] = {f"TERMINAL_ID_RISK_{days}DAY_WINDOW": days for days in (1, 7, 30)}
_DAY = 86_400  # seconds
_SPAN = 2**33  # more seconds than any table and its windows last


def risks(payments: pd.DataFrame, reported: np.ndarray) -> pd.DataFrame:
    """Compute the share of reported frauds among a terminal's payments, in windows that end `DELAY` days ago.

    As in chapter 3 of the Fraud Detection Handbook: with all frauds reported these are the columns of its table.

    Parameters
    ----------
    payments : DataFrame
        All n transactions with TERMINAL_ID and TX_DATETIME.
    reported : np.ndarray
        Which of them are frauds that get reported, (n,) bool.

    Returns
    -------
    DataFrame
        The columns `COLUMNS`, n rows with the index of the payments.
    """
    seconds = payments["TX_DATETIME"].to_numpy().astype("datetime64[s]").astype(np.int64)
    line = (
        payments["TERMINAL_ID"].to_numpy().astype(np.int64) * _SPAN + seconds
    )  # one time line, terminal after terminal
    order = np.argsort(line, kind="stable")
    line, upto = line[order], np.arange(1, len(order) + 1)
    frauds = np.append(0, np.cumsum(reported[order]))

    def within(days: int) -> tuple[np.ndarray, np.ndarray]:
        """Count payments and frauds (n,) of the terminal in the last days, the payment itself included."""
        first = np.searchsorted(line, line - days * _DAY, side="right")
        return upto - first, frauds[upto] - frauds[first]

    late_payments, late_frauds = within(DELAY)
    told = pd.DataFrame(0.0, index=payments.index, columns=list(COLUMNS))
    for name, days in COLUMNS.items():
        all_payments, all_frauds = within(DELAY + days)
        before = all_payments - late_payments
        risk = np.empty(len(order))
        risk[order] = (all_frauds - late_frauds) / np.maximum(before, 1)
        told[name] = risk
    return told
