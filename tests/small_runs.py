"""A table and a configuration so small that a whole run takes a second."""

from pathlib import Path

import numpy as np
import pandas as pd
import yaml


def frame(n: int = 240, seed: int = 0) -> pd.DataFrame:
    """Two numbers, a category and a flag; the odds of ``fraud`` follow the numbers, sharply for one category."""
    rng = np.random.default_rng(seed)
    amount, age = rng.exponential(50, n).round(2), rng.integers(18, 90, n)
    shop = rng.choice(["book", "fuel", "toys"], n)
    logit = (amount - 60) / 30 + np.where(shop == "fuel", (age - 50) / 10, -1.0)
    y = rng.random(n) < 1 / (1 + np.exp(-logit))
    columns = {"amount": amount, "age": age, "shop": shop, "abroad": rng.random(n) < 0.3}
    return pd.DataFrame({**columns, "fraud": np.where(y, "yes", "no")})


PATTERN = {  # of a rule book: young people who buy toys
    "label": "yes",
    "from_rows": {"where": "fraud == 'no'"},
    "columns": {
        "shop": {"from": "choice", "values": ["toys"]},
        "age": {"from": "integers", "low": 18, "high": 22},
        "amount": {"from": "uniform", "low": 20, "high": 30},
    },
}


def write(folder: Path, table: pd.DataFrame, name: str = "table.csv") -> Path:
    path = folder / name
    table.to_csv(path, index=False)
    return path


def content(data: Path, out: Path, **loop: object) -> dict[str, object]:
    """Return the content of a configuration file."""
    return {
        "data": {"source": str(data), "target": "fraud", "positive": "yes"},
        "loop": {"generations": 2, "lanes": 2, "jobs": 1, **loop},
        "learner": {"name": "xgboost", "settings": {"trees": 20}},
        "augmented_learner": {"settings": {"trees": 20, "depth": 4}},
        "teacher": {"members": ["linear"]},
        "arms": {"tuning": False, "plain": False},
        "tracking": "none",
        "out": str(out),
    }


def write_config(folder: Path, settings: dict[str, object]) -> Path:
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(settings))
    return path
