"""Questions are asked, answered by a script, and a run goes on with the answers: judged honestly, nothing lost."""

import json
import shutil
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from asked_runs import KNOWN, ROWS, call, filled, numbered
from commands import refused
from rich.console import Console
from small_runs import content, frame, write

from experiments.cli.labels import answers_of
from experiments.config.reader import load_config
from experiments.config.run_config import RunConfig
from experiments.labels import store
from experiments.labels.questions import Wanted, ask_people
from experiments.run.inputs import gather
from experiments.run.run import run
from experiments.storage import run_folder


@pytest.fixture(scope="module")
def asked(place: Path, began: Path) -> Path:
    """The folder of the run after forty questions were asked and answered."""
    call("queue", began, "--pool", place / "pool.csv", "--n", 40, "--audit", 0.3)
    filled(began / "labels" / "batch-001" / "queue.csv", place / "filled.csv")
    call("answer", began, place / "filled.csv")
    return began


def test_a_queue_holds_rows_of_the_pool_with_reasons(place: Path, asked: Path) -> None:
    folder = asked / "labels" / "batch-001"
    queue = pd.read_csv(folder / "queue.csv", dtype=str, keep_default_na=False, encoding="utf-8-sig")
    own = queue[queue["kind"] != "check"]
    assert len(own) == 40
    assert set(own["kind"]) == {"ask", "audit"}
    assert (queue["label"] == "").all()
    assert own["reason"].str.len().gt(5).all()
    pool = pd.read_csv(place / "pool.csv", dtype=str).set_index("receipt")
    assert (own["amount"].astype(float).to_numpy() == pool.loc[own["receipt"], "amount"].astype(float).to_numpy()).all()
    chance = own.loc[own["kind"] == "audit", "inclusion"].astype(float)
    assert chance.between(0, 1, inclusive="neither").all()
    scores = own.loc[own["kind"] == "ask", "score"].astype(float)
    assert scores.between(0.2, 0.8).all()  # in doubt
    tasks = json.loads((folder / "tasks.json").read_text())
    assert [task["data"]["question"] for task in tasks] == queue["question"].tolist()
    assert (folder / "label_studio.xml").read_text().startswith("<View")


def test_the_same_file_twice_changes_nothing(place: Path, asked: Path) -> None:
    before = (asked / "labels" / "answers.csv").read_bytes()
    assert "0 new answers" in call("answer", asked, place / "filled.csv").output
    assert (asked / "labels" / "answers.csv").read_bytes() == before


def test_the_same_seed_asks_the_same(place: Path, began: Path, tmp_path: Path) -> None:
    frames = []
    for name in ("one", "other"):
        copied = tmp_path / name
        shutil.copytree(began, copied, ignore=shutil.ignore_patterns("labels"))
        frames.append(ask_people(copied, place / "pool.csv", Wanted(n=10)).frame)
    pd.testing.assert_frame_equal(*frames)


def test_a_run_goes_on_with_the_answers(place: Path, asked: Path) -> None:
    before = gather(
        load_config(RunConfig, asked / "config.yaml").data, load_config(RunConfig, asked / "config.yaml").loop
    )
    said = call("run", "--continue", asked, "--out", place / "next").output
    (folder,) = (place / "next").iterdir()
    config = load_config(RunConfig, folder / "config.yaml")
    inputs = gather(config.data, config.loop)
    np.testing.assert_array_equal(inputs.test.row_number, before.test.row_number)
    assert inputs.answered == 40
    assert len(inputs.train) == len(before.train) + 40
    judging = inputs.train.judging
    assert judging is not None
    answers = filled(asked / "labels" / "batch-001" / "queue.csv", place / "again.csv")
    kinds = answers.set_index("receipt")["kind"]
    new = inputs.dataset.frame.iloc[KNOWN:]
    weight = judging[len(before.train) :]
    assert ((kinds[new["receipt"]] == "audit").to_numpy() == (weight > 0)).all()
    truth = numbered().set_index("receipt")["fraud"]
    assert (new["fraud"].to_numpy() == truth[new["receipt"]].to_numpy()).all()
    report = json.loads((folder / "report.json").read_text())
    assert report["answers"]["rows"] == 40
    assert report["answers"]["audited"] == (weight > 0).sum()
    assert "of the model that asked" in said
    assert "40 answered rows" in said
    assert run_folder.load_model(folder / "model").predict_proba(numbered()).shape == (ROWS, 2)


def test_the_next_queue_asks_about_other_rows_and_may_audit_the_same(place: Path, asked: Path) -> None:
    call("queue", asked, "--pool", place / "pool.csv", "--n", 200, "--audit", 0.5, "--checks", 0)
    first, second = (
        pd.read_csv(asked / "labels" / f"batch-{number:03d}" / "queue.csv", dtype=str, encoding="utf-8-sig")
        for number in (1, 2)
    )
    assert not set(first["receipt"]) & set(second["receipt"])
    kept = store.batches(asked / "labels")[1]
    again = kept.questions["question"].str[1:].isin(first["question"].str[1:])
    assert again.any()  # drawn into the audit although it was asked about: its answer is known
    assert (kept.questions.loc[again, "kind"] == "audit").all()


def test_a_corrected_label_takes_its_place(place: Path, tmp_path: Path) -> None:
    table = frame(800, seed=3).assign(receipt=[f"s{number}" for number in range(800)])
    table["fraud"] = np.where(table["amount"] > 60, "yes", "no")  # plain, so that an error can be told
    wrong = table.copy()
    wrong.loc[wrong.index[::40], "fraud"] = np.where(table["fraud"][::40] == "yes", "no", "yes")
    write(tmp_path, wrong[:600])
    write(tmp_path, table[600:].drop(columns="fraud"), "pool.csv")
    settings = content(tmp_path / "table.csv", tmp_path / "out", generations=1)
    folder = run(load_config(RunConfig, None, settings), Console(file=StringIO(), width=200)).folder
    call("queue", folder, "--pool", tmp_path / "pool.csv", "--n", 10)
    path = folder / "labels" / "batch-001" / "queue.csv"
    queue = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    doubted = queue[queue["kind"] == "check"]
    truth = table.set_index("receipt")["fraud"]
    assert len(doubted) >= 3
    assert (doubted["given"] != truth[doubted["receipt"]].to_numpy()).mean() >= 0.8
    queue["label"] = truth[queue["receipt"]].to_numpy()
    queue.to_csv(tmp_path / "filled.csv", index=False)
    call("answer", folder, tmp_path / "filled.csv")
    call("run", "--continue", folder, "--out", tmp_path / "next")
    (after,) = (tmp_path / "next").iterdir()
    config = load_config(RunConfig, after / "config.yaml")
    corrected = gather(config.data, config.loop).dataset.frame.set_index("receipt")["fraud"]
    assert (corrected[doubted["receipt"]] == truth[doubted["receipt"]]).all()
    untouched = wrong[:600].set_index("receipt")["fraud"].drop(doubted["receipt"])
    assert (corrected[untouched.index] == untouched).all()


def test_labels_of_a_pool_are_shown_to_nobody(began: Path, tmp_path: Path) -> None:
    write(tmp_path, numbered()[KNOWN:], "pool.csv")
    copied = tmp_path / "run"
    shutil.copytree(began, copied, ignore=shutil.ignore_patterns("labels"))
    said = call("queue", copied, "--pool", tmp_path / "pool.csv", "--n", 10).output
    assert "'fraud' is left out" in said
    for name in ("queue.csv", "rows.parquet"):
        path = copied / "labels" / "batch-001" / name
        frame = pd.read_parquet(path) if name.endswith("parquet") else pd.read_csv(path, encoding="utf-8-sig")
        assert "fraud" not in frame


def test_the_answers_are_found_from_any_folder(asked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(asked.parent)
    assert Path(answers_of(Path(asked.name))).is_absolute()


class TestWhatIsRefused:
    def test_two_commands_at_once(self, place: Path, asked: Path) -> None:
        with run_folder.held(asked):
            assert "one command at a time" in refused("queue", asked, "--pool", place / "pool.csv")
            assert "one command at a time" in refused("answer", asked, place / "filled.csv")

    def test_rows_that_the_run_knows(self, place: Path, began: Path) -> None:
        assert "name a file of other rows" in refused("queue", began, "--pool", place / "table.csv")

    def test_rows_without_a_column(self, place: Path, began: Path, tmp_path: Path) -> None:
        poor = write(tmp_path, frame(50).drop(columns=["fraud", "amount"]))
        assert "'amount'" in refused("queue", began, "--pool", poor)

    def test_synthetic_rows(self, began: Path) -> None:
        made = began / "synthetic.parquet"
        assert "must be real" in refused("queue", began, "--pool", made)

    def test_answers_to_no_question(self, asked: Path, tmp_path: Path) -> None:
        (tmp_path / "odd.csv").write_text("question,kind,label\npffff,ask,yes\n")
        assert "must be to questions of this run" in refused("answer", asked, tmp_path / "odd.csv")

    def test_a_class_that_is_none(self, place: Path, asked: Path, tmp_path: Path) -> None:
        queue = pd.read_csv(place / "filled.csv", dtype=str).assign(label="perhaps")
        queue.to_csv(tmp_path / "odd.csv", index=False)
        assert "perhaps" in refused("answer", asked, tmp_path / "odd.csv")

    def test_an_answer_that_contradicts_an_earlier_one_unless_it_is_to_replace_it(
        self, place: Path, asked: Path, tmp_path: Path
    ) -> None:
        queue = pd.read_csv(place / "filled.csv", dtype=str)
        before = (asked / "labels" / "answers.csv").read_bytes()
        queue["label"] = queue["label"].map({"yes": "no", "no": "yes"})
        queue.to_csv(tmp_path / "other.csv", index=False)
        refused("answer", asked, tmp_path / "other.csv")
        assert (asked / "labels" / "answers.csv").read_bytes() == before

    def test_to_go_on_without_an_answer(self, place: Path, tmp_path: Path) -> None:
        settings = content(place / "table.csv", tmp_path / "out", generations=1)
        folder = run(load_config(RunConfig, None, settings), Console(file=StringIO(), width=200)).folder
        assert "holds none yet" in refused("run", "--continue", folder)
        (folder / "done.json").unlink()
        assert "must be finished" in refused("queue", folder, "--pool", place / "pool.csv")

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            (["--acquisition", "doubts"], "did you mean doubt"),
            (["--audit", "1.5"], "audit must be"),
            (["--spread", "0"], "spread must be"),
            (["--price", "cost"], "must be a column of the pool"),
            (["--price", "shop"], "numbers above zero"),
        ],
    )
    def test_settings_out_of_range(self, place: Path, began: Path, options: list[str], said: str) -> None:
        assert said in refused("queue", began, "--pool", place / "pool.csv", *options)

    def test_a_snapshot_that_was_changed(self, place: Path, asked: Path, tmp_path: Path) -> None:
        from experiments.labels.joining import answered

        snapshot = answered(asked / "labels", ("no", "yes"))
        settings = content(place / "table.csv", tmp_path / "out")
        settings["data"] = {**dict(settings["data"]), "answers": str(snapshot)}  # type: ignore[call-overload]
        told = (snapshot / "questions.csv").read_text()
        try:
            (snapshot / "questions.csv").write_text(told.replace("ask", "ask\x00", 1).replace("no", "maybe", 1))
            from small_runs import write_config

            sentence = refused("run", write_config(tmp_path, settings))
        finally:
            (snapshot / "questions.csv").write_text(told)
        assert "answers" in sentence or "was written" in sentence
