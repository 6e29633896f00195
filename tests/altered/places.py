"""Real folders of every kind that weakspot reads, each made once by the commands themselves."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from asked_runs import call, filled
from generator_makers import maker
from of_columns import of_columns
from queues import annotation, as_json, task
from small_runs import PATTERN, content, frame, write

from experiments.storage import run_folder
from generators.common import persistence
from learners import LEARNERS, Blend, Thinned
from learners.teachers.committee import Committee
from loop.data.encoding import encode
from loop.evaluation.calibration import Isotonic, Platt
from loop.model import Model
from loop.protocols import Learner
from loop.types import Table

SMALL: Mapping[str, Mapping[str, Any]] = {
    "xgboost": {"trees": 5, "depth": 3},
    "catboost": {"trees": 5, "depth": 3},
    "lightgbm": {"trees": 5, "leaves": 5},
    "forest": {"trees": 5},
    "extra_trees": {"trees": 5, "categories": "one_hot"},
    "linear": {},
    "mlp": {"members": 2, "hidden": 4, "steps": 20},
}
UNFINISHED = ("done.json", "report.json", "report.html")  # what a run lacks that was stopped before its end
TRACKING = "mlflow.yaml"


def learners() -> dict[str, Callable[[], Learner]]:
    """Return a maker of each learner that can be saved, small."""
    made: dict[str, Callable[[], Learner]] = {
        name: lambda name=name: LEARNERS.make(name, **SMALL[name]) for name in SMALL
    }
    made["blend"] = lambda: Blend((made["xgboost"](), made["linear"]()), weights=(1, 2))
    made["thinned"] = lambda: Thinned(made["linear"](), most=150)
    return made


def make(place: Path) -> None:
    """Make all folders: one run each, and saved parts fitted on its rows."""
    _settle(place)
    _runs(place)
    _models(place)
    _generators(place)
    _searches(place)
    _asked(place)


def _settle(place: Path) -> None:
    write(place, frame())
    write(place, frame(200, seed=1).assign(fraud=lambda t: t["fraud"].map({"yes": "no", "no": "yes"})), "other.csv")
    frame(40, seed=2).drop(columns="fraud").to_csv(place / "new.csv", index=False)
    frame().to_parquet(place / "table.parquet")
    frame(40, seed=2).set_index("age").to_parquet(place / "indexed.parquet")
    (place / "book.yaml").write_text(yaml.safe_dump(PATTERN))
    (place / TRACKING).write_text(f"tracking_uri: sqlite:///{place / 'mlflow.db'}\n")


def _configured(place: Path, name: str, data: str = "table.csv", **more: object) -> Path:
    settings = content(Path(data), Path("out"), generations=2) | {"deliver": "loop"}
    settings |= {"arms": {"run": False}, **more}
    path = place / f"{name}.yaml"
    path.write_text(yaml.safe_dump(settings))
    return path


def _runs(place: Path) -> None:
    for name, data in {"run": "table.csv", "other_run": "other.csv"}.items():
        call("run", _configured(place, name, data))
        (made,) = (place / "out").iterdir()
        made.rename(place / name)
    shutil.copytree(place / "run", place / "cut")
    for name in UNFINISHED:
        (place / "cut" / name).unlink()
    (place / "cut" / "checkpoint" / "generation-002.npz").unlink()
    call("upload", place / "run", "--tracking", place / TRACKING)  # MLflow's tables take long to make
    shutil.rmtree(place / "out", ignore_errors=True)


def _models(place: Path) -> None:
    model = run_folder.load_model(place / "run" / "model")
    table = encode(model.schema, frame())
    knots = ((0.0, 0.5, 1.0), (0.0, 0.4, 1.0))
    for name, make_learner in learners().items():
        learner = make_learner().fit(table, np.random.default_rng(0))
        calibration = Isotonic((knots,)) if name == "linear" else Platt(1.0, (0.0, 0.1))
        run_folder.save_model(Model(model.schema, learner, calibration), place / "models" / name)
    run_folder.save_model(Model(model.schema, _committee(table)), place / "models" / "committee")


def _committee(table: Table) -> Committee:
    members = (LEARNERS.make("linear"), LEARNERS.make("xgboost", **SMALL["xgboost"]))
    return Committee(members, folds=2).fit(table, np.random.default_rng(0))


def _generators(place: Path) -> None:
    table = encode(run_folder.load_model(place / "run" / "model").schema, frame())
    for name in (*of_columns(persistence.GENERATORS), "reject"):
        if name != "rules":
            made = maker(name, short=True)().fit(table, np.random.default_rng(0))
            persistence.save(made, place / "generators" / name)
    book = {"data": "table.csv", "target": "fraud", "generator": "book.yaml", "save": "generators/rules"}
    call("generate", "--n", 5, *(word for key, value in book.items() for word in (f"--{key}", value)))


def _searches(place: Path) -> None:
    settings = yaml.safe_load(_configured(place, "compare").read_text())
    settings |= {"sources": [settings.pop("data")], "strategies": ["untargeted"], "seeds": [0, 1]}
    (place / "compare.yaml").write_text(yaml.safe_dump(settings))
    call("compare", place / "compare.yaml")
    (place / "out").rename(place / "compared")
    settings = yaml.safe_load(_configured(place, "tune").read_text())
    settings.pop("arms")
    settings.pop("deliver")
    settings |= {"sources": [settings.pop("data")], "trials": 2, "space": {"loop.budget": {"low": 0.2, "high": 1.0}}}
    (place / "tune.yaml").write_text(yaml.safe_dump(settings))
    call("tune", place / "tune.yaml")
    (place / "out").rename(place / "tuned")


def _asked(place: Path) -> None:
    rows = frame(900).assign(receipt=[f"r{number:04d}" for number in range(900)])
    write(place, rows[:300], "known.csv")
    write(place, rows[300:].drop(columns="fraud"), "pool.csv")
    call("run", _configured(place, "asking", "known.csv"))
    (made,) = (place / "out").iterdir()
    made.rename(place / "asked")
    shutil.rmtree(place / "out")
    call("queue", place / "asked", "--pool", place / "pool.csv", "--n", 20)
    asked = filled(place / "asked" / "labels" / "batch-001" / "queue.csv", place / "filled.csv")
    exported = [task(each, annotation(label)) for each, label in zip(asked["question"], asked["label"], strict=True)]
    as_json(place, exported)
    call("answer", place / "asked", place / "filled.csv")
