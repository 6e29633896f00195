"""Splits of the published protocols, the rare-class suite and the weeks of card fraud; tables made for benchmarks."""

import numpy as np
import pandas as pd

from experiments.data.card_fraud import encoded, fraud_weeks
from experiments.data.sources import Dataset, data_folder, load
from experiments.data.split import Split
from loop.seeds import stream


def suite_split(table: str, seed: int) -> Split:
    """Split a table of the rare-class suite 60/40 at random and stratified, with duplicates on one side."""
    return Split.of(load(f"suite:{table}", "target"), seed)


def fraud_split(start: str) -> Split:
    """Return the weeks of card fraud for a first training day."""
    return encoded(fraud_weeks(start, data_folder()))


def noise_table(n: int, d: int, seed: int, share: float) -> Dataset:
    """Make n rows of ``d`` standard normal columns and independent labels, of which a ``share`` are 1.

    Nothing can be learnt here, so any weak region or proven gain is a false positive.
    """
    rng = stream(seed, "noise")
    frame = pd.DataFrame(rng.standard_normal((n, d)), columns=[f"x{column}" for column in range(d)])
    frame["target"] = rng.permutation(np.arange(n) < round(n * share)).astype(np.int64)
    return Dataset("noise", frame, "target", positive=1, note="labels are independent of the features")


def permuted(frame: pd.DataFrame, target: str, seed: int) -> pd.DataFrame:
    """Return a copy with shuffled labels, so that nothing can be learnt."""
    order = stream(seed, "permuted").permutation(len(frame))
    return frame.assign(**{target: frame[target].array[order]})


def rare_digits(seed: int, digits: tuple[int, int] = (3, 8), share: float = 0.05) -> Dataset:
    """Return scikit-learn's digits, with only a share of the rows of two digits that are hard to tell apart."""
    whole = load("sklearn:digits")
    label = whole.frame[whole.target].to_numpy()
    rng = stream(seed, "rare_digits")
    keep = ~np.isin(label, digits)
    for digit in digits:
        rows = np.flatnonzero(label == digit)
        keep[rng.choice(rows, max(round(len(rows) * share), 1), replace=False)] = True
    note = f"digits {digits[0]} and {digits[1]} cut to {share:.0%} of their rows"
    return Dataset("rare_digits", whole.frame[keep].reset_index(drop=True), whole.target, digits[1], note=note)
