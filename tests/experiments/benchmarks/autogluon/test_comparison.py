"""AutoGluon beside the models of the suite, with a stand-in for AutoGluon."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from autogluon_peer import TABLE, Peer, expected

from experiments.arms.names import BEST_PLAIN, DELIVERED, REAL_ONLY
from experiments.benchmarks.autogluon import comparison
from experiments.benchmarks.autogluon.cells import AUTOGLUON
from experiments.benchmarks.rare_suite import protocol
from experiments.compare import compare
from experiments.storage.result_cache import Records
from loop.errors import ConfigError, DataError

ROOT = Path(__file__).parents[4]


def last_line(capsys: pytest.CaptureFixture[str]) -> tuple[dict[str, object], str]:
    text = capsys.readouterr().out
    return json.loads(text.splitlines()[-1]), text


def test_answers_of_the_other_environment_are_scored_on_our_test_rows(
    peer: Peer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    peer.run(tmp_path / "out", splits=2, seconds=7, preset="good", cpus=1)
    told, text = last_line(capsys)
    assert told["autogluon"] == pytest.approx((expected(0) + expected(1)) / 2, abs=1e-4)
    assert (told["seconds"], told["preset"], told["splits"], told["tables"]) == (7, "good", 2, 1)
    assert told["autogluon_minus_delivered"] is None
    assert "AutoGluon 9.9" in text
    assert "stands alone" in text
    asked = peer.told()[0]
    assert (asked["presets"], asked["time_limit"], asked["limits"]) == ("good", 7, {"num_cpus": 1})
    assert (asked["eval_metric"], asked["label"]) == ("average_precision", "target")


def test_a_run_that_was_interrupted_goes_on(peer: Peer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    peer.break_at(fit=2)
    with pytest.raises(DataError, match=r"'fit'.*MemoryError: no memory left.*to go on"):
        peer.run(tmp_path, splits=2)
    peer.repair()
    peer.run(tmp_path, splits=2)
    assert len(peer.steps("fit")) == 3  # two, of which the second failed, then the second alone
    told, _ = last_line(capsys)
    peer.run(tmp_path, splits=2)
    assert len(peer.steps("fit")) == 3
    assert last_line(capsys)[0] == told
    peer.run(tmp_path, splits=1, seconds=9)
    assert len(peer.steps("fit")) == 4, "another limit is another cell"


def test_a_run_that_is_interrupted_ends_the_other_process_and_leaves_no_folder(peer: Peer, tmp_path: Path) -> None:
    (peer.seen / "wait.txt").touch()
    # A runner in the background ignores Ctrl-C, and its children would, too.
    code = "import signal as s; s.signal(s.SIGINT, s.default_int_handler); import runpy; "
    code += "runpy.run_module('experiments.benchmarks.autogluon', run_name='__main__')"
    options = ["--python", str(peer.python), "--tables", TABLE, "--splits", "1", "--out", str(tmp_path)]
    process = subprocess.Popen([sys.executable, "-c", code, *options], cwd=ROOT, stderr=subprocess.PIPE, text=True)
    while not (peer.seen / "waiting.txt").is_file():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert (process.communicate(timeout=50)[1], process.returncode) == ("Interrupted.\n", 130)
    assert (peer.seen / "ended.txt").is_file()
    assert not any(Path(str(told["folder"])).exists() for told in peer.told())


def suite_cell(arms: dict[str, float], seconds: str | float = 2.0) -> Records:
    return [
        {"arm": arm, "average_precision": ap, "seconds_fit": 1.0, "seconds_per_million": seconds, "note": ""}
        for arm, ap in arms.items()
    ]


def finish(monkeypatch: pytest.MonkeyPatch, out: Path, splits: int) -> None:
    """Finish splits of the suite under a folder, without running them."""
    kept = suite_cell({REAL_ONLY: 0.1, BEST_PLAIN: 0.2, DELIVERED: 0.3})
    monkeypatch.setattr(compare, "cell", lambda run: kept)
    config = protocol(splits, TABLE, out)
    runs = [config.run_of(source, config.strategies[0], seed) for source in config.sources for seed in config.seeds]
    assert len(list(compare.cells_of(runs, out, jobs=1))) == splits


def test_models_of_the_suite_stand_beside_it(
    peer: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    finish(monkeypatch, tmp_path, 2)
    peer.run(tmp_path, splits=2)
    told, text = last_line(capsys)
    mean = (expected(0) + expected(1)) / 2
    for word, ap in (("xgboost", 0.1), ("best_plain", 0.2), ("delivered", 0.3)):
        assert told[f"autogluon_minus_{word}"] == pytest.approx(mean - ap, abs=1e-4)
    assert "on all 2 splits" in text
    lines = [line for line in text.splitlines() if "│" in line]
    assert [line.split("│")[3].strip() for line in lines] == ["AutoGluon, 2 models", DELIVERED, BEST_PLAIN, "XGBoost"]
    assert [line.split("│")[4].strip() for line in lines] == [f"{mean:.4f}", "0.3000", "0.2000", "0.1000"]


def test_only_splits_of_both_are_compared(
    peer: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    finish(monkeypatch, tmp_path, 1)
    peer.run(tmp_path, splits=2)
    told, text = last_line(capsys)
    assert told["autogluon_minus_delivered"] == pytest.approx(expected(0) - 0.3, abs=1e-4)
    assert (told["compared"], told["splits"]) == (1, 2)
    assert told["autogluon_minus_delivered_interval"] is None
    assert "1 of 2 splits" in text
    (line,) = (line for line in text.splitlines() if f"│ {TABLE}" in line)
    assert [each.strip() for each in line.split("│")[2:5]] == ["1", "AutoGluon, 2 models", f"{expected(0):.4f}"]


def test_the_last_line_holds_mean_differences_over_tables() -> None:
    rows = [
        {"source": f"t{table}", "seed": seed, "arm": arm, "average_precision": ap + 0.01 * table * (arm == AUTOGLUON)}
        | {"models": ["one"] if arm == AUTOGLUON else np.nan}
        for table in range(3)
        for seed in range(3 - table)
        for arm, ap in ((AUTOGLUON, 0.5), (DELIVERED, 0.55), (BEST_PLAIN, 0.5), (REAL_ONLY, 0.4))
    ]
    told = comparison.headline(pd.DataFrame(rows))
    differences = [told[f"autogluon_minus_{word}"] for word in ("delivered", "best_plain", "xgboost")]
    assert differences == [-0.04, 0.01, 0.11]
    assert (told["tables"], told["splits"], told["compared"]) == (3, 3, 6)
    low, high = told["autogluon_minus_delivered_interval"]  # type: ignore[misc]
    assert low < -0.04 < high


def test_a_refusal_is_one_sentence_and_exit_code_2(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "experiments.benchmarks.autogluon", "--python", str(tmp_path / "none")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("--python must be an interpreter")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("tables", ["yeast", ""])
def test_tables_must_be_of_the_suite(tables: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--tables must be among mammography"):
        comparison.main(Path(sys.executable), tables=tables, out=tmp_path)
