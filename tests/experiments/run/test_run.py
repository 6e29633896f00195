"""A run: a configuration in, a folder out, and the same numbers however it came about."""

import json
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from small_runs import content, frame, write, write_config

from experiments.arms.arm import Arm
from experiments.arms.scoring import Scored, gain_over
from experiments.arms.serving import Cost
from experiments.config.data_config import DataConfig
from experiments.config.part_sections import GeneratorConfig
from experiments.config.reader import load_config
from experiments.config.run_config import CalibrationConfig, LoopConfig, RunConfig
from experiments.report.report import Report
from experiments.report.terminal import show
from experiments.run.inputs import gather, parts_of
from experiments.run.run import RunResult, run
from experiments.run.sealed_figures import calibration_of
from experiments.storage import run_folder
from learners import LEARNERS, MLP, CatBoost, ExtraTrees, Forest, LightGBM, Linear, XGBoost
from loop.cycle.driver import run_loop
from loop.data.encoding import encode
from loop.data.schema import infer
from loop.data.schema_json import from_json, to_json
from loop.errors import ConfigError, DataError
from loop.evaluation.calibration import METRICS, Identity, Isotonic, Platt, calibrate
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import score
from loop.model import Model
from loop.rows import Rows
from loop.support import atomic
from loop.tracking.uplink import quiet
from loop.types import Column, Schema, Table


def quiet_console() -> Console:
    return Console(file=StringIO(), width=150)


def printed(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table."""
    place = tmp_path_factory.mktemp("run")
    write(place, frame())
    return place


@pytest.fixture(scope="module")
def config(place: Path) -> RunConfig:
    return load_config(RunConfig, write_config(place, content(place / "table.csv", place / "out")))


@pytest.fixture(scope="module")
def console() -> Console:
    return quiet_console()


@pytest.fixture(scope="module")
def result(config: RunConfig, console: Console) -> RunResult:
    return run(config, console)


def test_the_folder_holds_what_the_report_names(result: RunResult) -> None:
    names = ["config.yaml", "report.json", "arms.csv", "regions.csv", "synthetic.parquet", "done.json"]
    assert all((result.folder / name).is_file() for name in names)
    assert (result.folder / "pictures" / "precision_recall.png").stat().st_size > 1000
    assert len(list((result.folder / "checkpoint").glob("*.npz"))) == len(result.history)
    assert not list(result.folder.rglob("*.partial"))


def test_the_configuration_in_the_folder_repeats_the_run(result: RunResult, config: RunConfig) -> None:
    assert load_config(RunConfig, result.folder / "config.yaml") == config


def test_the_marker_is_written_last(result: RunResult) -> None:
    last = (result.folder / "done.json").stat().st_mtime_ns
    assert all(path.stat().st_mtime_ns <= last for path in result.folder.rglob("*"))


def test_the_report_can_be_printed_again(result: RunResult, console: Console) -> None:
    again = quiet_console()
    show(Report.load(result.folder), result.folder, again)
    assert printed(again) in printed(console)


def test_the_output_in_a_file_has_no_control_characters(console: Console, result: RunResult) -> None:
    assert "\x1b" not in printed(console)
    assert "\r" not in printed(console)
    assert "generation 1 of 2" in printed(console)


def test_the_saved_model_answers_as_reported(result: RunResult, config: RunConfig) -> None:
    inputs = gather(config.data, config.loop)
    model = run_folder.load_model(result.folder / "model")
    rows = frame().iloc[inputs.test.row_number]
    stated, delivered = Model(model.schema, model.learner).predict_proba(rows), model.predict_proba(rows)
    np.testing.assert_array_equal(delivered, model.calibration.apply(stated))
    before, after = (np.mean((proba[:, 1] - (rows["fraud"] == "yes")) ** 2) for proba in (stated, delivered))
    assert result.report is not None
    reported = next(arm["brier"] for arm in result.report.arms if arm["arm"] == result.report.delivered)
    assert before == pytest.approx(reported, abs=1e-12)
    step = result.report.calibration["test"]["brier"]
    assert (step["before"], step["after"]) == pytest.approx((before, after), abs=1e-12)


def test_another_process_gets_the_same_numbers(result: RunResult, place: Path) -> None:
    code = "import sys; from experiments.cli.app import app; app(['run', *sys.argv[1:]])"
    subprocess.run(
        [sys.executable, "-c", code, str(place / "config.yaml"), "--out", str(place / "second")], check=True, text=True
    )
    (folder,) = (place / "second").iterdir()
    mine, theirs = result.report, Report.load(folder)
    assert mine is not None
    assert (mine.verdict, mine.gain) == (theirs.verdict, theirs.gain)
    untimed = [{key: value for key, value in arm.items() if "seconds" not in key} for arm in mine.arms]
    assert untimed == [{key: value for key, value in arm.items() if "seconds" not in key} for arm in theirs.arms]
    pd.testing.assert_frame_equal(*(pd.read_parquet(each / "synthetic.parquet") for each in (result.folder, folder)))


def test_ctrl_c_saves_the_champion_and_resuming_equals_the_uninterrupted_run(place: Path, tmp_path: Path) -> None:
    settings = content(place / "table.csv", tmp_path / "cut", generations=4, patience=4)  # so that it can be cut
    settings["calibration"] = {"method": "platt"}
    settings["arms"] = {"run": False}
    path = write_config(tmp_path, settings)
    code = "import signal as s; s.signal(s.SIGINT, s.default_int_handler); from experiments.cli.app import main; main()"
    process = subprocess.Popen([sys.executable, "-c", code, "run", str(path)], stderr=subprocess.PIPE, text=True)
    while not list(tmp_path.glob("cut/*/checkpoint/*.npz")):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130, said
    assert "--resume" in said
    (folder,) = (tmp_path / "cut").iterdir()
    done = len(list((folder / "checkpoint").glob("*.npz")))
    assert done < 4
    first = json.loads((folder / "checkpoint" / "seconds.json").read_text())
    assert len(first) == done
    assert min(first) > 0
    model = run_folder.load_model(folder / "model")
    assert isinstance(model.calibration, Platt)
    assert model.predict_proba(frame()).shape == (240, 2)
    assert not (folder / "done.json").exists()
    assert not (folder / "report.json").exists()  # the test part stays sealed
    journal = (folder / "journal" / "records.jsonl").read_text().splitlines()
    assert json.loads(journal[-1])["status"] == "interrupted"

    with run_folder.held(folder), pytest.raises(ConfigError, match="another one does"):
        run(load_config(RunConfig, folder / "config.yaml"), quiet_console(), resume=folder)
    atomic.write_json(folder / "checkpoint" / "seconds.json", [1000.0] * done)
    resumed = run(load_config(RunConfig, folder / "config.yaml"), quiet_console(), resume=folder)
    whole = run(load_config(RunConfig, path, {"out": str(tmp_path / "whole")}), quiet_console())
    assert (resumed.status, resumed.verdict) == ("finished", whole.verdict)
    for mine, theirs in zip(resumed.history, whole.history, strict=True):
        np.testing.assert_array_equal(mine.rows.X, theirs.rows.X)
        np.testing.assert_array_equal(mine.rows.soft, theirs.rows.soft)  # type: ignore[arg-type]
        assert (mine.scores, mine.decision, mine.counts) == (theirs.scores, theirs.decision, theirs.counts)
    assert resumed.report is not None
    assert whole.report is not None
    assert resumed.report.gain == whole.report.gain
    loop = {arm["arm"]: arm["seconds_fit"] for arm in resumed.report.arms}["loop: targeted"]
    assert 1000 * done < loop < resumed.report.seconds, "seconds are of both sessions"
    assert len(json.loads((folder / "checkpoint" / "seconds.json").read_text())) == len(resumed.history)


def test_a_finished_run_is_not_resumed(result: RunResult, config: RunConfig) -> None:
    with pytest.raises(ConfigError, match="is finished"):
        run(config, quiet_console(), resume=result.folder)


def test_a_run_is_not_resumed_with_other_data(result: RunResult, config: RunConfig, tmp_path: Path) -> None:
    folder = tmp_path / "cut"
    folder.mkdir()
    (folder / "data.json").write_bytes((result.folder / "data.json").read_bytes())
    other = DataConfig(**{**config.data.model_dump(), "source": str(write(tmp_path, frame(seed=1)))})
    with pytest.raises(DataError, match="data and files it began with"):
        run(config.model_copy(update={"data": other}), quiet_console(), resume=folder)


def test_a_run_is_not_resumed_with_another_rule_book(config: RunConfig, tmp_path: Path) -> None:
    book = tmp_path / "book.yaml"
    book.write_text("columns: {amount: {from: exponential, mean: 50}}")
    own = GeneratorConfig(name="rules", settings={"book": str(book)})
    changed = config.model_copy(update={"generator": own, "out": tmp_path / "out"})
    cut = run(changed, quiet_console()).folder
    (cut / "done.json").unlink()
    book.write_text("columns: {amount: {from: exponential, mean: 60}}")
    with pytest.raises(DataError, match="data and files it began with"):
        run(changed, quiet_console(), resume=cut)


def test_a_run_is_not_resumed_from_a_checkpoint_of_another(
    result: RunResult, config: RunConfig, tmp_path: Path
) -> None:
    other = config.model_copy(update={"loop": config.loop.model_copy(update={"seed": 5}), "out": tmp_path / "out"})
    cut = run(other, quiet_console()).folder
    (cut / "done.json").unlink()
    name = "checkpoint/generation-001.npz"
    (cut / name).write_bytes((result.folder / name).read_bytes())
    with pytest.raises(DataError, match="of the run that it is in"):
        run(other, quiet_console(), resume=cut)


def test_an_unreachable_tracking_server_does_not_stop_the_run(place: Path, tmp_path: Path) -> None:
    settings = content(place / "table.csv", tmp_path / "out", generations=1)
    (tmp_path / "mlflow.yaml").write_text("tracking_uri: http://127.0.0.1:9\n")
    settings |= {"tracking": str(tmp_path / "mlflow.yaml"), "arms": {"run": False}}
    out = quiet_console()
    ended = run(load_config(RunConfig, write_config(tmp_path, settings)), out)
    assert ended.status == "finished"
    assert "weakspot upload" in printed(out)


class TestAnswers:
    def test_without_calibration_answers_stay_and_arms_and_claims_are_the_same(
        self, result: RunResult, config: RunConfig, tmp_path: Path
    ) -> None:
        none = CalibrationConfig(method="none")
        plain = run(config.model_copy(update={"calibration": none, "out": tmp_path}), quiet_console())
        assert plain.report is not None
        assert result.report is not None
        assert plain.report.calibration["parameters"] == {"method": "none"}
        told = (plain.report.calibration[part][name] for part in ("judge", "test") for name in METRICS)
        assert all(each["before"] == each["after"] for each in told)
        assert (plain.report.gain, plain.report.verdict) == (result.report.gain, result.report.verdict)
        scores = [[arm["average_precision"] for arm in each.arms] for each in (plain.report, result.report)]
        assert scores[0] == scores[1]
        assert run_folder.load_model(plain.folder / "model").calibration == Identity()

    def test_thresholds_and_promises_know_nothing_of_the_test_labels(self, tmp_path: Path) -> None:
        """Later rows test; with their labels dealt anew only what is delivered changes."""
        reports = []
        for name in ("as they are", "dealt anew"):
            table = frame().assign(day=np.arange(240))
            if name == "dealt anew":
                table.loc[168:, "fraud"] = np.random.default_rng(0).permutation(table.loc[168:, "fraud"])
            (tmp_path / name).mkdir()
            settings = content(write(tmp_path / name, table), tmp_path / name / "out", generations=1)
            settings["data"] = {**settings["data"], "time": "day"}  # type: ignore[dict-item]
            settings |= {"arms": {"run": False}, "metrics": {"points": [{"false_positive": 1, "false_negative": 5}]}}
            settings |= {"learner": {"name": "linear"}, "augmented_learner": {}}
            reports.append(run(load_config(RunConfig, write_config(tmp_path / name, settings)), quiet_console()).report)
        one, other = reports
        assert one is not None
        assert other is not None
        assert one.calibration["parameters"] == other.calibration["parameters"]
        assert one.calibration["judge"] == other.calibration["judge"]
        for mine, theirs in zip(one.operating, other.operating, strict=True):
            for arm in ("before", "after"):
                assert (mine[arm]["threshold"], mine[arm]["promised"]) == (
                    theirs[arm]["threshold"],
                    theirs[arm]["promised"],
                )
                assert mine[arm]["delivered"] != theirs[arm]["delivered"]

    def test_both_sides_are_calibrated_alike(self, config: RunConfig) -> None:
        inputs = gather(config.data, config.loop)
        outcome = run_loop(parts_of(config, inputs.train), inputs.train, inputs.folds, np.random.default_rng(0)).outcome
        judged = JudgeRows.of(inputs.train, outcome.judged)
        before = score("brier", judged, outcome.proba_real_only)
        assert before == pytest.approx(outcome.baseline["brier"].estimate)
        for proba in (outcome.proba_real_only, outcome.proba):
            expected = calibrate("platt", judged, proba, np.random.default_rng(1))
            assert calibration_of("platt", judged, proba, seed=0) == expected

    def test_budgets_a_day_and_miss_costs_of_a_column_are_reported(self, tmp_path: Path) -> None:
        settings = content(Path("none"), tmp_path / "out", generations=1)
        settings |= {
            "data": {"source": "simulation:customers=60,days=30,fraud_rate=0.05"},
            "metrics": {"points": [{"alerts": 50}, {"false_positive": 1, "miss_cost": "amount"}]},
            "arms": {"run": False},
        }
        console = quiet_console()
        report = run(load_config(RunConfig, write_config(tmp_path, settings)), console).report
        assert report is not None
        names = ["recall at precision 0.9", "recall at 50 alerts a day", "cost per row (false alarm 1, miss amount)"]
        assert [row["point"] for row in report.operating] == names
        assert all(name in printed(console) for name in names)
        cost = report.operating[-1]
        paid = [cost[arm]["delivered"]["cost_per_row"] for arm in ("before", "after")]
        assert cost["difference"]["estimate"] == pytest.approx(paid[0] - paid[1])

    def test_mlflow_gets_the_page_the_points_and_the_calibrated_model(self, place: Path, tmp_path: Path) -> None:
        store = f"sqlite:///{tmp_path}/mlflow.db"
        (tmp_path / "mlflow.yaml").write_text(f"tracking_uri: {store}\nartifact_root: {tmp_path.as_uri()}/artifacts\n")
        settings = content(place / "table.csv", tmp_path / "out", generations=1)
        settings |= {"tracking": str(tmp_path / "mlflow.yaml"), "arms": {"run": False}}
        settings["calibration"] = {"method": "isotonic"}  # unlike Platt scaling, never without effect
        ended = run(load_config(RunConfig, write_config(tmp_path, settings)), quiet_console())
        with quiet():
            import mlflow.pyfunc

            client = mlflow.MlflowClient(store)
            (tracked,) = client.search_runs(["1"], "attributes.run_name LIKE '%targeted%'")
            files = Path(client.download_artifacts(tracked.info.run_id, "", str(tmp_path)))
            served = mlflow.pyfunc.load_model(str(files / "model"))
            answer = served.predict(frame().drop(columns="fraud").astype({"age": "float64"}))
        assert (files / "report.html").read_bytes() == (ended.folder / "report.html").read_bytes()
        model = run_folder.load_model(ended.folder / "model")
        assert isinstance(model.calibration, Isotonic)
        np.testing.assert_allclose(answer, model.predict_proba(frame()))
        assert ended.report is not None
        (row,) = (each for each in ended.report.operating if each["point"] == "recall at precision 0.9")
        figures = pd.read_csv(files / "figures.csv", index_col="figure")["value"]
        assert figures["point/recall at precision 0.9/difference"] == pytest.approx(row["difference"]["estimate"])
        assert figures["calibration/brier_after"] == pytest.approx(ended.report.calibration["test"]["brier"]["after"])
        metrics = tracked.data.metrics
        assert metrics["test_gain_over_best_plain"] == ended.report.gain["difference"]["estimate"]
        assert len(metrics) <= 22  # what a page shows; every other figure is in the file
        assert not any("/" in name for name in metrics)
        assert tracked.info.run_name == "table · targeted · seed 0"
        assert {"strategy", "seed", "source", "generator", "budget", "learner"} <= set(tracked.data.params)
        counts = [json.loads(each.dataset.profile)["num_rows"] for each in tracked.inputs.dataset_inputs]
        assert sum(counts) == 240


class TestMaterial:
    def test_sources_are_row_numbers_of_the_users_table(self, config: RunConfig) -> None:
        inputs, table = gather(config.data, config.loop), frame()
        amount = inputs.schema.names.index("amount")
        np.testing.assert_array_equal(inputs.train.X[:, amount], table["amount"].iloc[inputs.train.row_number])
        assert not set(inputs.train.row_number) & set(inputs.test.row_number)

    def test_the_schema_knows_nothing_of_test_rows(self, tmp_path: Path) -> None:
        table = frame().assign(day=np.arange(240))
        table.loc[200:, "shop"] = "bank"
        table.loc[200:, "amount"] = 1e6
        data = DataConfig(source=str(write(tmp_path, table)), target="fraud", time="day")
        inputs = gather(data, LoopConfig(lanes=2))
        assert inputs.train.row_number.max() < inputs.test.row_number.min()
        shop, amount = (next(c for c in inputs.schema.columns if c.name == name) for name in ("shop", "amount"))
        assert "bank" not in shop.categories
        assert amount.high < 1e6

    def test_groups_stay_whole_in_test_and_lanes(self, tmp_path: Path) -> None:
        table = frame().assign(card=np.arange(240) // 6)
        data = DataConfig(source=str(write(tmp_path, table)), target="fraud", group="card")
        inputs = gather(data, LoopConfig(lanes=3))
        side = pd.Series("test", index=range(240))
        side.iloc[inputs.train.row_number] = inputs.folds.astype(str)
        assert (side.groupby(table["card"]).nunique() == 1).all()
        assert "card" not in inputs.schema.names


arrays = st.integers(0, 10_000).map(lambda seed: np.random.default_rng(seed))


@given(arrays, st.floats(-0.4, 0.4), st.sampled_from([60, 100]))
def test_the_word_gain_needs_an_interval_above_zero(rng: np.random.Generator, shift: float, n: int) -> None:
    y = np.arange(n) % 4 == 0
    schema = Schema((Column("a", "numeric", "float64"),), (0, 1))
    test = Table.real(np.zeros((n, 1)), y.astype(int), schema)

    def scored(name: str, skill: float) -> Scored:
        p = 1 / (1 + np.exp(-skill * y - rng.normal(size=n)))
        return Scored(
            Arm(name, _Nobody(), 0.0), np.column_stack([1 - p, p]), {"average_precision": float(skill)}, Cost(0.0, None)
        )

    both = [scored("real only", 1.0), scored("targeted", 1.0 + 5 * shift)]
    gain = gain_over(both, "targeted", "real only", JudgeRows.of(test), rng)
    assert gain.proven == (gain.difference.low > 0 and n == 100)  # 15 positives prove nothing
    assert gain.sentence.startswith("Proven gain") == gain.proven
    assert gain.sentence.startswith("Harm") == (gain.difference.high < 0)


class _Nobody:
    def predict_proba(self, rows: Rows) -> np.ndarray:
        raise NotImplementedError


def mixed_frame(n_classes: int) -> pd.DataFrame:
    rng = np.random.default_rng(n_classes)
    table = frame(200).assign(
        fraud=rng.choice(["a", "b", "c"][:n_classes], 200), when=pd.date_range("2024", periods=200)
    )
    table.loc[::9, "amount"] = np.nan
    table.loc[::11, "shop"] = np.nan
    return table


SAVED = (
    XGBoost(trees=10),
    CatBoost(trees=10),
    LightGBM(trees=10),
    Forest(trees=5),
    Forest(trees=5, categories="one_hot"),
    ExtraTrees(trees=5),
    Linear(),
    MLP(steps=20),
    MLP(steps=20, layers=1),
)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("learner", SAVED, ids=lambda learner: type(learner).__name__)
def test_a_saved_model_answers_the_same(learner: run_folder.Storable, n_classes: int, tmp_path: Path) -> None:
    table = mixed_frame(n_classes)
    schema = infer(table, "fraud")
    model = Model(schema, learner.fit(encode(schema, table), np.random.default_rng(0)))  # type: ignore[attr-defined]
    for _ in range(2):  # an older model is replaced
        run_folder.save_model(model, tmp_path / "model")
    loaded = run_folder.load_model(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict_proba(table), model.predict_proba(table))
    assert {type(value) for value in loaded.classes_} == {type(value) for value in model.classes_}
    assert not [path for path in tmp_path.rglob("*") if path.suffix in (".pkl", ".pickle", ".joblib")]


@pytest.mark.parametrize("values", [["1", "2"], [1, 2], [1.0, 2.5], [True, False]])
def test_a_schema_keeps_the_types_of_its_values(values: list[object]) -> None:
    table = frame(40).assign(fraud=pd.Series(values * 20), kind=pd.Categorical(values * 20))
    schema = infer(table, "fraud")
    read = from_json(json.loads(json.dumps(to_json(schema), allow_nan=False)))
    assert read.classes == schema.classes
    assert [vars(column) for column in read.columns] == [vars(column) for column in schema.columns]
    assert [type(value) for value in read.columns[-1].categories] == [type(value) for value in values]


def test_categories_that_json_cannot_hold_are_refused() -> None:
    stamps = pd.Categorical(pd.to_datetime(["2024-01-01", "2024-01-02"] * 20))
    with pytest.raises(DataError, match="astype"):
        to_json(infer(frame(40).assign(day=stamps), "fraud"))


@dataclass
class Unsaved:
    """A learner that nobody taught to save itself."""

    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        pytest.fail("work has begun")

    def predict_proba(self, rows: Rows) -> np.ndarray:
        return np.full((len(rows), 2), 0.5)


def test_a_learner_that_cannot_be_saved_is_refused_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LEARNERS.homes, "mine", f"{__name__}:Unsaved")
    settings = content(write(tmp_path, frame()), tmp_path / "out") | {
        "learner": {"name": "mine"},
        "augmented_learner": {},
    }
    with pytest.raises(ConfigError, match="a learner to be saved must be one of xgboost"):
        run(load_config(RunConfig, write_config(tmp_path, settings)), quiet_console())
    assert not (tmp_path / "out").exists()
