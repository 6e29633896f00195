"""Fits AutoGluon and scores rows with it; a script for another environment, so it imports nothing of this project.

``python worker.py STEP FOLDER``; each step reads its inputs from the folder and writes STEP.json there:

- ``versions``: the versions of AutoGluon and of the libraries whose models it has.
- ``fit``: from settings.json and train.parquet, the seconds that it took; the model stays in the folder.
- ``score``: from test.parquet, which holds no target, a probability for each row and the seconds per million rows.
"""

import json
import os
import statistics
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("autogluon.tabular", "catboost", "fastai", "lightgbm", "ray", "torch", "xgboost", "xgboost-cpu")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def versions(folder: Path) -> dict[str, Any]:
    """Return the versions of the packages that are installed, by name."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def fit(folder: Path) -> dict[str, Any]:
    """Fit AutoGluon on the training rows; the target is 1 for the class to catch, else 0."""
    import pandas as pd
    from autogluon.tabular import TabularPredictor

    settings = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
    train = pd.read_parquet(folder / "train.parquet")
    limits = {} if settings["cpus"] is None else {"num_cpus": settings["cpus"]}
    started = time.perf_counter()
    predictor = TabularPredictor(
        label=settings["target"],
        problem_type="binary",
        eval_metric=settings["metric"],
        path=str(folder / "model"),
        verbosity=0,
    )
    predictor.fit(train, presets=settings["preset"], time_limit=settings["seconds"], **limits)
    seconds = time.perf_counter() - started
    return {"seconds_fit": seconds, "models": predictor.model_names()}


def score(folder: Path) -> dict[str, Any]:
    """Answer the test rows, and measure on one thread and one core how long many rows like these take."""
    import numpy as np
    import pandas as pd
    from autogluon.tabular import TabularPredictor

    settings = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
    test = pd.read_parquet(folder / "test.parquet")
    many = test.iloc[np.resize(np.arange(len(test)), settings["scored_rows"])].reset_index(drop=True)
    predictor = TabularPredictor.load(str(folder / "model"), verbosity=0)
    predictor.persist()  # reading the model from disk is no part of scoring
    proba = predictor.predict_proba(test)[1]

    def taken() -> float:
        started = time.perf_counter()
        predictor.predict_proba(many)
        return time.perf_counter() - started

    first = taken()
    seconds = first if first > settings["fast"] else statistics.median(taken() for _ in range(settings["repeats"]))
    return {"proba": [float(each) for each in proba], "seconds_per_million": seconds * 1e6 / settings["scored_rows"]}


def one_core() -> None:
    """Keep this process on one core; to be called before numpy is imported."""
    os.environ.update(dict.fromkeys(THREADS, "1"))
    if sys.platform == "linux":
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def main(step: str, folder: Path) -> None:
    """Do one step, and write what it returns."""
    if step == "score":
        one_core()
    answer = {"versions": versions, "fit": fit, "score": score}[step](folder)
    (folder / f"{step}.json").write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
