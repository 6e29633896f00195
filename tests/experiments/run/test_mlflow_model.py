"""A logged model must answer the same probabilities through plain MLflow, in another process."""

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder

from experiments.run.mlflow_model import save_model
from loop.errors import ConfigError
from loop.tracking import JsonlTracker, MlflowSettings, MlflowTracker, load_settings
from loop.tracking.uplink import quiet


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    n = 200
    amount = rng.exponential(50, n)
    amount[::7] = np.nan
    shop = pd.Series(rng.choice(["book", "fuel", "toys"], n), dtype="category")
    return pd.DataFrame({"amount": amount, "age": rng.integers(18, 90, n), "shop": shop, "abroad": rng.random(n) < 0.2})


@pytest.fixture(scope="module")
def model(frame: pd.DataFrame) -> Pipeline:
    encoder = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["shop"]),
        remainder="passthrough",
    )
    y = np.where(frame["age"] + 100 * frame["abroad"] > 90, "fraud", "honest")
    return make_pipeline(encoder, HistGradientBoostingClassifier(max_iter=20)).fit(frame, y)


def local_store(folder: Path, registered_model: str) -> MlflowSettings:
    """Settings of a store without a server, in a folder."""
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    return MlflowSettings(uri, artifact_root=str(folder / "artifacts"), registered_model=registered_model)


def with_model(settings: MlflowSettings, model: Pipeline, frame: pd.DataFrame, folder: Path) -> MlflowTracker:
    """Return the tracker of a run that has begun and kept the model."""
    tracker = MlflowTracker(settings, JsonlTracker(folder / "run"))
    tracker.start({"name": "run"})
    tracker.keep_model(partial(save_model, model, frame.head(5)))
    return tracker


def test_integers_and_categories_are_served_with_missing_values(
    model: Pipeline, frame: pd.DataFrame, tmp_path: Path
) -> None:
    save_model(model, frame.head(5), tmp_path / "model")
    with quiet():
        import mlflow.pyfunc

        served = mlflow.pyfunc.load_model(str(tmp_path / "model"))
    kinds = {column.name: column.type.name for column in served.metadata.signature.inputs}
    assert kinds == {"amount": "double", "age": "double", "shop": "string", "abroad": "boolean"}
    rows = frame.astype({"age": "float64", "shop": "object"})
    rows.loc[3, "age"] = np.nan
    assert served.metadata.metadata["classes"] == ["fraud", "honest"]
    with quiet():
        answer = served.predict(rows)
    np.testing.assert_allclose(answer, model.predict_proba(rows))


def test_a_dead_server_leaves_the_model_in_the_folder(model: Pipeline, frame: pd.DataFrame, tmp_path: Path) -> None:
    settings = MlflowSettings("http://127.0.0.1:9", registered_model="guard")
    tracker = with_model(settings, model, frame, tmp_path)
    assert (tmp_path / "run" / "files" / "model" / "MLmodel").is_file()
    assert tracker.complaints() == (tracker.failure,)


def test_a_model_that_is_not_registered_leaves_the_run_complete(
    model: Pipeline, frame: pd.DataFrame, tmp_path: Path
) -> None:
    tracker = with_model(local_store(tmp_path, "not/allowed"), model, frame, tmp_path)
    tracker.metrics({"after": 1.0})
    tracker.finish(None, "finished")
    assert tracker.failure is None
    (complaint,) = tracker.complaints()
    assert "register it by hand" in complaint
    assert tracker.uplink is not None
    ended = tracker.uplink.client.get_run(tracker.uplink.run_id)
    assert (ended.info.status, ended.data.metrics) == ("FINISHED", {"after": 1.0})


def test_a_name_that_mlflow_does_not_take_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "mlflow.yaml").write_text("registered_model: team/weakspot")
    with pytest.raises(ConfigError, match="a name without / and :"):
        load_settings(tmp_path / "mlflow.yaml")


@pytest.mark.slow
def test_the_command_line_of_mlflow_predicts(
    model: Pipeline, frame: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = local_store(tmp_path, "guard")
    tracker = with_model(settings, model, frame, tmp_path)
    assert tracker.complaints() == ()
    assert tracker.uplink is not None
    (tmp_path / "rows.json").write_text(json.dumps({"dataframe_split": json.loads(frame.to_json(orient="split"))}))
    command = [sys.executable, "-m", "mlflow", "models", "predict", "--env-manager", "local", "-m", "models:/guard/1"]
    files = ["-i", str(tmp_path / "rows.json"), "-o", str(tmp_path / "out.json")]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", settings.tracking_uri)
    environment = os.environ | {"PYTHONWARNINGS": "ignore"}
    subprocess.run([*command, *files], check=True, env=environment, cwd=tmp_path, capture_output=True, timeout=120)
    answer = json.loads((tmp_path / "out.json").read_text())["predictions"]
    np.testing.assert_allclose(answer, model.predict_proba(frame))
    with quiet():
        import mlflow.pyfunc

        served = mlflow.pyfunc.load_model(f"runs:/{tracker.uplink.run_id}/model")  # the other address
        answer = served.predict(frame.astype({"age": "float64", "shop": "object"}))
    np.testing.assert_allclose(answer, model.predict_proba(frame))
