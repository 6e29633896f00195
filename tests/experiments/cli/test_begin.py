"""A first configuration for a file: it says what is known of the columns, and runs as it is."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from commands import refused
from json_schemas import faults
from small_runs import frame, write
from typer.testing import CliRunner

from experiments.cli.app import app
from experiments.config.reader import load_config
from experiments.config.run_config import RunConfig
from experiments.run.inputs import gather

N = 240


def begin(folder: Path, table: pd.DataFrame, *options: str, name: str = "payments.csv") -> str:
    """Write a table and call init for it; return the configuration."""
    result = CliRunner().invoke(app, ["init", str(write(folder, table, name)), "--target", "fraud", *options])
    assert result.exit_code == 0, result.output
    assert "weakspot run payments.yaml" in result.output
    return (folder / "payments.yaml").read_text()


@pytest.fixture(autouse=True)
def _within(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def rich() -> pd.DataFrame:
    """A table with a column for each role."""
    return frame(N).assign(
        paid_at=pd.date_range("2024-01-01", periods=N, freq="h"),
        card=np.arange(N) % 60,
        payment_id=np.arange(N) + 70_000,
        currency="EUR",
    )


def test_it_says_what_each_column_may_be(tmp_path: Path) -> None:
    text = begin(tmp_path, rich())
    assert "  # time: paid_at #" in text
    assert "  # group: card #" in text
    assert "  drop: [payment_id] # every value is different" in text
    assert "# no feature: currency (constant)" in text
    rarest = "yes" if (frame(N)["fraud"] == "yes").mean() < 0.5 else "no"
    assert yaml.safe_load(text)["data"]["positive"] == rarest


def test_it_is_read_as_it_is_and_with_its_comments_taken_up(tmp_path: Path) -> None:
    text = begin(tmp_path, rich())
    config = load_config(RunConfig, tmp_path / "payments.yaml")
    assert gather(config.data, config.loop).schema.names == ("amount", "age", "shop", "abroad", "paid_at", "card")
    taken_up = text.replace("# time: paid_at", "time: paid_at").replace("# - {", "- {")
    (tmp_path / "other.yaml").write_text(taken_up)
    other = load_config(RunConfig, tmp_path / "other.yaml")
    assert other.data.time == "paid_at"
    assert len(other.metrics.points) == 3


def test_an_editor_finds_the_schema_and_agrees(tmp_path: Path) -> None:
    text = begin(tmp_path, rich())
    first, _, _ = text.partition("\n")
    assert first == "# yaml-language-server: $schema=./weakspot.schema.json"
    schema = json.loads((tmp_path / "weakspot.schema.json").read_text())
    assert faults(yaml.safe_load(text), schema) == []
    assert json.loads(CliRunner().invoke(app, ["schema"]).output) == schema


def test_a_file_that_is_not_ours_keeps_its_name(tmp_path: Path) -> None:
    (tmp_path / "weakspot.schema.json").write_text('{"title": "mine"}')
    begin(tmp_path, frame(N))
    assert (tmp_path / "weakspot.schema.json").read_text() == '{"title": "mine"}'


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    text = begin(tmp_path, frame(N))
    sentence = refused("init", "payments.csv", "--target", "fraud")
    assert "payments.yaml is there" in sentence
    assert (tmp_path / "payments.yaml").read_text() == text


ODD = {
    "names that YAML reads otherwise": {"yes": 1.5, "a: b": 2.5, "#c": 3.5, "- d": 4.5, "null": 5.5},
    "line breaks and quotes": {"x\ny": 1.5, "it's": 2.5, 'so "called"': 3.5},
}


@pytest.mark.parametrize("case", ODD)
def test_odd_names_stay_what_they_are(tmp_path: Path, case: str) -> None:
    names = ODD[case]
    ids = {f"{name} id": [f"{name}{row}" for row in range(N)] for name in names}
    table = frame(N).assign(**{name: np.arange(N) * value for name, value in names.items()}, **ids)
    text = begin(tmp_path, table)
    assert yaml.safe_load(text)["data"]["drop"] == list(ids)
    config = load_config(RunConfig, tmp_path / "payments.yaml")
    assert set(names) <= set(gather(config.data, config.loop).schema.names)


def test_how_the_file_is_written_is_kept(tmp_path: Path) -> None:
    frame(N).to_csv(tmp_path / "payments.csv", index=False, sep=";", decimal=",")
    words = ["init", "payments.csv", "--target", "fraud", "--sep", ";", "--decimal", ","]
    assert CliRunner().invoke(app, words).exit_code == 0
    config = load_config(RunConfig, tmp_path / "payments.yaml")
    assert (config.data.sep, config.data.decimal) == (";", ",")


def test_the_budget_of_a_large_table_says_what_caps_it(tmp_path: Path) -> None:
    large = pd.concat([frame(20_000, seed) for seed in range(4)])
    text = begin(tmp_path, large)
    assert "but most_rows caps it at 5,000" in text
    assert yaml.safe_load(text)["arms"]["tuning"] is False


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("init", "payments.csv", "--target", "froud"), "did you mean fraud"),
        (("init", "payments.csv", "--target", "amount"), "at most half as many classes"),
        (("init", "payments.csv", "--target", "fraud", "--out", "x.txt"), "must end in .yaml"),
        (("init", "nothing.csv", "--target", "fraud"), "is no file"),
        (("init", "payments.csv", "--target", "fraud", "--positive", "maybe"), "must be a class of 'fraud'"),
        (("schema", "fly"), "run, compare, tune"),
    ],
)
def test_what_cannot_begin_leaves_nothing(tmp_path: Path, words: tuple[str, ...], told: str) -> None:
    write(tmp_path, frame(N).assign(amount=np.arange(N) / 7), "payments.csv")
    assert told in refused(*words)
    assert [path.name for path in tmp_path.iterdir()] == ["payments.csv"]
