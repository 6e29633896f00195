"""A comparison: equal splits, paired differences, every cell worked once, and claims only where they are proven."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from small_runs import content, frame, write, write_config

from experiments.arms.names import TARGETED
from experiments.compare.cells import identity_of
from experiments.compare.claims import compare_with_all
from experiments.compare.compare import alone, cell, compare
from experiments.compare.leaderboard import LiveBoard, closing_table, long_form, summarise
from experiments.compare.sources import check_sources, source_names
from experiments.config.data_config import DataConfig
from experiments.config.reader import load_config
from experiments.config.run_config import CompareConfig, RunConfig
from experiments.data.sources import place_of
from experiments.storage import run_folder
from experiments.storage.result_cache import found_or_worked
from experiments.tune.config import TuneConfig
from loop.errors import ConfigError, DataError, WeakspotError
from loop.tracking import read_records

COSTS = {"seconds_fit": 1.0, "seconds_per_million": 1.0, "megabytes": 0.1, "note": "", "cheap": True}
OTHERS = {"recall_at_fpr_01": 0.5, "recall_at_precision_90": 0.5, "brier": 0.1}


def quiet_console() -> Console:
    return Console(file=StringIO(), width=150)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> CompareConfig:
    place = tmp_path_factory.mktemp("compare")
    settings = content(write(place, frame()), place / "out", generations=1)
    source = settings.pop("data")
    settings |= {"sources": [source], "strategies": ["untargeted", "classical"], "seeds": [0, 1]}
    return load_config(CompareConfig, write_config(place, settings))


@pytest.fixture(scope="module")
def results(config: CompareConfig) -> pd.DataFrame:
    return compare(config, quiet_console())


def test_every_arm_meets_every_seed_once(results: pd.DataFrame) -> None:
    counts = results.groupby("arm")["seed"].agg(["nunique", "size"])
    assert (counts == 2).all(axis=None)
    assert {"real only", "SMOTE", "loop: untargeted", "loop: classical"} <= set(counts.index)


def test_finished_cells_are_found_again(results: pd.DataFrame, config: CompareConfig) -> None:
    before = {path: path.stat().st_mtime_ns for path in (config.out / "cells").iterdir()}
    pd.testing.assert_frame_equal(compare(config, quiet_console()), results)
    assert before == {path: path.stat().st_mtime_ns for path in (config.out / "cells").iterdir()}
    assert len(before) == 4


def test_a_changed_file_is_another_cell(config: CompareConfig, tmp_path: Path) -> None:
    source = config.sources[0].model_copy(update={"source": str(write(tmp_path, frame(300)))})
    one = {"sources": (source,), "seeds": (0,), "strategies": ("untargeted",), "out": tmp_path}
    changed = compare(config.model_copy(update=one), quiet_console())
    write(tmp_path, frame(310))
    again = compare(config.model_copy(update=one), quiet_console())
    ap = [each.query("seed == 0 and arm == 'real only'")["average_precision"].item() for each in (changed, again)]
    assert ap[0] != ap[1]
    assert len(list((tmp_path / "cells").iterdir())) == 2


def test_a_changed_table_of_the_suite_is_another_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEAKSPOT_DATA", str(tmp_path))
    settings = content(tmp_path / "unused.csv", tmp_path / "out", generations=1)
    settings |= {"data": {"source": "suite:mine", "target": "target"}}
    table = frame().rename(columns={"fraud": "target"})
    run = []
    for rows in (200, 240):
        table.head(rows).to_parquet(tmp_path / "mine.parquet")
        run.append(identity_of(RunConfig.model_validate(settings)))
    assert run[0] != run[1]


def test_a_changed_rule_book_is_another_cell_and_another_study(tmp_path: Path) -> None:
    book, found = tmp_path / "book.yaml", []
    settings = content(write(tmp_path, frame()), tmp_path / "out", generations=1)
    settings["generator"] = {"name": "rules", "settings": {"book": str(book)}}
    search = {key: value for key, value in settings.items() if key not in ("data", "arms")}
    search["space"] = {"loop.budget": {"low": 0.1, "high": 1.0}}
    for mean in (50, 60):
        book.write_text(f"columns: {{amount: {{from: exponential, mean: {mean}}}}}")
        study = TuneConfig.model_validate(search | {"sources": [settings["data"]]})
        found.append((identity_of(RunConfig.model_validate(settings)), study.identity()))
    assert found[0][0] != found[1][0]
    assert found[0][1] != found[1][1]


def test_every_source_is_looked_at_before_any_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = content(write(tmp_path, frame()), tmp_path / "out")
    good = settings.pop("data")
    settings |= {"sources": [good, good | {"target": "nobody"}], "seeds": [0]}
    monkeypatch.setattr("experiments.compare.compare.cell", lambda run: pytest.fail("work has begun"))
    with pytest.raises(DataError, match="nobody"):
        compare(CompareConfig.model_validate(settings), quiet_console())
    assert not (tmp_path / "out").exists()


def folder_of(config: CompareConfig) -> Path:
    return next(config.out.glob("compare-*"))


def children(config: CompareConfig) -> list[dict[str, Any]]:
    return [record for record in read_records(folder_of(config) / "journal") if record["kind"] == "child"]


def test_the_folder_holds_tables_verdicts_and_pictures(results: pd.DataFrame, config: CompareConfig) -> None:
    folder = folder_of(config)
    board = pd.read_csv(folder / "leaderboard.csv", index_col="arm")
    assert set(board.index) == set(results["arm"])
    verdicts = json.loads((folder / "verdicts.json").read_text())
    assert {each["against"] for each in verdicts["comparisons"]} == set(board.index) - {"loop: untargeted"}
    assert verdicts["overall"]["test"] is None  # one source
    attached = {path.name for path in (folder / "journal" / "files").iterdir()}
    assert attached == {"results.csv", "leaderboard.csv", "verdicts.json", "pareto.png"}


def test_each_arm_is_one_child_run_and_loops_have_a_curve(results: pd.DataFrame, config: CompareConfig) -> None:
    kept = children(config)
    assert len(kept) == len(results)
    compare(config, quiet_console())
    assert children(config) == kept  # found again, kept once
    for child in kept:
        tags = child["tags"]
        assert {"source", "dataset", "arm", "seed", "learner"} <= set(tags)
        assert ("strategy" in tags) == tags["arm"].startswith("loop: ") == bool(child["curves"])
        assert all(list(curve) == ["judge_average_precision"] for curve in [child["curves"]] if curve)
        assert {len(values) for values in child["curves"].values()} <= {2}  # real rows alone, one generation


def test_cells_without_generations_and_broken_ones_do_no_harm(
    results: pd.DataFrame, config: CompareConfig, tmp_path: Path
) -> None:
    again = config.model_copy(update={"out": tmp_path})
    (tmp_path / "cells").mkdir()
    for number, path in enumerate(sorted((config.out / "cells").iterdir())):
        old = [{key: row[key] for key in row if key != "generations"} for row in json.loads(path.read_text())]
        (tmp_path / "cells" / path.name).write_text(json.dumps(old) if number else "[{")
    scores = ["arm", "source", "seed", "average_precision"]
    pd.testing.assert_frame_equal(compare(again, quiet_console())[scores], results[scores])
    assert 0 < sum(bool(child["curves"]) for child in children(again)) < 4


def test_the_closing_line_counts_what_was_worked(
    results: pd.DataFrame, config: CompareConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    console = quiet_console()
    compare(config, console)
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (last["cells_worked"], last["bookkeeping_share"], last["delta_ap real only"]) == (0, None, 0)
    assert Path(last["folder"]) == folder_of(config)
    assert last["proven_better"] + last["proven_worse"] <= last["compared"]
    assert "loop: untargeted" in console.file.getvalue()  # type: ignore[attr-defined]


def test_seeds_of_a_split_by_time_are_no_test(tmp_path: Path) -> None:
    table = frame().assign(day=range(240))
    settings = content(write(tmp_path, table), tmp_path / "out", generations=1) | {"arms": {"run": False}}
    source = settings.pop("data") | {"time": "day"}  # type: ignore[operator]
    settings |= {"sources": [source], "strategies": ["untargeted"], "seeds": [0, 1, 2]}
    config = load_config(CompareConfig, write_config(tmp_path, settings))
    compare(config, quiet_console())
    verdicts = json.loads((folder_of(config) / "verdicts.json").read_text())
    assert [each["test"] for each in verdicts["comparisons"]] == [None, None]  # real only, the teacher


def test_sources_that_differ_in_settings_only_are_told_apart(config: CompareConfig) -> None:
    source = config.sources[0]
    both = (source, source.model_copy(update={"test_size": 0.5}, deep=True))
    twice = CompareConfig.model_validate(
        {**config.model_dump(), "sources": [each.model_dump(exclude_unset=True) for each in both]}
        | {"strategies": ["untargeted"], "seeds": [0], "loop": {"generations": 1, "lanes": 2, "jobs": 1}}
        | {"arms": {"run": False}}
    )
    made = compare(twice, quiet_console())
    assert made["source"].nunique() == 2
    assert made["source"].str.contains("test_size=0.5").sum() == 3  # real only, the teacher, the loop


def test_a_second_comparison_in_the_same_folder_is_refused_while_the_first_works(
    config: CompareConfig, tmp_path: Path
) -> None:
    config = config.model_copy(update={"out": tmp_path, "seeds": (0,), "strategies": ("untargeted",)})
    compare(config, quiet_console())
    with run_folder.held(folder_of(config)), pytest.raises(ConfigError, match="another one does: wait for it"):
        compare(config, quiet_console())
    compare(config, quiet_console())  # free again


def test_a_file_is_one_table_however_it_is_reached_and_another_one_for_another_target(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, frame())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WEAKSPOT_DATA", str(tmp_path))
    frame().rename(columns={"fraud": "target"}).to_parquet(tmp_path / "mine.parquet")
    same = [
        (str(path), f"./{path.name}"),
        ("suite:mine", str(tmp_path / "mine.parquet")),
        ("simulation", "simulation:seed=0,customers=500", "simulation:customers=500,seed=0"),
        ("sklearn:wine",),
    ]
    named = [{place_of(source) for source in sources} for sources in same]
    assert [len(each) for each in named] == [1, 1, 1, 1]
    assert len(set.union(*named)) == 4
    assert place_of("simulation:seed=1") not in named[2]


def test_a_table_whose_target_is_named_is_the_table_whose_target_is_known(tmp_path: Path) -> None:
    settings = content(tmp_path / "unused.csv", tmp_path / "out", generations=1)
    settings["arms"] = {"run": False}
    tables = set()
    for target in (None, "target"):
        run = RunConfig.model_validate(settings | {"data": {"source": "sklearn:wine", "target": target}})
        tables |= {row["table"] for row in cell(run)}
    assert tables == {"sklearn:wine, target"}


def test_sources_that_differ_in_a_type_only_have_two_names() -> None:
    sources = [DataConfig(source="sklearn:breast_cancer", positive=value) for value in (1, "1")]
    assert len(set(source_names(sources))) == 2


def test_every_strategy_is_checked_before_any_cell_is_worked(config: CompareConfig) -> None:
    content = config.model_dump(exclude_unset=True) | {"strategies": ["targeted", "guided", "doubt"]}
    several = CompareConfig.model_validate(content | {"generator": {"name": "neighbourhood"}})
    runs = [several.run_of(several.sources[0], strategy, 0) for strategy in several.strategies]
    with pytest.raises(ConfigError, match="steer needs a generator"):
        check_sources(runs)


def test_differences_are_paired() -> None:
    results = pd.DataFrame(
        [
            {"source": "a", "table": "a", "seed": seed, "arm": arm, "average_precision": ap, **COSTS}
            for seed, real, loop in ((0, 0.1, 0.2), (1, 0.9, 1.0), (2, 0.5, 0.4))
            for arm, ap in (("real only", real), ("loop: x", loop))
        ]
    )
    row = summarise(results).loc["loop: x"]
    assert row["difference"] == pytest.approx(0.1 / 3)
    assert row["difference_low"] < 0.1 / 3 < row["difference_high"]
    assert (row["wins"], row["losses"], row["source_wins"], row["source_losses"]) == (2, 1, 1, 0)


def test_an_arm_that_never_met_real_rows_alone_has_no_difference() -> None:
    rows = [("a", "real only", 0.5), ("a", "loop: x", 0.6), ("b", "real only", 0.5), ("b", "loop: x", 0.5)]
    results = pd.DataFrame(
        {"source": source, "table": source, "seed": 0, "arm": arm, "average_precision": ap, **COSTS, **OTHERS}
        for source, arm, ap in rows
    )
    stray = results.iloc[[0]].assign(seed=1, arm="SMOTE")
    both = pd.concat([results, stray])
    summary = summarise(both)
    assert summary["difference"].isna().to_dict() == {"real only": False, "loop: x": False, "SMOTE": True}
    assert closing_table(summary, both).row_count == 3
    assert summary["average_precision"].isna().to_dict() == {"real only": True, "loop: x": True, "SMOTE": True}


def test_an_arm_that_is_missing_on_a_split_has_no_mean_beside_the_others() -> None:
    rows = [("a", "real only", 0.2), ("a", "SMOTE", 0.3), ("b", "real only", 0.8)]
    results = pd.DataFrame(
        {"source": source, "table": source, "seed": 0, "arm": arm, "average_precision": ap, **COSTS, **OTHERS}
        for source, arm, ap in rows
    )
    summary = summarise(results)
    assert summary.loc["real only", "average_precision"] == 0.5
    assert np.isnan(summary.loc["SMOTE", "average_precision"])  # 0.3 beside 0.5 would look worse, and it is better
    assert summary.loc["SMOTE", "difference"] == pytest.approx(0.1)
    assert summary["splits"].to_dict() == {"real only": 2, "SMOTE": 1}


def test_one_table_listed_many_times_is_one_source() -> None:
    """As six sources, the same rows would prove by signed ranks what they cannot."""
    results = pd.DataFrame(
        {"source": f"a ({n})", "table": "a", "seed": seed, "arm": arm, "average_precision": ap + 0.01 * n}
        for n in range(6)
        for seed in (0, 1)
        for arm, ap in (("real only", 0.5), ("loop: x", 0.6 + 0.01 * seed))
    )
    scores = long_form(results)
    assert scores["source"].unique().tolist() == ["a"]
    assert len(scores) == 4
    (found,) = compare_with_all(scores, "loop: x")
    assert found.test == "corrected t"
    assert found.difference.estimate == pytest.approx(0.105)
    summary = summarise(results.assign(**COSTS, **OTHERS))
    assert summary.loc["loop: x", "average_precision"] == pytest.approx(0.63)
    assert summary["splits"].to_dict() == {"real only": 2, "loop: x": 2}
    without = results[(results["source"] != "a (3)") | (results["arm"] != "loop: x")]
    assert summarise(without.assign(**COSTS, **OTHERS)).loc["loop: x"].isna().sum() > 2  # on no split in all settings
    stray = results[(results["source"] != "a (3)") | (results["arm"] != "loop: x") | (results["seed"] != 1)]
    assert long_form(stray).groupby("arm").size().to_dict() == {"loop: x": 1, "real only": 2}


def test_the_live_table_shows_means_of_what_is_done() -> None:
    board = LiveBoard(Console(file=StringIO(), force_terminal=True, width=150), cells=2, splits=2)
    rows = [("real only", 0, 0.4), ("loop: x", 0, 0.5), ("real only", 1, 0.6)]
    with board:
        board.add([{"source": "a", "seed": seed, "arm": arm, "average_precision": ap} for arm, seed, ap in rows], "a")
        board.add([{"source": "a", "seed": 1, "arm": "SMOTE", "average_precision": float("nan")}], "b")
    found = {arm: (score, difference, done) for arm, score, difference, done in board.standings()}
    assert list(found) == ["loop: x", "real only", "SMOTE"]  # best first
    assert found["real only"] == pytest.approx((0.5, 0, 2))
    assert found["loop: x"] == pytest.approx((0.5, 0.1, 1))


# Cells


def test_cells_side_by_side_have_one_thread_each(
    config: CompareConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(key: int) -> list[dict[str, Any]]:
        return [{"key": key, "threads": os.environ["OMP_NUM_THREADS"], "process": os.getpid()}]

    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    made = list(found_or_worked(range(3), work, lambda key: tmp_path / f"{key}.json", jobs=2))
    assert [rows[0]["key"] for rows in made] == [0, 1, 2]
    assert {rows[0]["threads"] for rows in made} == {"1"}
    assert os.getpid() not in {rows[0]["process"] for rows in made}
    run = config.run_of(config.sources[0], "targeted", 0)
    assert alone(run.model_copy(update={"loop": run.loop.model_copy(update={"jobs": 2})})).loop.jobs == 1


def test_a_killed_worker_ends_in_a_sentence_and_loses_no_finished_cell(tmp_path: Path) -> None:
    def work(key: int) -> list[dict[str, Any]]:
        if key == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return [{"key": key}]

    with pytest.raises(WeakspotError, match="one was killed, perhaps for lack of memory: start fewer with --jobs"):
        list(found_or_worked(range(2), work, lambda key: tmp_path / f"{key}.json", jobs=2))


@pytest.mark.parametrize("damaged", ["[]", "[1]", "[{}]", "null", "{"])
def test_a_cell_file_that_holds_no_rows_is_worked_again(damaged: str, tmp_path: Path) -> None:
    (tmp_path / "0.json").write_text(damaged)
    (rows,) = found_or_worked([0], lambda key: [{"key": key}], lambda key: tmp_path / f"{key}.json", jobs=1)
    assert rows == [{"key": 0}] == json.loads((tmp_path / "0.json").read_text())


KILLED = """
import os, signal, sys
from pathlib import Path
from experiments.storage.result_cache import found_or_worked

def work(key):
    with (folder / "worked").open("a") as log:
        log.write(f"{key}\\n")
    if key == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    return [{"key": key}]

folder = Path(sys.argv[1])
print([rows[0]["key"] for rows in found_or_worked(range(4), work, lambda key: folder / f"{key}.json", jobs=1)])
"""


def test_a_kill_loses_no_finished_cell(tmp_path: Path) -> None:
    def start(killed_at: int) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", KILLED, str(tmp_path), str(killed_at)]
        return subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[3], check=False)

    assert start(killed_at=2).returncode == -signal.SIGKILL
    assert start(killed_at=-1).stdout == "[0, 1, 2, 3]\n"
    assert Counter((tmp_path / "worked").read_text().split()) == {"0": 1, "1": 1, "2": 2, "3": 1}


def test_a_cell_tells_what_was_promised_and_delivered_over_the_best_plain_model(tmp_path: Path) -> None:
    settings = content(write(tmp_path, frame()), tmp_path / "out", generations=1)
    arms = {"tuning": False, "plain": True, "plain_seconds": 1e-9}  # the learner and one kind
    config = load_config(RunConfig, None, settings | {"arms": arms})
    rows = {row["arm"]: row for row in cell(config)}
    best, delivered = rows["best plain"], rows["delivered"]
    difference = delivered["average_precision"] - best["average_precision"]
    assert delivered["gain_low"] <= difference <= delivered["gain_high"]
    by_name = rows | {TARGETED: rows["loop: targeted"]}
    assert delivered["average_precision"] == by_name[delivered["note"]]["average_precision"]
    assert best["average_precision"] == rows[best["note"]]["average_precision"]
    assert np.isfinite(delivered["promised"])


def test_a_plain_model_is_asked_for_only_where_arms_are_fitted(tmp_path: Path) -> None:
    settings = content(write(tmp_path, frame()), tmp_path / "out", generations=1)
    settings |= {"sources": [settings.pop("data")], "seeds": [0], "deliver": "XGBoost, shallow"}
    settings["arms"] = {"tuning": False, "untargeted": False, "plain_seconds": 60}
    config = load_config(CompareConfig, None, settings)
    other = config.run_of(config.sources[0], config.strategies[1], 0)
    assert "loop: untargeted" in {row["arm"] for row in cell(other)}
