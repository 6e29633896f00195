"""A stand-in for AutoGluon in an environment of its own, which keeps what it was given."""

import json
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from sklearn.metrics import average_precision_score

from experiments.benchmarks.autogluon import comparison
from experiments.data.protocols import suite_split
from experiments.data.sources import load

TABLE = "yeast_me2"

# Answers with the column "signal"; keeps a copy of all files that it could read; fails where "fault.txt" tells it to.
STAND_IN = """
import json, os, shutil, sys, time, uuid
from pathlib import Path

SEEN = Path({seen!r})


class TabularPredictor:
    def __init__(self, label, problem_type, eval_metric, path, verbosity):
        self.path, self.told = Path(path), dict(label=label, problem_type=problem_type, eval_metric=eval_metric)

    def fit(self, train, presets, time_limit, **limits):
        self._look("fit", presets=presets, time_limit=time_limit, limits=limits, **self.told)
        self.path.mkdir()
        return self

    @classmethod
    def load(cls, path, verbosity):
        return cls("", "", "", path, verbosity)

    def persist(self):
        self._look("score")

    def model_names(self):
        return ["one", "two"]

    def predict_proba(self, rows):
        return {{1: rows["signal"], 0: 1 - rows["signal"]}}

    def _look(self, step, **told):
        folder = SEEN / (step + "-" + uuid.uuid4().hex)
        shutil.copytree(self.path.parent, folder)
        where = dict(folder=str(self.path.parent), sys_path=sys.path, environ=dict(os.environ))
        (folder / "told.json").write_text(json.dumps(told | where))
        if (SEEN / "wait.txt").is_file():
            try:
                (SEEN / "waiting.txt").touch()
                time.sleep(60)
            finally:
                (SEEN / "ended.txt").touch()
        fault = SEEN / "fault.txt"
        if fault.is_file() and fault.read_text() == str(len(list(SEEN.glob("fit-*")))):
            raise MemoryError("no memory left")
"""


class Peer(NamedTuple):
    """An environment with the stand-in, and the folder in which it keeps what it has seen."""

    python: Path
    seen: Path

    @classmethod
    def made(cls, home: Path) -> "Peer":
        """Make the environment as a user does, with pandas from here."""
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home / "agenv")], check=True)
        (site,) = (home / "agenv").glob("lib/*/site-packages")
        (site / "ours.pth").write_text(sysconfig.get_path("purelib"))
        (site / "autogluon" / "tabular").mkdir(parents=True)
        (site / "autogluon" / "tabular" / "__init__.py").write_text(STAND_IN.format(seen=str(home / "seen")))
        (site / "autogluon_tabular-9.9.dist-info").mkdir()
        (site / "autogluon_tabular-9.9.dist-info" / "METADATA").write_text("Name: autogluon.tabular\nVersion: 9.9\n")
        return cls(home / "agenv" / "bin" / "python", home / "seen")

    def run(self, out: Path, splits: int = 1, **options: object) -> None:
        comparison.main(self.python, splits=splits, tables=TABLE, out=out, **options)  # type: ignore[arg-type]

    def steps(self, step: str) -> list[Path]:
        """Return what each step saw: a copy of its folder, and told.json."""
        return sorted(self.seen.glob(f"{step}-*"))

    def told(self) -> list[dict[str, object]]:
        return [json.loads((step / "told.json").read_text()) for step in sorted(self.seen.glob("*-*"))]

    def break_at(self, fit: int) -> None:
        """Let this fit fail, counted from 1."""
        (self.seen / "fault.txt").write_text(str(fit))

    def repair(self) -> None:
        (self.seen / "fault.txt").unlink()


def expected(seed: int) -> float:
    """Average precision of the column "signal" on the test rows."""
    test = suite_split(TABLE, seed).test
    at = test.schema.names.index("signal")
    return float(average_precision_score(test.y == test.schema.positive, test.X[:, at]))


def raw(rows: object) -> pd.DataFrame:
    """Return rows of the table as the user has them."""
    return load(f"suite:{TABLE}", "target").frame.iloc[rows].reset_index(drop=True)
