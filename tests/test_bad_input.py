"""Whatever a user gets wrong: exit code 2, one sentence on stderr, no traceback, nothing half-written."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from commands import refused, refused_run
from small_runs import content, frame, write, write_config

from experiments.config.strategies import STRATEGIES, Strategy
from generators import GENERATORS
from loop.data.schema import infer
from loop.errors import ConditionError, DataError
from loop.types import Request, Samples, Table

N = 240
Change = Callable[[pd.DataFrame], pd.DataFrame]


def with_rare_class(table: pd.DataFrame) -> pd.DataFrame:
    table.loc[[0, 1], "fraud"] = "maybe"
    return table


TABLES: dict[str, tuple[Change, str]] = {
    "target with missing values": (lambda t: t.assign(fraud=t["fraud"].where(t.index > 0)), "missing"),
    "target of one class": (lambda t: t.assign(fraud="yes"), "two classes"),
    "target of numbers": (lambda t: t.assign(fraud=np.arange(N) / 7), "at most half as many classes"),
    "class with fewer rows than lanes": (with_rare_class, "'maybe'"),
    "all values missing": (lambda t: t[["fraud"]].assign(none=np.nan), "all values are missing"),
    "target that is not there": (lambda t: t.rename(columns={"fraud": "froud"}), "did you mean froud"),
    "infinity": (lambda t: t.assign(amount=t["amount"].where(t.index != 3, np.inf)), "finite"),
    "no feature left": (lambda t: t[["fraud"]].assign(same=1, none=np.nan), "usable feature"),
    "nothing but an identifier": (lambda t: t[["fraud"]].assign(id=np.arange(N)), "usable feature"),
    "no rows": (lambda t: t.iloc[:0], "hold rows"),
}


@pytest.mark.parametrize("case", TABLES)
def test_tables(tmp_path: Path, case: str) -> None:
    change, words = TABLES[case]
    settings = content(write(tmp_path, change(frame(N))), tmp_path / "out")
    assert words in refused_run(tmp_path, settings)


def test_mixed_types() -> None:
    """No file that is read has them, as in a CSV a column with words among numbers is text; frames may."""
    table = frame(N).assign(shop=pd.Series([1, "two"] * (N // 2), dtype=object))
    with pytest.raises(DataError, match="one type, got int, str"):
        infer(table, "fraud")


@pytest.mark.parametrize("header", ["a,a,fraud", "a,,fraud", "a, ,fraud"])
def test_headers(tmp_path: Path, header: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text("\n".join([header, *(f"{i},{i % 7},{i % 2}" for i in range(40))]))
    assert "name of its own" in refused_run(tmp_path, content(path, tmp_path / "out"))


@pytest.mark.parametrize("name", ["table.csv", "table.parquet", "table.txt"])
def test_files_that_cannot_be_read(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x00\xff\xfe\x00" * 50)
    assert name in refused_run(tmp_path, content(tmp_path / name, tmp_path / "out"))


@pytest.mark.parametrize("source", ["no/such.csv", "ftp://host/table.csv", "suite:nothing", "sklearn:moons", "."])
def test_sources_that_do_not_exist(tmp_path: Path, source: str) -> None:
    settings = content(write(tmp_path, frame()), tmp_path / "out")
    assert refused_run(tmp_path, settings, "--data", source)


def test_a_file_without_a_target(tmp_path: Path) -> None:
    sentence = refused("run", "--data", write(tmp_path, frame()), "--out", tmp_path / "out")
    assert "target" in sentence
    assert "amount" in sentence


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (["2024-01-01"] * 100 + ["yesterday"] * 140, "ISO 8601"),
        (["2024-01-01"] * 100 + [None] * 140, "140 without"),
        (["2024-01-01"] * 240, "at least two times"),
    ],
)
def test_times(tmp_path: Path, values: list[object], words: str) -> None:
    settings = content(write(tmp_path, frame(N).assign(day=values)), tmp_path / "out")
    assert words in refused_run(tmp_path, settings, "--time", "day")


def test_roles_are_different_columns(tmp_path: Path) -> None:
    settings = content(write(tmp_path, frame(N)), tmp_path / "out")
    assert "different columns" in refused_run(tmp_path, settings, "--time", "shop", "--group", "shop")


def test_a_group_on_both_sides_of_every_time(tmp_path: Path) -> None:
    table = frame(N).assign(day=np.arange(N), card=np.arange(N) % 5)
    settings = content(write(tmp_path, table), tmp_path / "out")
    assert "split by groups or by time alone" in refused_run(tmp_path, settings, "--time", "day", "--group", "card")


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--positive", "perhaps", "'perhaps'"),
        ("--strategy", "magic", "targeted"),
        ("--learner", "oracle", "xgboost"),
        ("--generations", 0, "loop.generations must be at least 1, got 0: raise it"),
        ("--seed", -1, "greater than or equal to 0"),
        ("--tracking", "no/such.yaml", "no/such.yaml"),
        ("--group", "card", "'card'"),
    ],
)
def test_options(tmp_path: Path, option: str, value: object, words: str) -> None:
    settings = content(write(tmp_path, frame(N)), tmp_path / "out")
    assert words in refused_run(tmp_path, settings, option, value)


def test_unknown_keys_list_the_allowed_ones(tmp_path: Path) -> None:
    settings = content(write(tmp_path, frame(N)), tmp_path / "out", generatons=3)
    sentence = refused_run(tmp_path, settings)
    assert "'generatons'" in sentence
    assert "generations, budget" in sentence


def test_tracking_settings(tmp_path: Path) -> None:
    (tmp_path / "mlflow.yaml").write_text("tracking_url: sqlite:///x.db\n")
    settings = content(write(tmp_path, frame(N)), tmp_path / "out") | {"tracking": str(tmp_path / "mlflow.yaml")}
    assert "tracking_url" in refused_run(tmp_path, settings)


class Stubborn:
    """A generator that cannot condition on anything."""

    def fit(self, table: Table, rng: np.random.Generator) -> "Stubborn":
        return self

    def sample(self, request: Request, rng: np.random.Generator) -> Samples:
        raise ConditionError("rows must be asked for anywhere, got a region: use neighbourhood.")


def test_a_generator_that_cannot_condition_as_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(GENERATORS.homes, "stubborn", f"{__name__}:Stubborn")
    monkeypatch.setitem(STRATEGIES, "stubborn", Strategy(generator="stubborn"))  # type: ignore[call-overload]
    settings = content(write(tmp_path, frame(N)), tmp_path / "out", strategy="stubborn")
    assert "got a region" in refused_run(tmp_path, settings)


def test_a_full_disk(tmp_path: Path) -> None:
    """A limit on the size of files stands for the disk: writing fails with the same kind of error."""
    config = write_config(tmp_path, content(write(tmp_path, frame(N)), tmp_path / "out"))
    code = (
        "import resource, signal, sys; from experiments.cli.app import app; import experiments.run.run\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))\n"
        "app(['run', sys.argv[1]])"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(config)], capture_output=True, text=True)
    assert ended.returncode == 2, ended.stderr
    assert ended.stderr.count("\n") == 1, ended.stderr
    assert "make room" in ended.stderr
    assert not list(tmp_path.glob("out/*/done.json"))


class TestOtherCommands:
    def test_a_folder_that_is_no_run(self, tmp_path: Path) -> None:
        rows = write(tmp_path, frame(20))
        for words in (["report", tmp_path], ["predict", tmp_path, "--data", rows], ["upload", tmp_path]):
            assert str(tmp_path) in refused(*words)
        assert "data.json" in refused("run", "--resume", tmp_path / "nowhere")

    def test_resume_takes_no_other_option(self, tmp_path: Path) -> None:
        assert "loop.seed" in refused("run", "--resume", tmp_path, "--seed", 3)

    def test_predictions_go_to_csv_or_parquet(self, tmp_path: Path) -> None:
        assert ".parquet" in refused("predict", tmp_path, "--data", tmp_path, "--out", "scores.xlsx")

    def test_a_comparison_without_sources(self, tmp_path: Path) -> None:
        assert "sources" in refused("compare", write_config(tmp_path, {"seeds": [0]}))

    def test_a_comparison_with_a_negative_seed(self, tmp_path: Path) -> None:
        settings = content(write(tmp_path, frame(N)), tmp_path / "out")
        settings |= {"sources": [settings.pop("data")], "seeds": [-1]}
        assert "greater than or equal to 0" in refused("compare", write_config(tmp_path, settings))

    @pytest.mark.parametrize("command", ["run", "compare"])
    def test_infinity_where_a_number_is_meant(self, tmp_path: Path, command: str) -> None:
        settings = content(write(tmp_path, frame(N)), tmp_path / "out", budget=float("inf"))
        if command == "compare":
            settings |= {"sources": [settings.pop("data")]}
        assert "loop.budget must be a finite number, got inf" in refused(command, write_config(tmp_path, settings))

    def test_a_class_that_is_infinite(self, tmp_path: Path) -> None:
        settings = content(write(tmp_path, frame(N)), tmp_path / "out")
        settings["data"] = {**settings["data"], "positive": float("inf")}  # type: ignore[dict-item]
        assert "inf" in refused_run(tmp_path, settings)
