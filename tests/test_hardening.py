"""What files, settings and folders may hold, and still the answer is right or one sentence."""

import json
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from commands import refused, refused_run
from small_runs import content, frame, write, write_config
from typer.testing import CliRunner, Result

from experiments.cli.app import app
from experiments.data.files import read_table
from experiments.report.figure_style import canvas, save
from learners import CatBoost, ExtraTrees, Forest, LightGBM, XGBoost
from loop.data.encoding import encode
from loop.data.schema import infer
from loop.errors import DataError
from loop.expressions.parser import parse
from loop.expressions.to_region import as_region
from loop.support.format import FORMAT
from loop.types import Table

CUT = ("done.json", "report.json", "report.html")  # what a run lacks that was stopped before its end


def call(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run with a constraint, on a table with a column of codes that may look like numbers."""
    place = tmp_path_factory.mktemp("hardening")
    table = frame().assign(code=np.array(["01", "2", "A"])[np.arange(240) % 3])
    settings = content(write(place, table), place / "out", generations=1) | {"deliver": "loop"}  # of two files
    settings |= {"constraints": ["amount >= 60", "age >= 40"], "arms": {"run": False}}
    result = call("run", write_config(place, settings))
    assert result.exit_code == 0, result.output
    return place


@pytest.fixture
def run_folder(place: Path, tmp_path: Path) -> Path:
    """A copy of the run."""
    (folder,) = (place / "out").iterdir()
    shutil.copytree(folder, tmp_path / "run")
    return tmp_path / "run"


# Settings

SETTINGS = [
    ("xgboost", {"trees": -5}, "trees must be at least 1, got -5"),
    ("xgboost", {"trees": 0}, "trees must be at least 1"),
    ("xgboost", {"row_share": 0.0}, "row_share is a share"),
    ("xgboost", {"bins": 0}, "bins must be at least 2"),
    ("forest", {"trees": 0}, "trees must be at least 1"),
    ("extra_trees", {"trees": -1}, "trees must be at least 1"),
    ("forest", {"categories": "numbers"}, "categories"),
    ("catboost", {"depth": 17}, "depth must be at most 16, got 17: lower it"),
    ("catboost", {"l2": -1.0}, "l2 must be at least 0"),
    ("catboost", {"jobs": 0}, "jobs must be at least 1"),
    ("lightgbm", {"leaves": 1}, "leaves must be at least 2"),
    ("lightgbm", {"leaves": 131_073}, "leaves must be at most 131,072, got 131073"),
    ("lightgbm", {"min_leaf": 2**40}, "min_leaf must be at most 2,147,483,647"),
    ("lightgbm", {"column_share": 1.5}, "column_share is a share"),
    ("mlp", {"hidden": 0}, "hidden must be at least 1"),
    ("mlp", {"batch": 0}, "batch must be at least 1"),
    ("mlp", {"layers": -1}, "layers must be at least 1"),
]


@pytest.mark.parametrize(("name", "settings", "words"), SETTINGS)
def test_a_learner_that_learns_nothing_is_refused(
    name: str, settings: dict[str, object], words: str, tmp_path: Path
) -> None:
    told = content(write(tmp_path, frame()), tmp_path / "out") | {"learner": {"name": name, "settings": settings}}
    assert words in refused_run(tmp_path, told)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"neighbours": -3}, "neighbours must be at least 1"),
        ({"most_seeds": 0}, "most_seeds must be at least 1"),
        ({"noise_scale": -1.0}, "noise_scale must be at least 0"),
        ({"swap_share": 5.0}, "swap_share must be at most 1"),
        ({"interpolate": 0.0, "swap": 0.0, "noise": 0.0}, "one of interpolate, swap and noise above 0"),
    ],
)
def test_a_generator_that_makes_nothing_is_refused(settings: dict[str, object], words: str, tmp_path: Path) -> None:
    told = content(write(tmp_path, frame()), tmp_path / "out")
    assert words in refused_run(tmp_path, told | {"generator": {"name": "neighbourhood", "settings": settings}})


def test_a_generator_that_wraps_another_is_no_choice(tmp_path: Path) -> None:
    data = write(tmp_path, frame())
    sentence = refused("run", "--data", data, "--target", "fraud", "--generator", "reject", "--out", tmp_path / "out")
    assert "generator must be one of" in sentence
    assert "reject," not in sentence


# Numbers


@pytest.mark.parametrize(
    "make",
    [
        lambda: XGBoost(trees=60),
        lambda: CatBoost(trees=120, rate=0.2),
        lambda: LightGBM(trees=60, extra_trees=False, rate=0.2),
        lambda: Forest(trees=40),
        lambda: ExtraTrees(trees=40),
    ],
    ids=["xgboost", "catboost", "lightgbm", "forest", "extra_trees"],
)
@pytest.mark.parametrize("kind", ["seconds", "datetime", "large integer"])
def test_moments_and_large_numbers_keep_what_tells_them_apart(make, kind, tmp_path) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(0)
    seconds = rng.permutation(3600)[:1200]
    column = {
        "seconds": pd.Series(seconds),
        "datetime": pd.Series(pd.Timestamp("2024-05-01") + pd.to_timedelta(seconds, unit="s")),
        "large integer": pd.Series(seconds + 1_700_000_000),
    }[kind]
    table = pd.DataFrame({"when": column, "late": np.where(seconds % 600 > 300, "yes", "no")})
    schema = infer(table.iloc[:800], "late")
    train, test = encode(schema, table.iloc[:800]), encode(schema, table.iloc[800:])
    learner = make().fit(train, rng)
    accuracy = (learner.predict_proba(test.rows).argmax(axis=1) == test.y).mean()
    assert accuracy > 0.9
    learner.save(tmp_path / "saved")
    again = type(learner).load(tmp_path / "saved")
    np.testing.assert_array_equal(again.predict_proba(test.rows), learner.predict_proba(test.rows))


def test_numbers_beyond_single_precision_are_refused_before_any_work(tmp_path: Path, run_folder: Path) -> None:
    for row in range(8):  # in the training part or in the test part
        table = frame()
        table.loc[row, "amount"] = 1e39
        words = refused_run(tmp_path, content(write(tmp_path, table), tmp_path / "out"))
        assert "numbers must lie below 3.4e+38 in size" in words
    new = frame().drop(columns="fraud").assign(code="A", amount=1e39)
    assert "single precision" in refused("predict", run_folder, "--data", write(tmp_path, new, "new.csv"))


def test_numbers_beyond_single_precision_are_no_table_for_a_generator(tmp_path: Path) -> None:
    table = frame()
    table.loc[3, "amount"] = 1e300
    source = write(tmp_path, table)
    words = refused("generate", "--data", source, "--target", "fraud", "--generator", "tree_chain")
    assert "numbers must lie below 3.4e+38 in size" in words


# Files


def test_codes_that_look_like_numbers_are_the_text_they_were(run_folder: Path, tmp_path: Path) -> None:
    rows = frame(40).drop(columns="fraud")
    answers = []
    for name, codes in {"all.csv": ["01", "2", "A"], "some.csv": ["01", "2", "01"]}.items():
        path = write(tmp_path, rows.assign(code=np.array(codes)[np.arange(40) % 3]), name)
        result = call("predict", run_folder, "--data", path, "--out", tmp_path / f"scores-{name}")
        assert result.exit_code == 0, result.output
        answers.append(pd.read_csv(tmp_path / f"scores-{name}"))
    same = np.arange(40) % 3 < 2
    pd.testing.assert_frame_equal(answers[0][same], answers[1][same])


def test_words_for_nothing_are_missing_among_numbers_and_words_in_text(tmp_path: Path) -> None:
    path = tmp_path / "words.csv"
    path.write_text("n,b,country,fraud\n1,True,NA,None\nNA,NA,DE,fraud\n2.5,false,,None\nnull,true,null,fraud\n")
    table = read_table(path)
    np.testing.assert_array_equal(table["n"], [1, np.nan, 2.5, np.nan])
    assert table["b"].tolist() == [True, pd.NA, False, True]
    assert table["country"].fillna("missing").tolist() == ["NA", "DE", "missing", "null"]
    assert table["fraud"].tolist() == ["None", "fraud", "None", "fraud"]


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz"])
def test_rows_that_are_cut_off_are_refused(suffix: str, tmp_path: Path) -> None:
    pd.DataFrame({"a": [1, 2], "b": ["x\ny", "z"], "c": [1, 2]}).to_csv(tmp_path / f"whole{suffix}", index=False)
    assert len(read_table(tmp_path / f"whole{suffix}")) == 2
    (tmp_path / "cut.csv").write_text("a,b,c\n1,2,3\n\n4,5\n")
    with pytest.raises(DataError, match=r"every row must have 3 fields, line 4 of .*cut.csv has 2: correct it"):
        read_table(tmp_path / "cut.csv")


def test_columns_that_are_numbered_have_these_names(tmp_path: Path) -> None:
    table = frame()
    table.columns = range(5)  # type: ignore[assignment]
    table.to_parquet(tmp_path / "numbered.parquet")
    settings = content(tmp_path / "numbered.parquet", tmp_path / "out", generations=1) | {"arms": {"run": False}}
    settings["data"] = {"source": str(tmp_path / "numbered.parquet"), "target": "4", "group": "1"}
    result = call("run", write_config(tmp_path, settings))
    assert result.exit_code == 0, result.output


def test_groups_that_are_lists_are_refused(tmp_path: Path) -> None:
    frame().assign(card=[[number] for number in range(240)]).to_parquet(tmp_path / "lists.parquet")
    settings = content(tmp_path / "lists.parquet", tmp_path / "out")
    settings["data"] = {**settings["data"], "group": "card"}  # type: ignore[dict-item]
    assert "group column 'card' must hold ids" in refused_run(tmp_path, settings)


# Names


@pytest.mark.parametrize("title", ["US$ 5% to US$ 10%", "$20_$50", "$1#$2", "$a\\b$", "word " * 40])
def test_titles_are_shown_as_they_are(title: str, tmp_path: Path) -> None:
    figure, axes = canvas(title)
    save(figure, tmp_path / "picture.png")
    assert axes.get_title(loc="left").replace("\n", " ").strip() == title.strip()
    assert max(map(len, axes.get_title(loc="left").splitlines())) <= 80


def test_text_may_be_computed_in_a_region() -> None:
    schema = infer(frame(), "fraud")
    table: Table = encode(schema, frame())
    one, other = (as_region(parse(text), schema) for text in ("shop == if(1 < 2, 'fuel', 'toys')", "shop == 'fuel'"))
    np.testing.assert_array_equal(one.contains(table.rows), other.contains(table.rows))


# Folders


def test_rows_on_demand_obey_the_constraints_of_the_run(run_folder: Path, tmp_path: Path) -> None:
    result = call("generate", run_folder, "--n", 200, "--out", tmp_path / "rows.csv")
    assert result.exit_code == 0, result.output
    rows = pd.read_csv(tmp_path / "rows.csv")
    assert len(rows) == 200
    assert (rows["amount"] >= 60).all()
    assert (rows["age"] >= 40).all()
    assert float(result.output.split("%")[0].split()[-1]) < 60  # the share delivered tells of the others


def test_rows_that_no_constraint_lets_through_are_told(run_folder: Path, tmp_path: Path) -> None:
    config = run_folder / "config.yaml"
    config.write_text(config.read_text().replace("amount >= 60", "amount >= 1e9"))
    assert "of region 'anywhere' none did" in refused("generate", run_folder, "--n", 50, "--out", tmp_path / "rows.csv")
    assert not (tmp_path / "rows.csv").exists()


def test_a_run_is_not_resumed_with_other_test_rows_or_meanings(place: Path, run_folder: Path) -> None:
    for name in CUT:
        (run_folder / name).unlink(missing_ok=True)
    data = place / "table.csv"
    original = data.read_text()
    changes = {
        "test rows": lambda t: t.assign(amount=t["amount"].to_numpy()[::-1]),
        "a name": lambda t: t.rename(columns={"abroad": "away"}),
        "names": lambda t: t.rename(columns={"amount": "age", "age": "amount"}),
        "a category": lambda t: t.assign(shop=t["shop"].replace("toys", "games")),
    }
    try:
        for what, change in changes.items():
            change(pd.read_csv(data, dtype={"code": "str"})).to_csv(data, index=False)
            assert "must be resumed with the data and files it began with" in refused("run", "--resume", run_folder), (
                what
            )
            data.write_text(original)
        result = call("run", "--resume", run_folder)
        assert result.exit_code == 0, result.output
    finally:
        data.write_text(original)


DAMAGES = {
    "booster cut off": ("model/learner/settings.json", lambda path: path.write_text(path.read_text()[:20])),
    "no settings": ("model/learner/settings.json", lambda path: path.unlink()),
    "empty settings": ("model/learner/settings.json", lambda path: path.write_text("{}")),
    "no learner": ("model/model.json", lambda path: path.write_text("{}")),
    "a list": ("model/model.json", lambda path: path.write_text("[]")),
    "an unknown learner": ("model/model.json", lambda path: path.write_text(json.dumps({"learner": "oracle"}))),
    "no schema": ("model/schema.json", lambda path: path.write_text("{}")),
    "a flipped bit": ("model/learner/booster.ubj", lambda path: path.write_bytes(flipped(path.read_bytes()))),
}


def flipped(content: bytes) -> bytes:
    return bytes([*content[:-40], content[-40] ^ 1, *content[-39:]])


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_model_is_refused(damage: str, run_folder: Path, tmp_path: Path) -> None:
    name, harm = DAMAGES[damage]
    harm(run_folder / name)
    new = write(tmp_path, frame(5).drop(columns="fraud").assign(code="A"), "new.csv")
    refused("predict", run_folder, "--data", new)


@pytest.mark.parametrize("harm", ["empty", "no arrays"])
def test_a_damaged_checkpoint_is_refused(harm: str, run_folder: Path) -> None:
    for name in CUT:
        (run_folder / name).unlink(missing_ok=True)
    (checkpoint,) = (run_folder / "checkpoint").glob("*.npz")
    if harm == "empty":
        checkpoint.write_bytes(b"")
    else:
        np.savez(checkpoint, record=np.frombuffer(json.dumps({"format": FORMAT}).encode(), dtype=np.uint8))
    assert "a checkpoint must be a whole .npz file" in refused("run", "--resume", run_folder)


def test_places_that_cannot_be_written_are_told(
    run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = frame(5).drop(columns="fraud").assign(code="A")
    new = write(tmp_path, rows, "new.csv")
    (tmp_path / "folder.csv").mkdir()
    assert "is a folder" in refused("predict", run_folder, "--data", new, "--out", tmp_path / "folder.csv")
    assert "files must be writable" in refused("predict", run_folder, "--data", new, "--out", new / "x.csv")
    long = tmp_path / f"{'n' * 300}.csv"
    assert "files must be writable" in refused("predict", run_folder, "--data", new, "--out", long)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    data = write(tmp_path, frame())
    result = call("generate", "--data", data, "--target", "fraud", "--n", 3, "--save", ".", "--out", tmp_path / "r.csv")
    assert result.exit_code in (0, 2), result.exception


def test_ctrl_c_after_the_loop_says_how_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("experiments.run.run.contestants_of", stop)
    result = call("run", write_config(tmp_path, content(write(tmp_path, frame()), tmp_path / "out", generations=1)))
    (folder,) = (tmp_path / "out").iterdir()
    assert result.exit_code == 130
    assert f"Interrupted. Go on with: weakspot run --resume {folder}" in result.stderr


PLANTED = ["config.yaml", "data.json", "report.json", "journal/records.jsonl", "model/files.json", "model/model.json"]


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raise an error in what takes longer, such as waiting for a pipe that nobody writes to."""

    def late(number: int, frame: object) -> None:
        raise AssertionError(f"still busy after {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("kind", ["pipe", "endless"])
@pytest.mark.parametrize("name", PLANTED)
def test_what_is_planted_in_place_of_a_file_neither_hangs_nor_is_read(
    kind: str, name: str, run_folder: Path, place: Path, tmp_path: Path
) -> None:
    (run_folder / name).unlink()
    os.mkfifo(run_folder / name) if kind == "pipe" else (run_folder / name).symlink_to("/dev/zero")
    (tmp_path / "mlflow.yaml").write_text(f"tracking_uri: sqlite:///{tmp_path}/mlflow.db\n")
    with at_most(60):
        results = [
            call("predict", run_folder, "--data", place / "table.csv", "--out", tmp_path / "scores.csv"),
            call("upload", run_folder, "--tracking", tmp_path / "mlflow.yaml"),
            call("report", run_folder),
        ]
        (run_folder / CUT[0]).unlink()
        results.append(call("run", "--resume", run_folder))
    for result in results:
        assert result.exit_code in (0, 2), result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
    assert 2 in [result.exit_code for result in results]
