"""Dates taken apart, from a file to a served model: what is learnt by it, and that every way in derives the same."""

import json
import os
import shutil
import subprocess
import sys
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from asked_runs import call, read
from commands import refused_run
from rich.console import Console
from small_runs import content, write

from experiments.config.data_config import DataConfig
from experiments.config.reader import dump, load_config, validated
from experiments.config.run_config import RunConfig
from experiments.labels.pool import to_learn_from, unlabelled
from experiments.predict import pieces
from experiments.predict.scorer import Scorer
from experiments.run.given import supply_of
from experiments.run.inputs import RunInputs, gather
from experiments.run.mlflow_model import save_model as save_served
from experiments.run.run import RunResult, run
from experiments.run.tracking import flat
from experiments.storage.run_folder import MODEL, load_model, save_model
from generators import Neighbourhood
from learners import XGBoost
from loop.data.encoding import encode_features
from loop.data.split import equal_to
from loop.errors import DataError
from loop.estimator import LoopClassifier
from loop.model import Model
from loop.tracking.uplink import quiet

PARTS = {"created": ["hour", "weekday", "days_since"]}
ROWS = 900


def payments(n: int = ROWS, seed: int = 0) -> pd.DataFrame:
    """Payments of ten weeks; most of those in the nights of a weekend are fraud, and hardly any other."""
    rng = np.random.default_rng(seed)
    created = pd.Series(pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 70 * 86_400, n), unit="s"))
    created = created.dt.as_unit("s")
    night = (created.dt.hour < 8) & (created.dt.day_of_week >= 5)
    fraud = np.where(night, rng.random(n) < 0.9, rng.random(n) < 0.01)
    amount = rng.exponential(50, n).round(2)
    return pd.DataFrame({"created": created, "amount": amount, "fraud": np.where(fraud, "yes", "no")})


def config_of(folder: Path, **data: object) -> RunConfig:
    told = content(write(folder, payments()), folder / "out", generations=1)
    told["data"] |= data  # type: ignore[operator]
    return load_config(RunConfig, None, told | {"arms": {"run": False}, "deliver": "loop"})


def inputs_of(folder: Path, **data: object) -> RunInputs:
    config = config_of(folder, **data)
    return gather(config.data, config.loop)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    """A run that takes the dates apart."""
    return run(config_of(tmp_path_factory.mktemp("dates"), date_parts=PARTS), Console(file=StringIO()))


@pytest.fixture(scope="module")
def model(finished: RunResult) -> Model:
    return load_model(finished.folder / MODEL)


def precision_of(result: RunResult) -> dict[str, float]:
    """Return the average precision of each arm on the test rows."""
    arms = pd.read_csv(result.folder / "arms.csv")
    return dict(zip(arms["arm"], arms["average_precision"], strict=True))


def test_the_hour_and_the_weekday_are_learnt_by_them_alone(finished: RunResult, tmp_path: Path) -> None:
    with_parts = precision_of(finished)
    without = precision_of(run(config_of(tmp_path), Console(file=StringIO())))
    for arm in ("real only", "loop: targeted"):
        assert with_parts[arm] > 0.7
        assert without[arm] < 0.4


def test_the_folder_predicts_the_same_in_another_process(tmp_path: Path) -> None:
    rows, new = payments(400), payments(100, seed=1).drop(columns="fraud")
    loop = LoopClassifier(
        XGBoost(trees=10),
        generator=Neighbourhood(),
        teacher=None,
        generations=1,
        lanes=2,
        date_parts=PARTS,
        random_state=0,
    )
    loop.fit(rows.drop(columns="fraud"), rows["fraud"])
    assert {"created_hour", "created_weekday"} <= {column.name for column in loop.model_.schema.columns}
    save_model(loop.model_, tmp_path / "model")
    write(tmp_path, new, "new.csv")
    code = (
        "import pandas as pd; from pathlib import Path; from experiments.storage.run_folder import load_model\n"
        "rows = pd.read_csv('new.csv', parse_dates=['created'])\n"
        "print(load_model(Path('model')).predict_proba(rows)[:, 1].tolist())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=dict(os.environ), check=True, capture_output=True, timeout=120
    )
    np.testing.assert_array_equal(json.loads(done.stdout), loop.predict_proba(new)[:, 1])


def test_the_time_column_splits_the_rows_and_has_parts(tmp_path: Path) -> None:
    usual, apart = (inputs_of(tmp_path, time="created", date_parts=parts) for parts in ({}, PARTS))
    assert set(usual.test.row_number) <= set(apart.test.row_number)  # amounts that are alike are no copies any more
    created = apart.dataset.frame["created"]
    assert created.iloc[apart.train.row_number].max() < created.iloc[apart.test.row_number].min()
    assert usual.schema.names == ("amount",)
    assert apart.schema.names == ("amount", "created_weekday", "created_hour", "created_days_since")
    assert dict(apart.schema.excluded) == {"created": "time column"}
    assert list(apart.example) == ["amount", "created"]


def test_the_origin_is_learnt_from_training_rows_alone(tmp_path: Path) -> None:
    inputs = inputs_of(tmp_path, date_parts=PARTS)
    created = inputs.dataset.frame["created"]
    (recipe,) = inputs.schema.date_parts
    assert recipe.origin == created.iloc[inputs.train.row_number].min().timestamp()
    moved = payments()
    moved.loc[inputs.test.row_number[0], "created"] = pd.Timestamp("2020-02-29")  # long before any training row
    write(tmp_path, moved)
    again = gather(config := config_of_file(tmp_path).data, config_of_file(tmp_path).loop)
    assert config.date_parts == {"created": ("weekday", "hour", "days_since")}
    np.testing.assert_array_equal(again.train.row_number, inputs.train.row_number)
    assert again.schema.date_parts == inputs.schema.date_parts
    assert again.test.X[:, again.schema.names.index("created_days_since")].min() < -1000


def config_of_file(folder: Path) -> RunConfig:
    told = content(folder / "table.csv", folder / "out", generations=1)
    told["data"] |= {"date_parts": PARTS}  # type: ignore[operator]
    return load_config(RunConfig, None, told)


def test_rows_alike_in_every_part_stay_on_one_side(tmp_path: Path) -> None:
    table = payments().assign(amount=lambda rows: rows["amount"].round(-2))
    write(tmp_path, table)
    told = content(tmp_path / "table.csv", tmp_path / "out")
    told["data"] |= {"date_parts": {"created": ["weekday"]}}  # type: ignore[operator]
    config = load_config(RunConfig, None, told)
    inputs = gather(config.data, config.loop)
    assert len(inputs.test)
    assert not equal_to(inputs.test.X, inputs.train.X).any()


def test_files_are_predicted_in_pieces_and_from_rows_that_were_made(
    finished: RunResult, model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = payments(60, seed=2).drop(columns="fraud")
    new.loc[::7, "created"] = pd.NaT
    path = write(tmp_path, new, "new.csv")
    expected = model.predict_proba(new)
    monkeypatch.setattr(pieces, "ROWS", 25)
    monkeypatch.setattr(pieces, "SMALL", 0)
    scorer = Scorer(model)
    told = pd.concat(scorer.frames(path), ignore_index=True)
    np.testing.assert_array_equal(told[["p_no", "p_yes"]], expected)
    assert "created_hour 9" in scorer.unlike.sentences[0]
    made = tmp_path / "made.csv"
    call("generate", finished.folder, "--n", 40, "--where", "created_hour < 8 and created_weekday >= 5", "--out", made)
    rows = pd.read_csv(made)
    assert set(rows["created_hour"]) <= set(range(8))
    call("predict", finished.folder, "--data", made, "--out", tmp_path / "scores.csv")
    scores = pd.read_csv(tmp_path / "scores.csv")
    np.testing.assert_allclose(scores[["p_no", "p_yes"]], model.predict_proba(rows))


@pytest.mark.parametrize("form", ["split", "records", "csv"])
def test_mlflow_serves_the_columns_of_the_user(model: Model, tmp_path: Path, form: str) -> None:
    rows = payments(20, seed=3).drop(columns="fraud")
    save_served(model, rows.head(3), tmp_path / "served")
    with quiet():
        import mlflow.pyfunc
        from mlflow.pyfunc.scoring_server import invocations

        served = mlflow.pyfunc.load_model(str(tmp_path / "served"))
        assert [column.name for column in served.metadata.signature.inputs] == ["amount", "created"]
        expected = model.predict_proba(rows)
        np.testing.assert_array_equal(served.predict(rows), expected)
        if form == "csv":
            body, kind = rows.to_csv(index=False), "text/csv"
        else:
            sent = json.loads(rows.to_json(orient=form, date_format="iso", double_precision=15))
            body, kind = json.dumps({f"dataframe_{form}": sent}), "application/json"
        response = invocations(body, kind, served, served.metadata.get_input_schema())
    assert response.status == 200, response.response
    np.testing.assert_allclose(json.loads(response.response)["predictions"], expected)


def test_rows_without_labels_are_taken_with_their_dates(tmp_path: Path) -> None:
    config = config_of(tmp_path, date_parts=PARTS)
    inputs = gather(config.data, config.loop)
    pool = payments(1000, seed=4).drop(columns="fraud")
    path, rng = write(tmp_path, pool, "pool.csv"), np.random.default_rng(0)
    found = unlabelled(path, inputs, None, rng)
    np.testing.assert_array_equal(found.rows.X, encode_features(inputs.schema, found.frame).X)
    assert list(found.frame) == ["created", "amount"]
    X = encode_features(inputs.schema, pool).X
    parts = pd.DataFrame(X, columns=list(inputs.schema.names)).astype({"created_hour": int, "created_weekday": int})
    without = write(tmp_path, parts, "parts.csv")
    with pytest.raises(DataError, match="column 'created' must be in the data"):  # people are asked about dates
        unlabelled(without, inputs, None, rng)
    np.testing.assert_allclose(to_learn_from(without, inputs, rng).rows.X, X)
    told = config.model_dump(mode="json") | {"supplies": [{"unlabelled": str(path), "rows": 50}]}
    (entry,) = load_config(RunConfig, None, told).supplies
    supply = supply_of(entry, inputs, 0)  # type: ignore[arg-type]
    fitted = supply.generator.fit(inputs.train, rng)
    np.testing.assert_array_equal(fitted.rows_.X, X)  # type: ignore[attr-defined]


def test_a_run_goes_on_with_answers_and_is_put_under_stress(finished: RunResult, tmp_path: Path) -> None:
    pool = payments(300, seed=5)
    path = write(tmp_path, pool.drop(columns="fraud"), "pool.csv")
    folder = shutil.copytree(finished.folder, tmp_path / finished.folder.name)
    call("queue", folder, "--pool", path, "--n", 20)
    queue = folder / "labels" / "batch-001" / "queue.csv"
    asked = read(queue)
    assert "created" in asked
    assert "created_hour" not in asked
    asked["label"] = "no"
    asked.to_csv(queue, index=False)
    call("answer", folder, queue)
    call("run", "--continue", folder, "--out", tmp_path / "more", "--no-arms", "--quiet")
    (more,) = (tmp_path / "more").iterdir()
    assert load_model(more / MODEL).schema.names == ("amount", "created_weekday", "created_hour", "created_days_since")
    rows = write(tmp_path, pool, "rows.csv")
    where = ["--where", "created_hour < 8 and created_weekday >= 5"]
    told = call("stress", finished.folder, "--data", rows, *where, "--out", tmp_path / "stress")
    assert "created_hour < 8" in told.output


def test_generate_fits_on_a_file_whose_dates_are_taken_apart(tmp_path: Path) -> None:
    table, out = write(tmp_path, payments(200)), tmp_path / "rows.csv"
    call(
        "generate",
        "--data",
        table,
        "--target",
        "fraud",
        "--date-parts",
        "created=hour, weekday",
        "--n",
        20,
        "--out",
        out,
    )
    assert list(pd.read_csv(out)) == ["amount", "created_weekday", "created_hour", "fraud"]


def test_parts_are_offered_where_nobody_asked_for_them(tmp_path: Path) -> None:
    offer = "created: no model sees the hour or weekday of a date; --date-parts created"
    for role in ({}, {"time": "created"}):
        assert sum(offer in message for message in inputs_of(tmp_path, **role).messages) == 1
    told = inputs_of(tmp_path, date_parts={"created": "all"}).messages
    assert not any("no model sees" in message for message in told)
    (line,) = (message for message in told if message.startswith("date created: in its place"))
    assert "created_weekday, created_hour, created_days_since, days since 2024-01-01" in line
    call("init", tmp_path / "table.csv", "--target", "fraud", "--out", tmp_path / "drafted.yaml")
    text = (tmp_path / "drafted.yaml").read_text()
    assert "  # date_parts: {created: [year, month, weekday, hour, days_since]} # " in text
    asked = yaml.safe_load(text.replace("# date_parts", "date_parts"))
    assert validated(RunConfig, asked).data.date_parts["created"][0] == "year"


def test_a_configuration_with_parts_is_kept_hashed_and_told(tmp_path: Path) -> None:
    config = config_of(tmp_path, date_parts={"created": "all"})
    again = load_config(RunConfig, None, yaml.safe_load(dump(config)))
    assert (again.data, hash(again.data)) == (config.data, hash(config.data))
    assert {again.data: 1} != {config_of(tmp_path).data: 1}
    told = dict(flat(DataConfig(source="simulation", date_parts={"paid (UTC)": ["hour"]}).model_dump(mode="json")))  # type: ignore[arg-type]
    assert told["date_parts"] == "paid (UTC): hour"


@pytest.mark.parametrize(
    ("data", "options", "words"),
    [
        ({"date_parts": {"creatd": ["hour"]}}, [], "did you mean created"),
        ({"date_parts": {"created": ["wekday"]}}, [], "did you mean weekday"),
        ({"date_parts": {"created": []}}, [], "list some"),
        ({"date_parts": 3}, [], "must give columns with their parts"),
        ({"date_parts": {"amount": ["hour"]}}, [], "'amount' is numeric"),
        ({"date_parts": {"fraud": ["hour"]}}, [], "'fraud' is the target column"),
        ({"date_parts": PARTS, "group": "created"}, [], "'created' is the group column"),
        ({"date_parts": PARTS, "scenario": "created"}, [], "'created' is the scenario column"),
        ({"date_parts": PARTS, "drop": ["created"]}, [], "'created' is dropped"),
        ({}, ["--date-parts", "created=hour", "--date-parts", "created=minute"], "got 'minute'"),
        ({}, ["--date-parts", "amount"], "'amount' is numeric"),
    ],
)
def test_wrong_use_is_one_sentence_before_any_work(
    data: dict[str, object], options: list[str], words: str, tmp_path: Path
) -> None:
    told = content(write(tmp_path, payments(100)), tmp_path / "out")
    told["data"] |= data  # type: ignore[operator]
    sentence = refused_run(tmp_path, told, *options)
    assert words in sentence
    assert len(sentence) < 320


def test_a_name_that_is_taken_is_refused(tmp_path: Path) -> None:
    told = content(write(tmp_path, payments(100).assign(created_hour=1.5)), tmp_path / "out")
    told["data"] |= {"date_parts": PARTS}  # type: ignore[operator]
    assert "the data have 'created_hour' already: leave hour out" in refused_run(tmp_path, told)
