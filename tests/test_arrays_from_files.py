"""Images, series and texts on the whole way: from files to a report, predictions, new rows and records."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from chat_server import ChatServer, proper
from commands import refused
from image_tables import digit_images
from series_tables import series_frame
from texts import text_frame
from typer.testing import CliRunner

from experiments.cli.app import app
from experiments.data.arrays.images import save
from experiments.data.sources import load
from experiments.report.html import ARRAYS, SYNTHETIC
from experiments.run.mlflow_model import save_model
from experiments.storage.run_folder import load_model
from experiments.trust.audit.run_rows import rows_of
from experiments.tune.config import TuneConfig
from loop.cycle.acceptance import Acceptance
from loop.data.encoding import original_names


def call(*words: object) -> str:
    """Call a command that must succeed and return what it prints."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


def settings(folder: Path, **more: Any) -> Path:
    """Write a configuration of a small run."""
    content = {
        "loop": {"generations": 1, "lanes": 2, "jobs": 1, "pool": 2, "budget": 0.4},
        "arms": {"run": False},
        "tracking": "none",
        "out": str(folder / "runs"),
        **more,
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def series_files(folder: Path) -> tuple[Path, Path]:
    """Write series with labels, and others without."""
    for name, n, seed in (("known.npz", 120, 0), ("new.npz", 15, 7)):
        rows = series_frame(n, seed=seed)
        labels = {"label": rows["kind"].to_numpy().astype(str)} if name == "known.npz" else {}
        np.savez(folder / name, series=np.stack(rows["wave"].tolist()), **labels)
    return folder / "known.npz", folder / "new.npz"


def text_files(folder: Path) -> tuple[Path, Path]:
    text_frame(160).to_csv(folder / "known.csv", index=False)
    text_frame(15, seed=7).drop(columns="topic").to_csv(folder / "new.csv", index=False)
    return folder / "known.csv", folder / "new.csv"


def image_files(folder: Path) -> tuple[Path, Path]:
    """Write images in a folder for each class, and others in one folder."""
    images, labels = digit_images()
    save(folder / "known", images[:150], [f"d{label}" for label in labels[:150]])
    save(folder / "some", images[150:165], ["new"] * 15)
    return folder / "known", folder / "some" / "new"


KEY = "a-key-that-must-not-be-seen"
MODALITIES: dict[str, dict[str, Any]] = {
    "images": {
        "files": image_files,
        "config": {
            "learner": {"name": "convnet", "settings": {"most_steps": 60, "augment": "classical"}},
            "teacher": {"members": ["linear"]},
        },
        "picture": "samples.png",
    },
    "series": {
        "files": series_files,
        "config": {
            "learner": {"name": "minirocket", "settings": {"features": 168}},
            "teacher": {"members": ["linear"]},
        },
        "picture": "samples.png",
    },
    "text": {
        "files": text_files,
        "data": {"target": "topic", "positive": "sea", "text": ["note"]},
        "config": {"teacher": {"members": ["tfidf", "linear"]}},
        "picture": "samples.json",
    },
}


@pytest.fixture(scope="module", params=MODALITIES)
def finished(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path, Path, Path]:
    """Run the loop once on each kind, whatever it brings; return the kind, the run's folder, and both files."""
    kind, folder = request.param, tmp_path_factory.mktemp(request.param)
    known, new = MODALITIES[kind]["files"](folder)
    data = {"source": str(known), **MODALITIES[kind].get("data", {})}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Acceptance, "decide", kept_whatever_comes(Acceptance.decide))
        patch.setattr(Acceptance, "verdict", claimed_whatever_comes(Acceptance.verdict))
        call("run", settings(folder, data=data, **MODALITIES[kind]["config"]), "--quiet")
    (run,) = (folder / "runs").iterdir()
    return kind, run, known, new


def kept_whatever_comes(decide: Any) -> Any:
    """Keep each generation, so that there are new rows to look at."""

    def keep(*values: Any, **named: Any) -> Any:
        return replace(decide(*values, **named), kept=True)

    return keep


def claimed_whatever_comes(verdict: Any) -> Any:
    """Keep the rows in the end, too."""

    def claim(*values: Any, **named: Any) -> Any:
        told, decision = verdict(*values, **named)
        return told, replace(decision, kept=True)

    return claim


def test_a_run_leaves_report_pictures_and_rows(finished: tuple[str, Path, Path, Path]) -> None:
    kind, run, _, _ = finished
    page = (run / "report.html").read_text()
    assert (run / "done.json").is_file()
    assert (run / "pictures" / MODALITIES[kind]["picture"]).is_file()
    if kind == "text":
        assert "Some texts of the run" in page
    else:
        assert '<img src="data:image/png' in page
        assert "img-src data:" in page, "the page's own policy must let it show the picture that it holds"
    rows = pd.read_parquet(run / SYNTHETIC)
    assert len(rows) > 0
    if kind == "text":
        assert not (run / ARRAYS).exists()
        assert rows["note"].str.len().gt(0).all()
    else:
        with np.load(run / ARRAYS) as held:
            assert all(len(array) == len(rows) for array in held.values())


def test_a_report_is_written_again(finished: tuple[str, Path, Path, Path]) -> None:
    _, run, _, _ = finished
    before = (run / "report.html").read_text()
    call("report", run)
    assert (run / "report.html").read_text() == before


def test_new_rows_without_labels_are_scored(finished: tuple[str, Path, Path, Path], tmp_path: Path) -> None:
    _, run, _, new = finished
    call("predict", run, "--data", new, "--out", tmp_path / "scores.csv")
    scores = pd.read_csv(tmp_path / "scores.csv")
    assert len(scores) == 15
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-6)


def test_rows_are_generated_into_a_folder_and_read_again(
    finished: tuple[str, Path, Path, Path], tmp_path: Path
) -> None:
    kind, run, _, _ = finished
    label = "sea" if kind == "text" else json.loads((run / "report.json").read_text())["data"]["positive"]
    call("generate", run, "--label", label, "--n", 9, "--seed", 3, "--out", tmp_path / "made")
    call("generate", run, "--label", label, "--n", 9, "--seed", 3, "--out", tmp_path / "again")
    rows = pd.read_parquet(tmp_path / "made" / "rows.parquet")
    assert len(rows) == 9
    pd.testing.assert_frame_equal(rows, pd.read_parquet(tmp_path / "again" / "rows.parquet"))
    assert {"rows.parquet.croissant.json", "rows.parquet.card.md"} <= {
        each.name for each in (tmp_path / "made").iterdir()
    }
    if kind == "text":
        assert rows["note"].str.len().gt(0).all()
        assert not any(name.startswith("note_") for name in rows), "what the encoder makes is no column of a user's"
    else:
        scored = {"series": tmp_path / "made" / "series.npz", "images": tmp_path / "made"}[kind]
        call("predict", run, "--data", scored, "--out", tmp_path / "scores.csv")
        assert len(pd.read_csv(tmp_path / "scores.csv")) == 9


def test_an_audit_reads_the_rows_of_a_run_with_their_arrays(finished: tuple[str, Path, Path, Path]) -> None:
    _, run, _, _ = finished
    train, _, new = rows_of(run)
    rows = pd.read_parquet(run / SYNTHETIC)
    assert len(new) == len(rows)
    name = train.schema.arrays[0].names[0]
    np.testing.assert_allclose(new.X[:, new.schema.names.index(name)], rows[name], rtol=1e-6)
    assert set(new.rows.arrays) == set(train.rows.arrays)
    assert "is synthetic" in call("trace", run, 0)


def test_a_run_on_the_same_data_is_resumed_or_refused_in_a_sentence(finished: tuple[str, Path, Path, Path]) -> None:
    _, run, _, _ = finished
    assert "must be unfinished" in refused("run", "--resume", run)


def test_parts_that_do_not_suit_the_rows_are_refused(finished: tuple[str, Path, Path, Path], tmp_path: Path) -> None:
    kind, _, known, _ = finished
    data = {"source": str(known), **MODALITIES[kind].get("data", {})}
    config = settings(tmp_path, data=data, generator={"name": "tree_chain"})
    assert "makes columns alone" in refused("run", config)
    other = "markov" if kind != "text" else "augment_series"
    assert "must suit the rows" in refused("run", settings(tmp_path, data=data, generator={"name": other}))


def test_a_folder_is_for_rows_with_arrays(tmp_path: Path) -> None:
    pd.DataFrame({"x": np.arange(40) / 7, "y": np.arange(40) % 2}).to_csv(tmp_path / "table.csv", index=False)
    words = ("--data", tmp_path / "table.csv", "--target", "y", "--n", 5, "--no-audit")
    assert "columns alone" in refused("generate", *words, "--out", tmp_path / "made")


def test_mlflow_serves_the_model_for_rows_in_json(finished: tuple[str, Path, Path, Path], tmp_path: Path) -> None:
    import mlflow

    kind, run, known, new = finished
    model = load_model(run / "model")
    frame = pd.read_csv(new) if kind == "text" else load(str(known)).frame.head(12)
    frame = frame[original_names(model.schema)]
    save_model(model, frame, tmp_path / "model")
    served = mlflow.pyfunc.load_model(str(tmp_path / "model"))
    asked = json.loads((tmp_path / "model" / "serving_input_example.json").read_text())["dataframe_split"]
    np.testing.assert_allclose(served.predict(pd.DataFrame(**asked)), model.predict_proba(frame), atol=1e-6)


def test_an_interrupted_run_goes_on_to_the_same_rows(finished: tuple[str, Path, Path, Path], tmp_path: Path) -> None:
    _, run, _, _ = finished
    again = shutil.copytree(run, tmp_path / run.name)
    for name in ("done.json", "report.json", "report.html", SYNTHETIC, ARRAYS):
        (again / name).unlink(missing_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Acceptance, "decide", kept_whatever_comes(Acceptance.decide))
        patch.setattr(Acceptance, "verdict", claimed_whatever_comes(Acceptance.verdict))
        call("run", "--resume", again, "--quiet")
    pd.testing.assert_frame_equal(pd.read_parquet(again / SYNTHETIC), pd.read_parquet(run / SYNTHETIC))
    assert (again / ARRAYS).exists() == (run / ARRAYS).exists()
    if (run / ARRAYS).exists():
        with np.load(again / ARRAYS) as ours, np.load(run / ARRAYS) as theirs:
            for name in theirs:
                np.testing.assert_array_equal(ours[name], theirs[name])
    arms = [json.loads((each / "report.json").read_text())["arms"] for each in (again, run)]
    assert [arm["average_precision"] for arm in arms[0]] == [arm["average_precision"] for arm in arms[1]]


def test_a_run_asks_a_language_model_says_what_it_cost_and_keeps_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, _ = text_files(tmp_path)
    monkeypatch.setenv("LLM_KEY", KEY)
    with ChatServer(proper) as server:
        asked = {"base_url": server.url, "key_variable": "LLM_KEY", "most_calls": 30}
        config = settings(
            tmp_path,
            data={"source": str(known), **MODALITIES["text"]["data"]},
            generator={"name": "llm", "settings": asked},
            **MODALITIES["text"]["config"],
        )
        printed = call("run", config)
        assert server.asked, "nobody was asked"
    assert "real texts were sent there" in " ".join(printed.split())
    (run,) = (tmp_path / "runs").iterdir()
    holders = [path for path in run.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]
    assert (holders, KEY in printed) == ([], False)


def test_searches_vary_what_rows_with_arrays_have(tmp_path: Path) -> None:
    known, _ = text_files(tmp_path)
    table = {"source": str(known), "target": "topic", "drop": ["note"]}
    text = {"source": str(known), **MODALITIES["text"]["data"]}
    of_table, of_text = (TuneConfig.model_validate({"sources": [each]}).dimensions for each in (table, text))
    assert set(of_table) - set(of_text) == {
        "generator.name",
        *(f"augmented_learner.settings.{name}" for name in ("trees", "depth", "rate")),
    }


def test_a_comparison_takes_texts(tmp_path: Path) -> None:
    known, _ = text_files(tmp_path)
    content = {
        "sources": [{"source": str(known), **MODALITIES["text"]["data"]}],
        "strategies": ["targeted", "untargeted"],
        "seeds": [0],
        "loop": {"generations": 1, "lanes": 2, "jobs": 1},
        "teacher": {"members": ["linear"]},
        "arms": {"plain": False, "tuning": False},
        "tracking": "none",
        "out": str(tmp_path / "out"),
    }
    path = tmp_path / "compare.yaml"
    path.write_text(yaml.safe_dump(content))
    told = json.loads(call("compare", path).splitlines()[-1])
    assert told["cells_worked"] == 2
    results = pd.read_csv(next(Path(told["folder"]).glob("results.csv")))
    assert {"real only", "loop: targeted", "loop: untargeted"} <= set(results["arm"])
