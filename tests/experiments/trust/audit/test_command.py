"""The command ``audit``: files in, words and one line of JSON out, and refusals in one sentence."""

import json
from pathlib import Path

import pytest
from small_runs import frame
from typer.testing import CliRunner, Result

from experiments.cli.app import app
from experiments.trust.audit.output import FILES


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    frame(300).to_csv("real.csv", index=False)
    frame(300, seed=1).to_csv("controls.csv", index=False)
    frame(300).head(150).to_csv("copied.csv", index=False)
    return tmp_path


def asked(*words: str) -> Result:
    return CliRunner().invoke(app, ["audit", *words])


def test_two_files_end_with_what_can_be_known_as_json(folder: Path) -> None:
    result = asked("real.csv", "copied.csv", "--target", "fraud", "--json")
    assert result.exit_code == 0, result.output
    (line,) = result.stdout.splitlines()
    told = json.loads(line)
    assert list(told) == ["worst_auc", "tpr_at_1", "tpr_at_01", "epsilon_lower", "utility_auc", "detection_auc"]
    assert told["worst_auc"] is None
    assert 0.5 < told["utility_auc"] <= 1


def test_controls_find_the_copies_and_files_hold_the_same_figures(folder: Path) -> None:
    words = ("real.csv", "copied.csv", "--target", "fraud", "--controls", "controls.csv", "--by", "shop")
    result = asked(*words, "--out", "found")
    assert result.exit_code == 0, result.output
    assert "100.0 % of the synthetic rows equal a real one" in result.stdout
    assert "shop = fuel" in result.stdout
    assert sorted(path.name for path in (folder / "found").iterdir()) == sorted(FILES)
    told = json.loads((folder / "found" / "audit.json").read_text())
    assert told["headline"] == json.loads(result.stdout.splitlines()[-1])
    assert told["headline"]["worst_auc"] > 0.6
    assert "shop = fuel" in (folder / "found" / "audit.html").read_text()


def test_a_generator_is_fitted_on_one_half(folder: Path) -> None:
    result = asked("real.csv", "--target", "fraud", "--generator", "resample")
    assert result.exit_code == 0, result.output
    assert "fitted on 150 of the 300 real rows" in result.stdout


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("real.csv", "--target", "fraud"), "synthetic rows must be a file or come from --generator NAME"),
        (("real.csv", "copied.csv"), "add --target COLUMN"),
        (("real.csv", "copied.csv", "--target", "fraud", "--by", "amount"), "choose age, shop, abroad"),
        (("real.csv", "copied.csv", "--target", "fraud", "--generator", "none"), "none"),
        (("real.csv", "gone.csv", "--target", "fraud"), "gone.csv does not exist"),
        ((".",), "needs the folder of a run"),
        ((".", "--target", "fraud"), "a run has all that its audit needs"),
        (("real.csv", "copied.csv", "--target", "fraud", "--out", "."), "must be new, empty or of an earlier audit"),
    ],
)
def test_refusals_are_one_sentence(words: tuple[str, ...], sentence: str, folder: Path) -> None:
    result = asked(*words)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert result.stderr.count("\n") == 1
    assert len(result.stderr) < 400
