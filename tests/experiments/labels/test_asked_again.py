"""A row that was asked about is asked about again only if it has no answer, and only if that is wanted."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from asked_runs import call, filled, numbered, read
from commands import refused

from experiments.cli.labels import answers_of
from experiments.labels import questions, store
from experiments.labels.questions import Wanted, ask_people
from experiments.run.inputs import teacher_of
from loop.data.encoding import encode_features
from loop.supplies.acquisition import Mixture

QUEUE = ("--checks", 0, "--audit", 0.4)


@pytest.fixture
def half(place: Path, began: Path, tmp_path: Path) -> Path:
    """A run of whose sixty questions a third was answered, a third could not be told, and a third was left."""
    folder = tmp_path / "run"
    shutil.copytree(began, folder, ignore=shutil.ignore_patterns("labels"))
    call("queue", folder, "--pool", place / "pool.csv", "--n", 60, *QUEUE)
    told = filled(folder / "labels" / "batch-001" / "queue.csv", tmp_path / "half.csv")
    told.loc[told.index % 3 == 1, "label"] = "cannot tell"
    told.loc[told.index % 3 == 2, "label"] = ""
    told.to_csv(tmp_path / "half.csv", index=False)
    said = call("answer", folder, tmp_path / "half.csv").output
    assert "questions skipped: cannot tell" in said
    return folder


def queue(folder: Path, number: int) -> pd.DataFrame:
    return read(folder / "labels" / f"batch-{number:03d}" / "queue.csv")


def test_no_row_is_asked_about_twice_by_itself(place: Path, half: Path) -> None:
    said = call("queue", half, "--pool", place / "pool.csv", "--n", 560, *QUEUE).output
    first, second = queue(half, 1), queue(half, 2)
    waiting = (first.index % 3 > 0).sum()
    assert f"{waiting} rows that were asked about before have no answer, and are not asked about again" in said
    assert not set(first["receipt"]) & set(second["receipt"])


def test_rows_without_an_answer_are_asked_about_again_under_their_names(
    place: Path, half: Path, tmp_path: Path
) -> None:
    said = call("queue", half, "--pool", place / "pool.csv", "--n", 560, "--again", *QUEUE).output
    assert "may be asked about again" in said
    first, second = (queue(half, number).set_index("receipt") for number in (1, 2))
    waiting = first.index[[place % 3 > 0 for place in range(len(first))]]
    again = waiting.intersection(second.index)
    assert len(again) > 20
    assert not set(first.index.difference(waiting)) & set(second.index)
    pd.testing.assert_frame_equal(first.loc[again, ["question", "kind"]], second.loc[again, ["question", "kind"]])
    tasks = json.loads((half / "labels" / "batch-002" / "tasks.json").read_text())
    judging = [task for task in tasks if task["data"]["reason"].startswith("drawn at random")]
    assert judging
    assert not any(task["predictions"] for task in judging)  # nobody is led
    filled(half / "labels" / "batch-002" / "queue.csv", tmp_path / "filled.csv")
    call("answer", half, tmp_path / "filled.csv")
    filled(half / "labels" / "batch-001" / "queue.csv", tmp_path / "late.csv")  # the old queue, at last
    assert f"{len(waiting.difference(again))} new answers" in call("answer", half, tmp_path / "late.csv").output
    kept = pd.read_csv(half / "labels" / "answers.csv", dtype=str)
    assert not kept["question"].str[1:].duplicated().any()  # one answer a row
    snapshot, rows = store.snapshot(Path(answers_of(half)))
    truth = numbered().set_index("receipt")["fraud"]
    assert len(rows) == len(kept)
    assert snapshot["label"].tolist() == truth[rows["receipt"]].tolist()
    audited = pd.concat([batch.questions for batch in store.batches(half / "labels")]).query("kind == 'audit'")
    assert (snapshot["judging"] > 0).sum() == kept["question"].str[1:].isin(audited["question"].str[1:]).sum()


def test_nothing_left_but_rows_without_an_answer_is_told(place: Path, half: Path, tmp_path: Path) -> None:
    left = queue(half, 1)[["receipt"]].merge(numbered().drop(columns="fraud"), on="receipt")
    left.to_csv(tmp_path / "left.csv", index=False)
    pool = ("--pool", tmp_path / "left.csv", "--checks", 0)
    assert "--again for those" in refused("queue", half, *pool)
    call("queue", half, *pool, "--again")
    assert set(queue(half, 2)["receipt"]) <= set(left["receipt"])


def test_checks_without_an_answer_come_again(place: Path, began: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(began, folder, ignore=shutil.ignore_patterns("labels"))

    def checked(again: bool) -> set[str]:
        asked = ask_people(folder, place / "pool.csv", Wanted(n=10, checks=2, again=again)).frame
        return set(asked.loc[asked["kind"] == "check", "question"])

    first = checked(again=False)
    assert not checked(again=False) & first
    assert checked(again=True) >= first


@pytest.mark.parametrize("delivers", ["its learner", "its teacher"])
def test_the_gap_is_that_between_learner_and_teacher(
    place: Path, began: Path, tmp_path: Path, delivers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(began, folder, ignore=shutil.ignore_patterns("labels"))
    opened = questions._opened(folder)
    learner, teacher = opened.config.learner.make(), teacher_of(opened.config, opened.inputs.schema)
    served = (learner if delivers == "its learner" else teacher).fit(opened.inputs.train, np.random.default_rng(0))
    model = replace(opened.model, learner=served)
    monkeypatch.setattr(questions, "_opened", lambda run: replace(opened, model=model))
    asked = ask_people(folder, place / "pool.csv", Wanted(n=20, acquisition="gap", audit=0, checks=0)).frame
    assert asked["reason"].str.startswith("teacher and learner differ").all()
    learner.fit(opened.inputs.train, np.random.default_rng(1))
    teacher.fit(opened.inputs.train, np.random.default_rng(1))
    rows, everywhere = (encode_features(opened.inputs.schema, each) for each in (asked, numbered()))
    asked_about, usual = (
        np.abs(learner.predict_proba(each) - teacher.predict_proba(each))[:, 0].mean() for each in (rows, everywhere)
    )
    assert asked_about > 1.5 * usual


def test_questions_of_another_run_are_refused_whatever_was_said_of_them(half: Path, tmp_path: Path) -> None:
    odd = "question,kind,label\n" + "pffff,ask,{}\npffff,ask,{}\n"
    before = (half / "labels" / "answers.csv").read_bytes()
    for labels in (("yes", "no"), ("", ""), ("cannot tell", "")):
        (tmp_path / "odd.csv").write_text(odd.format(*labels))
        assert "1 of 1 are not" in refused("answer", half, tmp_path / "odd.csv")
    first = read(half / "labels" / "batch-001" / "queue.csv").assign(label="yes")
    pd.concat([first, first[:1].assign(question="pffff")]).to_csv(tmp_path / "mixed.csv", index=False)
    assert f"1 of {len(first) + 1} are not" in refused("answer", half, tmp_path / "mixed.csv")
    assert (half / "labels" / "answers.csv").read_bytes() == before


def test_a_mixture_asks_about_all_that_it_names() -> None:
    mixture = Wanted(acquisition="mixture").asking().acquisition
    assert isinstance(mixture, Mixture)
    assert set(mixture.names) == {"entropy", "gap", "highest_score"}
