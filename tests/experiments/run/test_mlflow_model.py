"""A logged model must take the training frame as it is, through frames, JSON and CSV, and answer the same."""

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from experiments.run.mlflow_model import save_model
from learners import ExtraTrees
from loop.data.encoding import encode
from loop.data.schema import infer
from loop.errors import ConfigError, DataError
from loop.model import Model
from loop.tracking import JsonlTracker, MlflowSettings, MlflowTracker, load_settings
from loop.tracking.uplink import quiet

HUGE = 2**53 + 1  # not exact as a float


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """A column of every kind, with and without missing values."""
    rng = np.random.default_rng(0)
    n = 200
    amount = rng.exponential(50, n)
    amount[::7] = np.nan
    days = pd.date_range("2024-01-01", periods=n, freq="53h")  # over a change of the clock
    flag, gaps = pd.Series(rng.random(n) < 0.3), np.arange(n) % 5 == 0
    return pd.DataFrame(
        {
            "amount": amount,
            "age": rng.integers(18, 90, n),
            "visits": pd.Series(rng.integers(0, 9, n)).astype("Int64").mask(gaps),
            "card": HUGE + 2 * rng.integers(0, 9, n),
            "terminal": pd.Series(HUGE + 2 * rng.integers(0, 9, n)).astype("Int64").mask(gaps),
            "shop": pd.Series(rng.choice(["book", "fuel", "toys"], n), dtype="category"),
            "town": pd.Series(rng.choice(["00007", "10115", "münchen"], n)).mask(gaps),
            "abroad": rng.random(n) < 0.2,
            "known": flag.astype("boolean").mask(gaps),
            "paid": days.tz_localize("Europe/Berlin"),
            "opened": pd.Series(days).mask(gaps),
        }
    )


@pytest.fixture(scope="module")
def model(frame: pd.DataFrame) -> Model:
    y = np.where(frame["age"] + 100 * frame["abroad"] > 90, "fraud", "honest")
    table = encode(infer(frame.assign(y=y), "y"), frame.assign(y=y))
    return Model(table.schema, ExtraTrees(trees=20).fit(table, np.random.default_rng(0)))


@pytest.fixture(scope="module")
def served(model: Model, frame: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The model as plain MLflow loads it."""
    path = tmp_path_factory.mktemp("served") / "model"
    save_model(model, frame.head(5), path)
    with quiet():
        import mlflow.pyfunc

        return mlflow.pyfunc.load_model(str(path))


def asked(served: Any, body: str, kind: str) -> np.ndarray:
    """Return what MLflow's scoring server answers to a request, without a server."""
    from mlflow.pyfunc.scoring_server import invocations

    with quiet():
        response = invocations(body, kind, served, served.metadata.get_input_schema())
    assert response.status == 200, response.response
    return np.array(json.loads(response.response)["predictions"])


def local_store(folder: Path, registered_model: str) -> MlflowSettings:
    """Settings of a store without a server, in a folder."""
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    return MlflowSettings(uri, artifact_root=str(folder / "artifacts"), registered_model=registered_model)


def with_model(settings: MlflowSettings, model: Model, frame: pd.DataFrame, folder: Path) -> MlflowTracker:
    """Return the tracker of a run that has begun and kept the model."""
    tracker = MlflowTracker(settings, JsonlTracker(folder / "run"))
    tracker.start({"name": "run"})
    tracker.keep_model(partial(save_model, model, frame.head(5)))
    return tracker


def test_the_training_frame_is_taken_as_it_is(served: Any, model: Model, frame: pd.DataFrame) -> None:
    assert [column.name for column in served.metadata.signature.inputs] == list(frame)
    assert served.metadata.metadata["classes"] == ["fraud", "honest"]
    assert served.metadata.metadata["columns"]["paid"] == "datetime"
    with quiet():
        np.testing.assert_array_equal(served.predict(frame), model.predict_proba(frame))
        looser = frame.astype({"age": "float64", "shop": "object", "known": "object"})
        looser.loc[3, "age"] = np.nan
        np.testing.assert_array_equal(served.predict(looser), model.predict_proba(looser))
        utc = frame.assign(paid=frame["paid"].dt.tz_convert("UTC"))
        np.testing.assert_array_equal(served.predict(utc), model.predict_proba(frame))


@pytest.mark.parametrize("dates", ["iso", "epoch"])
@pytest.mark.parametrize("form", ["split", "records"])
def test_json_is_served(served: Any, model: Model, frame: pd.DataFrame, form: str, dates: str) -> None:
    sent = frame.assign(terminal=frame["terminal"].astype("str"))  # a JSON number next to a gap becomes a float
    options = {} if dates == "iso" else {"date_unit": "ms"}
    with quiet():
        rows = json.loads(sent.to_json(orient=form, date_format=dates, double_precision=15, **options))
    answer = asked(served, json.dumps({f"dataframe_{form}": rows}), "application/json")
    np.testing.assert_allclose(answer, model.predict_proba(frame))


def test_csv_is_served(served: Any, model: Model, frame: pd.DataFrame) -> None:
    answer = asked(served, frame.to_csv(index=False), "text/csv")
    np.testing.assert_allclose(answer, model.predict_proba(frame))


def test_what_cannot_be_told_is_refused_rather_than_guessed(served: Any, frame: pd.DataFrame) -> None:
    rows, failures = frame.head(3), list[str]()
    wrong: dict[str, object] = {
        "paid": rows["paid"].dt.tz_localize(None),  # in which zone?
        "opened": rows["paid"],
        "terminal": rows["terminal"].astype("float64"),  # digits are lost already
        "age": ["young", "old", "old"],
        "abroad": [2, 1, 0],
    }
    for name, values in wrong.items():
        with quiet(), pytest.raises(DataError, match=f"column '{name}' must") as caught:
            served.predict(rows.assign(**{name: values}))
        failures.append(str(caught.value))
    assert max(map(len, failures)) < 300


def test_a_dead_server_leaves_the_model_in_the_folder(model: Model, frame: pd.DataFrame, tmp_path: Path) -> None:
    settings = MlflowSettings("http://127.0.0.1:9", registered_model="guard")
    tracker = with_model(settings, model, frame, tmp_path)
    assert (tmp_path / "run" / "files" / "model" / "MLmodel").is_file()
    assert tracker.complaints() == (tracker.failure,)


def test_a_model_that_is_not_registered_leaves_the_run_complete(
    model: Model, frame: pd.DataFrame, tmp_path: Path
) -> None:
    tracker = with_model(local_store(tmp_path, "not/allowed"), model, frame, tmp_path)
    tracker.metrics({"after": 1.0})
    tracker.finish(None, "finished")
    assert tracker.failure is None
    (complaint,) = tracker.complaints()
    assert f"register it with `weakspot upload {tmp_path / 'run'}`" in complaint
    assert tracker.uplink is not None
    ended = tracker.uplink.client.get_run(tracker.uplink.run_id)
    assert (ended.info.status, ended.data.metrics) == ("FINISHED", {"after": 1.0})


def test_a_name_that_mlflow_does_not_take_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "mlflow.yaml").write_text("registered_model: team/weakspot")
    with pytest.raises(ConfigError, match="a name without / and :"):
        load_settings(tmp_path / "mlflow.yaml")


@pytest.mark.slow
def test_the_command_line_of_mlflow_predicts(
    model: Model, frame: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = local_store(tmp_path, "guard")
    tracker = with_model(settings, model, frame, tmp_path)
    assert tracker.complaints() == ()
    assert tracker.uplink is not None
    sent = frame.assign(terminal=frame["terminal"].astype("str"))
    rows = json.loads(sent.to_json(orient="split", date_format="iso", double_precision=15))
    (tmp_path / "rows.json").write_text(json.dumps({"dataframe_split": rows}))
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
        answer = served.predict(frame)
    np.testing.assert_allclose(answer, model.predict_proba(frame))


ESTIMATOR = """
import mlflow, numpy as np, pandas as pd
from generators import Neighbourhood
from learners import Committee, Linear, XGBoost
from loop import LoopClassifier
mlflow.set_tracking_uri("sqlite:///mlflow.db")
mlflow.set_experiment("loops")
rng = np.random.default_rng(0)
X = pd.DataFrame({"amount": rng.exponential(50, 200), "age": rng.integers(18, 90, 200)})
y = (X["amount"] / 50 + rng.normal(0, 1, 200) > 2).astype(int)
mlflow.autolog(silent=True)
parts = {"generator": Neighbourhood(), "teacher": Committee(members=(Linear(),))}
model = LoopClassifier(XGBoost(trees=5), **parts, generations=1, lanes=2, jobs=1, random_state=0).fit(X, y)
assert len(mlflow.search_runs(experiment_names=["loops"])) == 0
with mlflow.start_run():
    uri = mlflow.sklearn.log_model(model, name="loop", serialization_format="cloudpickle").model_uri
try:
    mlflow.sklearn.log_model(model, name="plain")
except mlflow.MlflowException as error:
    assert "set the serialization_format 'cloudpickle'" in str(error)
else:
    raise AssertionError("docs/your-data.md says that the default format refuses it")
np.testing.assert_array_equal(mlflow.sklearn.load_model(uri).predict_proba(X), model.predict_proba(X))
np.testing.assert_array_equal(mlflow.pyfunc.load_model(uri).predict(X), model.predict(X))
"""


@pytest.mark.slow
def test_an_estimator_is_logged_and_fits_under_automatic_logging(tmp_path: Path) -> None:
    quietly = os.environ | {"PYTHONWARNINGS": "ignore", "PYTHONPATH": str(Path(__file__).parents[3])}
    command = [sys.executable, "-c", ESTIMATOR]
    ended = subprocess.run(command, env=quietly, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr
