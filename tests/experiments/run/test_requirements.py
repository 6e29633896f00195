"""What serving needs follows from the learners in a model: nothing is missing, nothing of others is there."""

import json
import os
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import numpy as np
import pytest
from installed import install

from experiments.run import requirements
from experiments.run.mlflow_model import save_model
from experiments.run.requirements import ALWAYS, OF_LEARNERS, requirements_of
from learners import LEARNERS, MLP, WRAPPERS, Blend, CatBoost, Committee, ExtraTrees, LightGBM, Linear, XGBoost
from loop.data.encoding import decode
from loop.model import Model
from loop.protocols import Learner
from loop.testing.learners import blobs

ROOT = Path(__file__).parents[3]
TABLE = blobs()
NETWORKS = MLP(members=2, hidden=8, steps=40)
ALL = Committee((XGBoost(trees=5), ExtraTrees(trees=5), NETWORKS, Linear()), folds=2, jobs=1)
BOOSTED = Blend((CatBoost(trees=5), LightGBM(trees=5)))
BROUGHT_ALONG = {"joblib"}  # by scikit-learn


def named(learner: Learner | None) -> set[str]:
    return {each.partition("==")[0] for each in requirements_of(learner)}


def test_every_learner_of_ours_says_what_it_needs() -> None:
    assert set(OF_LEARNERS) == {*LEARNERS.homes, *WRAPPERS.homes}


def test_what_the_learners_inside_need_is_needed() -> None:
    assert named(None) == named(Linear()) == named(Blend((Linear(),))) == set(ALWAYS)
    assert named(XGBoost()) == {*ALWAYS, "xgboost"}
    assert named(Blend((Linear(), Committee((NETWORKS, ExtraTrees()))))) == {*ALWAYS, "joblib", "safetensors", "torch"}
    assert f"numpy=={np.__version__}" in requirements_of(None)


def test_members_without_a_weight_need_nothing() -> None:
    committee = Committee((XGBoost(trees=5), Linear()), folds=2, jobs=1).fit(TABLE, np.random.default_rng(0))
    committee.weights_[-1] = [0, 1]
    assert named(committee) == set(ALWAYS)


def test_versions_are_those_that_an_index_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requirements, "version", lambda name: "2.13.0+cpu" if name == "torch" else "1.0")
    assert {"torch==2.13.0", "numpy==1.0"} <= set(requirements_of(MLP()))


def test_a_learner_of_another_package_needs_that_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mild_parts.py").write_text("from learners import Linear\nclass Mild(Linear): pass\n")
    monkeypatch.delitem(sys.modules, "mild_parts", raising=False)
    install(tmp_path, {"weakspot.learners": {"mild": "mild_parts:Mild"}}, monkeypatch)
    (tmp_path / "my_parts-1.0.dist-info" / "top_level.txt").write_text("mild_parts\n")
    assert set(requirements_of(LEARNERS.make("mild"))) - set(requirements_of(None)) == {"my-parts==1.0"}


SERVED = """
import json, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in sys.argv[1:]:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
sys.path.insert(0, "code")
import cloudpickle, pandas
with open("model.pkl", "rb") as file:
    model = cloudpickle.load(file)
rows = json.loads(sys.stdin.read())
print(json.dumps(model.predict_proba(pandas.DataFrame(rows, columns=list("abc"))).tolist()))
"""


NEEDED = {
    "committee": (ALL, {"torch", "safetensors", "joblib", "xgboost"}),
    "boosters": (BOOSTED, {"catboost", "lightgbm"}),
    "linear": (Linear(), set()),
}


@pytest.mark.parametrize("name", NEEDED)
def test_a_model_of_mlflow_is_served_with_what_its_folder_lists(name: str, tmp_path: Path) -> None:
    learner, needed = NEEDED[name]
    for each in needed:
        pytest.importorskip(each)
    fitted = learner.fit(TABLE, np.random.default_rng(0))
    if isinstance(fitted, Committee):
        fitted.weights_[-1] = 0.25
    model, rows = Model(TABLE.schema, fitted), decode(TABLE.schema, TABLE)
    save_model(model, rows.head(), tmp_path / "model")
    (first, *listed) = (tmp_path / "model" / "requirements.txt").read_text().split()
    assert first.startswith("mlflow==")
    names = {each.partition("==")[0] for each in listed}
    assert set(listed) == set(requirements_of(fitted))
    assert names == {*ALWAYS, *needed}

    homes, others = packages_distributions(), _direct_dependencies() - names - BROUGHT_ALONG
    absent = [module for module, distributions in homes.items() if set(distributions) & others]
    assert {"mlflow", "pyarrow", "skops"} <= set(absent)
    done = subprocess.run(
        [sys.executable, "-c", SERVED, *absent],
        input=json.dumps(TABLE.X.tolist()),
        cwd=tmp_path / "model",
        env={**os.environ, "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-1500:]
    np.testing.assert_array_equal(json.loads(done.stdout), model.predict_proba(rows))


def _direct_dependencies() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = (*project["dependencies"], *project["optional-dependencies"]["boosters"])
    return {each.partition(">=")[0] for each in wanted}
