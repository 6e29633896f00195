"""Rows for small groups, and what is told of the generator: shares as they came, and a quick attack."""

import json
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from commands import refused
from small_runs import frame, write
from typer.testing import CliRunner, Result

from experiments.cli.app import app


def call(*words: object) -> Result:
    return CliRunner().invoke(app, ["generate", *(str(word) for word in words)])


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("table"), frame(600))


def test_rows_go_to_the_smallest_groups(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "rows.csv"
    words = ("--data", table, "--target", "fraud", "--n", 300, "--balance", "shop,abroad", "--out", out, "--no-audit")
    result = call(*words)
    assert result.exit_code == 0, result.output
    made, real = pd.read_csv(out), pd.read_csv(table)
    assert len(made) == 300
    both = pd.concat([real, made])[["shop", "abroad"]].value_counts()
    filled = made[["shop", "abroad"]].value_counts().index
    assert both[filled].max() - both[filled].min() <= 1
    before = real[["shop", "abroad"]].value_counts()
    assert both.min() > before.min()
    for shop, abroad in filled:
        came = ((made["shop"] == shop) & (made["abroad"] == abroad)).sum()
        assert f"shop, abroad = {shop}, {abroad}: {came} of {came} rows" in result.stderr
    assert json.loads((tmp_path / "rows.csv.croissant.json").read_text())["name"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--balance", "amount"), "categorical or boolean"),
        (("--balance", "shop,shop"), "each column once"),
        (("--balance", ","), "each column once"),
        (("--balance", "shop", "--where", "amount > 5"), "--where"),
    ],
)
def test_what_balance_refuses(words: tuple[str, ...], told: str, table: Path) -> None:
    assert told in refused("generate", "--data", table, "--target", "fraud", *words)


def test_a_saved_generator_knows_no_counts(table: Path, tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    assert call("--data", table, "--target", "fraud", "--save", saved, "--n", 5).exit_code == 0
    assert "--balance" in refused("generate", saved, "--balance", "shop")


def test_a_copier_is_told_and_protected_rows_are_not_attacked(table: Path, tmp_path: Path) -> None:
    fit = ("--data", table, "--target", "fraud", "--n", 20, "--generator", "resample")
    told = call(*fit, "--out", tmp_path / "rows.csv").stderr
    assert "Audit of resample on 600 real rows: 100.0 % of the synthetic rows equal a real one" in told
    assert "weakspot audit" in told
    assert "Audit" not in call(*fit, "--out", tmp_path / "rows.csv", "--no-audit").stderr
    assert "Audit" not in call(*fit).stderr  # no rows leave


def test_few_rows_are_not_attacked(tmp_path: Path) -> None:
    table = write(tmp_path, frame(150))
    told = call("--data", table, "--target", "fraud", "--n", 20, "--out", tmp_path / "rows.csv").stderr
    assert "Not audited, as the generator is one of fewer than 200 rows" in told


def test_licence_and_origin_are_carried_to_all_that_is_made_from_a_file(table: Path, tmp_path: Path) -> None:
    out, saved, more = tmp_path / "rows.parquet", tmp_path / "saved", tmp_path / "more.parquet"
    told = ("--licence", "CC-BY-4.0", "--origin", "a shop, 2025")
    made = call("--data", table, "--target", "fraud", "--n", 20, "--no-audit", "--out", out, "--save", saved, *told)
    assert made.exit_code == 0, made.output
    assert call(saved, "--n", 20, "--out", more).exit_code == 0  # the saved generator knows it, too
    for path in (out, more):
        marks = pq.read_schema(path).metadata
        assert (marks[b"licence"], marks[b"origin"]) == (b"CC-BY-4.0", b"a shop, 2025")
        described = path.with_name(path.name + ".croissant.json").read_text()
        card = path.with_name(path.name + ".card.md").read_text()
        for text in (described, card):
            assert "CC-BY-4.0" in text
            assert "a shop, 2025" in text
        assert table.name in card


@pytest.mark.parametrize(
    ("words", "told"), [(("--licence", ""), "--licence must be a line"), (("--origin", "x" * 501), "got 501")]
)
def test_what_licence_and_origin_refuse(words: tuple[str, ...], told: str, table: Path, tmp_path: Path) -> None:
    assert told in refused("generate", "--data", table, "--target", "fraud", *words)
    assert "leave them out" in refused("generate", tmp_path, *words)
