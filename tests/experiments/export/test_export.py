"""Which learner goes into which format, where it is written, and what is refused in one sentence."""

import sys
from pathlib import Path

import numpy as np
import pytest
from exported_models import delivered, mixed_frame
from served_pages import serving_lines
from typer.testing import CliRunner, Result

from experiments.cli.app import app
from experiments.export.export import export
from experiments.storage.run_folder import load_model, save_model
from learners import Blend, Committee, ExtraTrees, Linear, XGBoost
from loop.errors import ConfigError
from loop.protocols import Learner

SMALL = XGBoost(trees=5)


def call(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def run_of(folder: Path, learner: Learner) -> Path:
    """Make the folder of a run that delivered a learner."""
    save_model(delivered(learner, mixed_frame()), folder / "model")
    return folder


def test_the_command_writes_into_the_folder_of_the_run(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", SMALL)
    result = call("export", run, "--to", "xgboost-json")
    assert result.exit_code == 0, result.output
    folder = run / "export" / "xgboost-json"
    assert result.stdout == f"{folder}: encoding.json and model.json\n"
    frame = mixed_frame(seed=1)
    expected = load_model(run / "model").predict_proba(frame)
    np.testing.assert_allclose(serving_lines().served(frame, folder), expected, rtol=0, atol=1e-6)


def test_an_older_export_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    out = tmp_path / "out"
    model = delivered(SMALL, mixed_frame())
    export(model, "xgboost-json", out)
    (out / "old.txt").write_text("of the older one")
    export(model, "xgboost-json", out)
    assert {path.name for path in out.iterdir()} == {"model.json", "encoding.json"}
    (out / "encoding.json").unlink()
    with pytest.raises(ConfigError, match=r"older export, and .* is not: choose another"):
        export(model, "xgboost-json", out)
    assert (out / "model.json").is_file()
    with pytest.raises(ConfigError, match="choose another"):
        export(model, "xgboost-json", out / "model.json")


REFUSED = {
    "forest": (ExtraTrees(trees=3), "xgboost-json", "kind XGBoost, .* kind ExtraTrees: take --to onnx"),
    "committee": (
        Committee(members=(Linear(), ExtraTrees(trees=3)), jobs=1),
        "onnx",
        "kind XGBoost, Forest, ExtraTrees, .* kind Committee: serve it with weakspot predict or MLflow, or run with",
    ),
    "linear": (Linear(), "xgboost-json", "kind Linear: serve it with weakspot predict or MLflow"),
    "blend": (Blend((SMALL, Linear())), "xgboost-json", "kind Blend: serve it with weakspot predict or MLflow"),
    "format": (SMALL, "onyx", "--to must be one of xgboost-json, onnx, got 'onyx': did you mean onnx"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_exported_is_refused(name: str, tmp_path: Path) -> None:
    learner, to, words = REFUSED[name]
    with pytest.raises(ConfigError, match=words):
        export(delivered(learner, mixed_frame()), to, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_learner_that_answers_in_its_own_way_is_refused(tmp_path: Path) -> None:
    class Doubtful(XGBoost):
        """Answers half of what its trees say."""

    with pytest.raises(ConfigError, match="kind Doubtful"):
        export(delivered(Doubtful(trees=3), mixed_frame()), "xgboost-json", tmp_path / "out")


def test_a_missing_library_is_told_with_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    monkeypatch.delitem(sys.modules, "experiments.export.graph", raising=False)
    result = call("export", run_of(tmp_path / "run", SMALL), "--to", "onnx")
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert "pip install 'weakspot[export]'" in result.stderr
    assert not list((tmp_path / "run" / "export").iterdir())


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    result = call("export", tmp_path, "--to", "onnx")
    assert result.exit_code == 2
    assert "must hold model.json" in result.stderr


def test_other_columns_are_ignored_and_absent_ones_are_named(tmp_path: Path) -> None:
    export(delivered(SMALL, mixed_frame()), "xgboost-json", tmp_path / "out")
    frame = mixed_frame().drop(columns="kind")
    assert serving_lines().served(frame.assign(more=1), tmp_path / "out").shape == (400, 2)
    with pytest.raises(KeyError, match="card"):
        serving_lines().served(frame.drop(columns="card"), tmp_path / "out")
