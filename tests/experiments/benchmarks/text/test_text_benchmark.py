"""The benchmark of texts: its corpus, its splits, the server that stands for a model, and what its last line says."""

import json
from collections.abc import Sequence
from pathlib import Path
from urllib.request import Request, urlopen

import numpy as np
import pandas as pd
import pytest
from texts import COMMON as USUAL_WORDS
from typer.testing import CliRunner

from experiments.benchmarks.text import corpus, text
from experiments.benchmarks.text.arms import BOUND, BOUND_ALONE, LOOP, REAL, SERVER, WEIGHTED, Cell, arms
from experiments.benchmarks.text.loopback import Asked, ChatServer, said
from experiments.benchmarks.text.stand_in import answers
from generators.text.llm.prompts import Question
from loop.data.schema_json import to_json
from loop.errors import ConfigError, DataError

RARE = "science"


def made_topics(n: int = 700) -> dict[str, list[str]]:
    """Return n made texts of each topic, one word in six of its own: too many words for a few texts to hold."""
    rng = np.random.default_rng(0)
    common, letters = USUAL_WORDS.split(), list("abcdefghijklmnopqrstuvwxyz")
    own = {name: ["".join(rng.choice(letters, 6)) for _ in range(60)] for name in (*corpus.COMMON, RARE)}

    def one(name: str) -> str:
        return " ".join(rng.choice(own[name] if rng.random() < 1 / 6 else common) for _ in range(rng.integers(8, 20)))

    return {name: [one(name) for _ in range(n)] for name in own}


TOPICS = made_topics()


def asked_for(label: str, examples: Sequence[str], wanted: int) -> Asked:
    messages = Question(label, (), "anywhere", tuple(examples), wanted).messages()
    return Asked("/v1/chat/completions", {}, {"messages": messages})


def texts_of(table: object) -> list[str]:
    return list(table.rows.arrays["text"].tolist())  # type: ignore[attr-defined]


def test_a_topic_is_split_into_train_test_and_held_back() -> None:
    few, held = corpus.split_of(TOPICS, RARE, 20, 0)
    many, also_held = corpus.split_of(TOPICS, RARE, 200, 0)
    assert texts_of(few.test) == texts_of(many.test)
    assert set(texts_of(few.train)) < set(texts_of(many.train))
    assert held == also_held
    assert not set(held) & {*texts_of(many.train), *texts_of(many.test)}
    assert few.schema.classes[few.schema.positive] == RARE
    assert np.bincount(few.train.y)[few.schema.positive] == 20
    assert np.bincount(few.test.y)[few.schema.positive] == corpus.RARE_TEST
    assert texts_of(corpus.split_of(TOPICS, RARE, 20, 1)[0].test) != texts_of(few.test)


def test_the_schema_knows_nothing_of_the_test_texts() -> None:
    split, held = corpus.split_of(TOPICS, RARE, 20, 0)
    apart = {*texts_of(split.test), *held}
    others = {name: [f"{each} 99 ZZZ" if each in apart else each for each in own] for name, own in TOPICS.items()}
    again, _ = corpus.split_of(others, RARE, 20, 0)
    assert to_json(again.schema) == to_json(split.schema)
    assert texts_of(again.train) == texts_of(split.train)


def test_topics_are_read_without_signatures_and_shared_texts(tmp_path: Path) -> None:
    home = tmp_path / corpus.INSIDE
    home.mkdir(parents=True)
    for name in (*corpus.COMMON, *corpus.RARE):
        own = [f"Of {name}.\n\t\t-- Somebody", "Said\neverywhere!", f"Twice {name}", f"twice, {name}", "\t-- "]
        (home / name).write_text("\n%\n".join(own) + "\n%\n")
    assert corpus.topics(tmp_path)["art"][:2] == ["Of art.", "Twice art"]
    assert "Said\neverywhere!" not in corpus.topics(tmp_path)["art"]


def test_a_corpus_that_cannot_be_fetched_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DataError, match="unpack it"):
        corpus.topics(tmp_path / "absent")


def test_the_stand_in_hands_out_what_was_held_back_for_the_rare_topic_only() -> None:
    reply = answers(RARE, ["held one", "held two", "held three"])
    told = json.loads(reply(asked_for(RARE, ["an example"], 2)).content)
    assert set(json.loads(told["choices"][0]["message"]["content"])) <= {"held one", "held two", "held three"}
    other = json.loads(reply(asked_for("art", ["a b c d", "c d e a"], 4)).content)
    words = " ".join(json.loads(other["choices"][0]["message"]["content"])).split()
    assert set(words) <= set("abcde")
    assert words


def test_the_stand_in_without_knowledge_writes_words_of_the_examples() -> None:
    told = json.loads(answers(RARE, ())(asked_for(RARE, ["a b c d", "c d e a"], 3)).content)
    assert set(" ".join(json.loads(told["choices"][0]["message"]["content"])).split()) <= set("abcde")


def test_the_server_answers_and_remembers_what_it_was_asked() -> None:
    with ChatServer(lambda asked: said("fine")) as server:
        body = json.dumps({"messages": [{"role": "user", "content": '{"wanted": 1}'}]}).encode()
        with urlopen(Request(f"{server.url}/v1/chat/completions", body)) as answer:
            assert json.load(answer)["choices"][0]["message"]["content"] == "fine"
        assert server.asked[0].data == {"wanted": 1}


@pytest.mark.slow
def test_held_back_texts_help_and_every_arm_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"TRAIN": 30, "TEST": 20, "RARE_TEST": 30}.items():
        monkeypatch.setattr(corpus, name, value)
    split, held = corpus.split_of(TOPICS, RARE, 8, 0)
    cell, found, notes = Cell(split, RARE, held, 0), dict[str, dict[str, float]](), dict[str, str]()
    for name, arm in arms(unaimed=True).items():
        learner, notes[name] = arm(cell)
        proba = learner.predict_proba(split.test.rows)
        found[name] = text.figures(split.test.y, proba, split.schema.positive)
    assert found[BOUND_ALONE]["rare"] > found[REAL]["rare"]
    assert "generations kept" in notes[LOOP]
    assert "texts of stand-in" in notes[SERVER]
    assert "texts of stand-in" in notes[BOUND]


def test_figures_of_a_perfect_and_of_a_blind_model() -> None:
    y = np.repeat([0, 1, 2], [80, 80, 40])
    assert text.figures(y, np.eye(3)[y], 2) == {"macro": 1.0, "rare": 1.0, "recall": 1.0}
    blind = text.figures(y, np.full((200, 3), 1 / 3), 2)
    assert blind == pytest.approx({"macro": 1 / 3, "rare": 0.2, "recall": 0})


def results() -> pd.DataFrame:
    level = {REAL: 0.5, WEIGHTED: 0.6, LOOP: 0.55, SERVER: 0.5, BOUND: 0.8}
    return pd.DataFrame(
        {"arm": arm, "topic": RARE, "rows": rows, "seed": seed, "note": "", "seconds": 1.0}
        | dict.fromkeys(text.FIGURES, at + 0.01 * seed * (at + rows / 100))
        for arm, at in level.items()
        for rows in (20, 50)
        for seed in range(5)
    )


def test_the_last_line_says_what_was_measured() -> None:
    told = text.headline(results())
    json.dumps(told, allow_nan=False)
    assert told["best_control_is"] == WEIGHTED
    assert told["language_model_measured"] is False
    assert told["cells"] == 10
    assert told["loop"] == pytest.approx(float(results().query("arm == @LOOP")["macro"].mean()), abs=1e-4)
    difference = told["loop_minus_best_control"]
    assert isinstance(difference, list)
    assert difference[0] == pytest.approx(-0.051, abs=1e-3)
    assert difference[1] < difference[0] < difference[2] < 0
    assert told["bound_minus_real_20"][0] == pytest.approx(0.306, abs=1e-3)  # type: ignore[index]


@pytest.mark.parametrize("rows", ["", "4", "20,x", "201", "-5", "²0"])
def test_rows_are_checked(rows: str) -> None:
    with pytest.raises(ConfigError, match="rows must be"):
        text._counts(rows)


def test_finished_cells_are_read_and_the_output_says_that_no_model_was_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import typer

    monkeypatch.setattr(text, "topics", lambda folder: TOPICS)
    monkeypatch.setattr(text, "work", lambda key: pytest.fail("this cell was finished before"))
    for rows in (20, 50):
        for seed in range(5):
            own = results().query("rows == @rows and seed == @seed")
            text.Key(RARE, rows, seed, "").path(tmp_path).write_text(own.to_json(orient="records"))
    app = typer.Typer()
    app.command()(text.main)
    done = CliRunner().invoke(app, ["--rows", "20,50", "--out", str(tmp_path), "--corpus", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "No language model was measured" in " ".join(done.output.split())
    assert json.loads(done.output.strip().splitlines()[-1])["cells"] == 10
