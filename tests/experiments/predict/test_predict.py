"""New rows are scored, alerted on and explained, and a file in pieces gives what the whole file gives."""

import gzip
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from commands import refused
from small_runs import content, frame, write, write_config
from typer.testing import CliRunner, Result

from experiments.cli.app import app
from experiments.predict import pieces
from experiments.predict.reasons import Reasons
from experiments.storage import run_folder
from learners import Blend, Linear, XGBoost
from loop.data.encoding import encode
from loop.data.schema import infer
from loop.model import Model

POINTS = [{"precision": 0.5}, {"false_positive": 1, "false_negative": 5}, {"false_positive": 5, "miss_cost": "amount"}]
BY_COST = "cost per row (false alarm 5, miss amount)"


def call(*words: object) -> Result:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, (result.output, result.exception)
    return result


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a finished run that delivers XGBoost, with operating points of every kind."""
    place = tmp_path_factory.mktemp("predict")
    settings = content(write(place, frame()), place / "out", generations=1)
    settings |= {"deliver": "loop", "metrics": {"points": [*POINTS, {"alerts": 20}]}}
    call("run", write_config(place, settings), "--no-arms")
    (made,) = (place / "out").iterdir()
    return made


def new_rows(n: int = 40) -> pd.DataFrame:
    """Rows with ids that are easily spoilt, and a text that only quotes hold together."""
    rows = frame(n, seed=9).drop(columns="fraud")
    rows.insert(0, "id", [f"00{number}" for number in range(n)])
    rows["big"] = 2**53 + 1 + np.arange(n)
    rows["note"] = [f'said "{number},\n{number}"' if number % 3 else "NA" for number in range(n)]
    return rows


def threshold(folder: Path, name: str) -> float:
    report = json.loads((folder / "report.json").read_text())
    (row,) = (row for row in report["operating"] if row["point"] == name)
    return float(row["after"]["threshold"])


@pytest.mark.parametrize(
    ("at", "name"),
    [
        ("recall at precision 0.5", "recall at precision 0.5"),
        ("precision 0.5", "recall at precision 0.5"),
        ("precision: 0.9", "recall at precision 0.9"),
        ("false_positive 1, false_negative 5", "cost per row (false alarm 1, miss 5)"),
    ],
)
def test_alerts_are_those_of_the_stored_threshold(folder: Path, tmp_path: Path, at: str, name: str) -> None:
    data = write(tmp_path, new_rows())
    result = call("predict", folder, "--data", data, "--out", tmp_path / "out.csv", "--at", at)
    written = pd.read_csv(tmp_path / "out.csv")
    assert list(written) == ["p_no", "p_yes", "alert"]
    expected = written["p_yes"] >= threshold(folder, name)
    assert written["alert"].tolist() == expected.astype(int).tolist()
    assert f"{expected.sum()} of 40 rows are alerted on at '{name}'" in result.stderr


def test_alerts_by_the_cost_of_each_row_need_its_column(folder: Path, tmp_path: Path) -> None:
    rows = new_rows()
    call("predict", folder, "--data", write(tmp_path, rows), "--out", tmp_path / "out.csv", "--at", BY_COST)
    written = pd.read_csv(tmp_path / "out.csv")
    saving = written["p_yes"] * rows["amount"] - (1 - written["p_yes"]) * 5
    assert written["alert"].tolist() == (saving >= threshold(folder, BY_COST)).astype(int).tolist()
    assert 0 < written["alert"].sum() < 40


def test_points_without_a_threshold_and_unknown_ones_are_refused(folder: Path, tmp_path: Path) -> None:
    data = write(tmp_path, new_rows())
    for at, words in (("precision 0.7", "recall at precision 0.5"), ("alerts 20", "highest scores"), ("x", "--at")):
        assert words in refused("predict", folder, "--data", data, "--at", at)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_columns_pass_through_as_they_are(folder: Path, tmp_path: Path, kind: str) -> None:
    rows, data = new_rows(), tmp_path / f"new.{kind}"
    rows.to_csv(data, index=False) if kind == "csv" else rows.to_parquet(data)
    call("predict", folder, "--data", data, "--out", tmp_path / f"out.{kind}", "--keep", "id,big, note,amount")
    if kind == "csv":
        written = pd.read_csv(tmp_path / "out.csv", dtype=str, keep_default_na=False)
        expected = pd.read_csv(data, dtype=str, keep_default_na=False)
    else:
        written, expected = pd.read_parquet(tmp_path / "out.parquet"), rows
    assert list(written) == ["id", "big", "note", "amount", "p_no", "p_yes"]
    for name in ("id", "big", "note", "amount"):
        assert written[name].tolist() == expected[name].tolist()


def test_columns_that_are_not_there_or_would_be_hidden_are_refused(folder: Path, tmp_path: Path) -> None:
    data = write(tmp_path, new_rows().assign(p_yes=1))
    assert "'idd'" in refused("predict", folder, "--data", data, "--keep", "idd")
    assert "p_yes" in refused("predict", folder, "--data", data, "--keep", "id,p_yes")
    assert "double quotes" in refused("predict", folder, "--data", data, "--keep", "id,a\nb")


def test_scores_are_not_written_over_the_rows(folder: Path, tmp_path: Path) -> None:
    data = write(tmp_path, new_rows())
    (tmp_path / "link.csv").symlink_to(data)
    before = data.read_bytes()
    for out in (data, tmp_path / "link.csv"):
        assert "another file" in refused("predict", folder, "--data", data, "--out", out)
    assert data.read_bytes() == before


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "tsv", "parquet"])
@pytest.mark.parametrize("out", ["csv", "parquet"])
def test_a_file_in_pieces_gives_what_the_whole_gives(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, out: str
) -> None:
    rows, data = new_rows(41), tmp_path / f"new.{kind}"
    rows.loc[3:20, "age"] = np.nan  # whole numbers in some pieces, floats with gaps in others
    rows["visits"] = pd.array([None if number < 10 else number for number in range(41)], dtype="Int64")
    if kind == "parquet":
        rows.to_parquet(data, row_group_size=15)
    else:
        rows.to_csv(data, index=False, sep="\t" if kind == "tsv" else ",")
    options = ["--keep", "id,visits,note,age", "--at", "precision 0.5", "--reasons", 2]
    whole = call("predict", folder, "--data", data, "--out", tmp_path / f"whole.{out}", *options)
    made: list[int] = []
    monkeypatch.setattr(pieces, "ROWS", 7)
    monkeypatch.setattr(pieces, "SMALL", 0)
    counted = pieces.pieces
    monkeypatch.setattr(
        "experiments.predict.scorer.pieces", lambda *told: (made.append(1) or each for each in counted(*told))
    )
    parts = call("predict", folder, "--data", data, "--out", tmp_path / f"parts.{out}", *options)
    assert len(made) >= 6
    first, second = (tmp_path / f"{name}.{out}" for name in ("whole", "parts"))
    if out == "csv":
        assert first.read_bytes() == second.read_bytes()
    else:
        pd.testing.assert_frame_equal(pd.read_parquet(first), pd.read_parquet(second))
        assert pq.read_schema(first).equals(pq.read_schema(second))
    assert whole.stderr == parts.stderr


def test_on_the_screen_nothing_is_written_if_a_later_piece_is_damaged(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "ROWS", 7)
    monkeypatch.setattr(pieces, "SMALL", 0)
    data = write(tmp_path, new_rows())
    data.write_text(data.read_text() + "only,two\n")
    result = CliRunner().invoke(app, ["predict", str(folder), "--data", str(data)])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "rows 36 to 41 of table.csv" in result.stderr
    assert list(tmp_path.iterdir()) == [data]
    packed = tmp_path / "cut.csv.gz"
    packed.write_bytes(gzip.compress(write(tmp_path, new_rows(4000)).read_bytes())[:-200])
    assert "readable to its end" in refused("predict", folder, "--data", packed)


def test_unseen_categories_and_missing_values_are_counted_by_column(folder: Path, tmp_path: Path) -> None:
    rows = new_rows()
    rows.loc[:2, "shop"] = "kiosk"
    rows.loc[5:8, "amount"] = np.nan
    rows.loc[9, "shop"] = np.nan
    result = call("predict", folder, "--data", write(tmp_path, rows), "--out", tmp_path / "out.csv")
    assert result.stderr.splitlines() == [
        "Of 40 rows, some hold categories that training did not have, which count as missing: shop 3.",
        "Of 40 rows, some lack values where training had all: amount 4, shop 1.",
    ]
    told = refused("predict", folder, "--data", write(tmp_path, rows.drop(columns=["age", "shop"]), "less.csv"))
    assert "'age', 'shop'" in told


def model_of(learner: object, classes: int = 2) -> tuple[Model, pd.DataFrame]:
    table = frame()
    if classes > 2:
        table.loc[table["age"] > 70, "fraud"] = "perhaps"
    schema = infer(table, "fraud", positive="yes")
    fitted = learner.fit(encode(schema, table), np.random.default_rng(0))  # type: ignore[attr-defined]
    return Model(schema, fitted), table


@pytest.mark.parametrize("classes", [2, 3])
def test_reasons_add_up_to_the_margin_and_the_strongest_is_first(classes: int) -> None:
    model, table = model_of(XGBoost(trees=20), classes)
    rows, positive = model.encoded(table), model.schema.positive
    effects = model.learner.contributions(rows, positive)  # type: ignore[attr-defined]
    proba = model.learner.predict_proba(rows)
    if classes == 2:
        margin = np.log(proba[:, positive] / (1 - proba[:, positive]))
        np.testing.assert_allclose(effects.sum(axis=1), margin, atol=1e-4)
    else:
        margins = np.column_stack([model.learner.contributions(rows, code).sum(axis=1) for code in range(3)])  # type: ignore[attr-defined]
        softmax = np.exp(margins) / np.exp(margins).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(softmax, proba, atol=1e-4)
    told = Reasons.of(model, 2).frame(rows, model)
    assert list(told) == ["reason_1", "effect_1", "reason_2", "effect_2"]
    strongest = np.abs(effects[:, :-1]).argmax(axis=1)
    assert told["reason_1"].tolist() == [model.schema.names[at] for at in strongest]
    np.testing.assert_allclose(told["effect_1"], effects[np.arange(len(table)), strongest], atol=1e-4)
    assert (told["effect_1"].abs() >= told["effect_2"].abs()).all()
    assert Reasons.of(model, 9).frame(rows, model).shape[1] == 2 * 4


def test_the_sign_is_towards_the_class_to_catch() -> None:
    table = frame()
    for positive, direction in (("yes", 1), ("no", -1)):
        schema = infer(table, "fraud", positive=positive)
        model = Model(schema, XGBoost(trees=20).fit(encode(schema, table), np.random.default_rng(0)))
        effects = model.learner.contributions(model.encoded(table), schema.positive)[:, 0]  # type: ignore[attr-defined]
        assert np.corrcoef(effects, table["amount"])[0, 1] * direction > 0.3


def test_reasons_come_from_the_first_member_and_others_are_refused(folder: Path, tmp_path: Path) -> None:
    data, places = write(tmp_path, new_rows()), []
    for name, learner in (("inside", Blend((XGBoost(trees=5), Linear()))), ("linear", Linear())):
        places.append(tmp_path / name)
        run_folder.save_model(model_of(learner)[0], places[-1] / run_folder.MODEL)
    told = call("predict", places[0], "--data", data, "--out", tmp_path / "out.csv", "--reasons", 1)
    assert "first member" in told.stderr
    assert list(pd.read_csv(tmp_path / "out.csv"))[-2:] == ["reason_1", "effect_1"]
    assert "Linear" in refused("predict", places[1], "--data", data, "--reasons", 1)


def test_types_of_parquet_pass_through(folder: Path, tmp_path: Path) -> None:
    rows = new_rows()
    table = pa.Table.from_pandas(rows).append_column("when", pa.array([0, None] * 20, pa.timestamp("us", "UTC")))
    pq.write_table(table, tmp_path / "new.parquet")
    out = tmp_path / "out.parquet"
    call("predict", folder, "--data", tmp_path / "new.parquet", "--out", out, "--keep", "when,big")
    assert pq.read_schema(out).field("when").type == pa.timestamp("us", "UTC")
    assert pq.read_table(out)["big"].to_pylist() == rows["big"].tolist()
