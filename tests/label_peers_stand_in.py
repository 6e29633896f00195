"""A stand-in for the script of the peers, run by this interpreter, which keeps a copy of all files it was given."""

import sys
from dataclasses import dataclass, replace
from pathlib import Path

from experiments.benchmarks.autogluon.environment import Environment
from experiments.benchmarks.labels.peers.exchange import PEER

# Buys the first rows of the pool and answers with the first column, as a rank; lists the rows 7 and 3.
STAND_IN = """
import json, shutil, sys, uuid
from pathlib import Path
import numpy as np

SEEN, FAULT = Path({seen!r}), {fault!r}
step, folder = sys.argv[1], Path(sys.argv[2])


def rank(X):
    return (np.argsort(np.argsort(X[:, 0])) / len(X)).tolist()


if step == "versions":
    answer = {{"scikit-activeml": "9.1", "modAL-python": "9.2", "cleanlab": "9.3"}}
elif step == "buy":
    settings = json.loads((folder / "settings.json").read_text())
    pool, X = np.load(folder / "pool.npy"), np.load(folder / "test_X.npy")
    rounds, at = [], 0
    for n in settings["batches"]:
        rounds.append({{"proba": rank(X), "bought": pool[at : at + n].tolist()}})
        at += n
    if FAULT == "short":
        rounds.pop()
    elif FAULT == "twice":
        rounds[1]["bought"] = rounds[0]["bought"] + rounds[1]["bought"][len(rounds[0]["bought"]) :]
    elif FAULT == "known":
        rounds[0]["bought"][0] = int(np.setdiff1d(np.arange(len(np.load(folder / "train_X.npy"))), pool)[0])
    elif FAULT == "few":
        rounds[0]["bought"].pop()
    elif FAULT == "nan":
        rounds[0]["proba"][0] = float("nan")
    answer = {{"rounds": rounds}}
else:
    X = np.load(folder / "X.npy")
    answer = {{"proba": rank(X), "listed": [7, 3]}}
shutil.copytree(folder, SEEN / (step + "-" + uuid.uuid4().hex))
(folder / (step + ".json")).write_text(json.dumps(answer))
"""


@dataclass
class StandIn:
    """The script, and the folder in which it keeps what it has seen."""

    home: Path

    def environment(self, fault: str = "") -> Environment:
        """Return an environment whose worker is the stand-in; ``fault`` says what is wrong with its answer."""
        script = self.home / f"worker{fault}.py"
        script.write_text(STAND_IN.format(seen=str(self.home / "seen"), fault=fault))
        return Environment.of(Path(sys.executable), replace(PEER, worker=script))

    def steps(self, step: str) -> list[Path]:
        """Return a copy of the folder of each time that a step was done."""
        return sorted((self.home / "seen").glob(f"{step}-*"))
