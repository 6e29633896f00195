"""Delivered models of trees on a table with columns of every kind, for what is exported and served elsewhere."""

import numpy as np
import pandas as pd

from loop.data.encoding import encode
from loop.data.schema import infer
from loop.evaluation.calibration import Calibration, Identity, Isotonic, Platt
from loop.model import Model
from loop.protocols import Learner

START = pd.Timestamp("2026-01-05 08:00")
CALIBRATIONS = {
    "none": {2: Identity(), 3: Identity()},
    "platt": {2: Platt(0.7, (0.0, -0.4)), 3: Platt(1.3, (0.0, 0.2, -0.5))},
    "isotonic": {
        2: Isotonic((((0.02, 0.3, 0.9), (0.01, 0.4, 0.8)),)),
        3: Isotonic((((0.1, 0.9), (0.05, 0.7)), ((0.0, 0.5, 1.0), (0.1, 0.2, 0.9)), ((0.2,), (0.3,)))),
    },
}


def mixed_frame(n: int = 400, n_classes: int = 2, seed: int = 0, categories: int = 12) -> pd.DataFrame:
    """Numbers, large whole numbers, a flag, datetimes and two categorical columns, each with missing values but two.

    The names of two columns hold characters that XGBoost does not allow.
    """
    rng = np.random.default_rng(seed)
    amount, shop = rng.exponential(50, n), rng.integers(0, categories, n)
    card = 4_000_000_000 + rng.integers(0, 900, n)
    paid = START + pd.to_timedelta(rng.integers(0, 40_000_000, n), unit="s")
    abroad = rng.random(n) < 0.3
    risk = amount / 50 + np.sin(shop * 2.4) + (card % 900 > 600) + abroad * paid.hour / 12 + rng.normal(0, 0.5, n)
    frame = pd.DataFrame(
        {
            "amount [EUR]": amount,
            "card": card,
            "shop": pd.Series([f"shop {code}" for code in shop], dtype="str"),
            "abroad": pd.Series(abroad, dtype="boolean"),
            "paid <at>": pd.Series(paid),
            "level": pd.Categorical(rng.choice([10, 20, 30], n)),
        }
    )
    for name in ("amount [EUR]", "shop", "abroad", "paid <at>"):
        frame.loc[rng.random(n) < 0.15, name] = None
    frame["kind"] = np.array(["a", "b", "c"])[np.digitize(risk, np.quantile(risk, np.arange(1, n_classes) / n_classes))]
    return frame


def delivered(learner: Learner, frame: pd.DataFrame, calibration: Calibration | None = None) -> Model:
    """Fit a learner on a frame of `mixed_frame`."""
    schema = infer(frame, "kind")
    fitted = learner.fit(encode(schema, frame), np.random.default_rng(0))
    return Model(schema, fitted, calibration or Identity())
