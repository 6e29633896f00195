"""Buys labels and finds label errors with other packages; a script for another environment, it imports nothing of ours.

``python worker.py STEP FOLDER``; each step reads its inputs from the folder and writes STEP.json there:

- ``versions``: the versions of the packages that it can use.
- ``buy``: from settings.json, train_X.npy, train_y.npy, pool.npy and test_X.npy, the rows bought in each batch and the
  answers of the test rows before it. A label is looked up only for rows that were bought.
- ``check``: from settings.json, X.npy and y.npy, out-of-fold probabilities and the rows whose labels look wrong.

All labels are 1 for the class to catch, else 0.
"""

import json
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("scikit-activeml", "modAL-python", "cleanlab", "scikit-learn", "numpy")
FOLDS = 5  # of the probabilities that cleanlab reads


def versions(folder: Path) -> dict[str, Any]:
    """Return the versions of the packages that are installed, by name."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def buy(folder: Path) -> dict[str, Any]:
    """Buy batch after batch by one way; return positions in the training rows, and scores of the test rows."""
    import numpy as np

    settings = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
    X, y, test = (np.load(folder / f"{name}.npy") for name in ("train_X", "train_y", "test_X"))
    pool = np.load(folder / "pool.npy")  # positions of the rows without labels
    known = np.setdiff1d(np.arange(len(X)), pool)
    way, rounds = WAYS[settings["way"]], []
    for turn, n in enumerate(settings["batches"]):
        proba, chosen = way(X[known], y[known], X[pool], test, n, settings["seed"] + turn)
        bought = pool[chosen]
        rounds.append({"known": len(known), "proba": proba.tolist(), "bought": bought.tolist()})
        known, pool = np.concatenate([known, bought]), np.delete(pool, chosen)
    return {"rounds": rounds}


def forest(state: int) -> Any:
    """Return the learner of all ways, unfitted."""
    from sklearn.ensemble import ExtraTreesClassifier

    return ExtraTreesClassifier(n_estimators=100, max_features=0.5, min_samples_leaf=2, random_state=state, n_jobs=1)


def activeml(strategy: str) -> Any:
    """Return a way of scikit-activeml: its classifier is fitted once, and both chooses and scores."""

    def way(X: Any, y: Any, pool: Any, test: Any, n: int, state: int) -> tuple[Any, Any]:
        import numpy as np
        from skactiveml.classifier import SklearnClassifier
        from skactiveml.pool import QueryByCommittee, UncertaintySampling

        model = SklearnClassifier(forest(state), classes=[0, 1], random_state=state).fit(X, y)
        both, labels = np.vstack([X, pool]), np.concatenate([y, np.full(len(pool), np.nan)])
        if strategy == "committee":
            query = QueryByCommittee(random_state=state)
            chosen = query.query(both, labels, ensemble=model, fit_ensemble=False, batch_size=n)
        else:
            query = UncertaintySampling(random_state=state, **({} if strategy == "default" else {"method": strategy}))
            chosen = query.query(both, labels, clf=model, fit_clf=False, batch_size=n)
        return model.predict_proba(test)[:, 1], chosen - len(X)

    return way


def modal(strategy: str) -> Any:
    """Return a way of modAL; its learner is made anew for each batch: ``teach`` fails from scikit-learn 1.8 on."""

    def way(X: Any, y: Any, pool: Any, test: Any, n: int, state: int) -> tuple[Any, Any]:
        from modAL.batch import uncertainty_batch_sampling
        from modAL.models import ActiveLearner
        from modAL.uncertainty import uncertainty_sampling

        chooses = {"doubt": uncertainty_sampling, "ranked batch": uncertainty_batch_sampling}[strategy]
        model = ActiveLearner(forest(state), query_strategy=chooses, X_training=X, y_training=y)
        chosen, _ = model.query(pool, n_instances=n)
        return model.predict_proba(test)[:, 1], chosen

    return way


def check(folder: Path) -> dict[str, Any]:
    """List rows whose labels look wrong, the least sure of its label first, as cleanlab does by default."""
    import numpy as np
    from cleanlab.filter import find_label_issues
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    settings = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
    X, y = np.load(folder / "X.npy"), np.load(folder / "y.npy")
    state = settings["seed"]
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=state)
    proba = cross_val_predict(forest(state), X, y, cv=folds, method="predict_proba")
    # Its own order, without which it returns a mask; which rows it lists is the same.
    listed = find_label_issues(y, proba, return_indices_ranked_by="self_confidence", n_jobs=1)
    return {"proba": proba[:, 1].tolist(), "listed": listed.tolist()}


WAYS = {
    "scikit-activeml default": activeml("default"),
    "scikit-activeml margin": activeml("margin_sampling"),
    "scikit-activeml committee": activeml("committee"),
    "modAL uncertainty": modal("doubt"),
    "modAL ranked batches": modal("ranked batch"),
}


def main(step: str, folder: Path) -> None:
    """Do one step, and write what it returns."""
    answer = {"versions": versions, "buy": buy, "check": check}[step](folder)
    (folder / f"{step}.json").write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
