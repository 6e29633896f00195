"""Files as they come through the commands: options, what is said, and files that we wrote ourselves."""

import datetime as dt
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import Result
from commands import refused
from typer.testing import CliRunner

from experiments.cli.app import app
from experiments.config.data_config import DataConfig
from experiments.config.reader import load_config
from experiments.config.run_config import LoopConfig, RunConfig
from experiments.run.inputs import RunInputs, gather
from experiments.storage.run_folder import save_model
from learners import Linear
from loop.data.encoding import decode, encode
from loop.data.schema import infer
from loop.model import Model

N = 200
HUGE = 1_200_000_000_000_000_001


def call(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def rows() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "Betrag": rng.gamma(2, 50, N).round(2),
            "Händler": rng.choice(["Bäcker", "Kiosk", "NA"], N),
            "fraud": rng.permutation([0, 1] * (N // 2)),
        }
    )


def gathered(path: Path, **data: object) -> RunInputs:
    return gather(DataConfig(**{"source": str(path), "target": "fraud", **data}), LoopConfig())  # type: ignore[arg-type]


def model_of(frame: pd.DataFrame, folder: Path) -> Model:
    """Fit a small model on a frame and save it where a run keeps its own."""
    table = encode(infer(frame, "fraud"), frame)
    model = Model(table.schema, Linear().fit(table, np.random.default_rng(0)))
    save_model(model, folder / "model")
    return model


class TestConfiguration:
    def test_a_file_from_the_continent(self, tmp_path: Path) -> None:
        rows().to_csv(tmp_path / "t.csv", index=False, sep=";", decimal=",", encoding="latin-1")
        inputs = gathered(tmp_path / "t.csv", sep=";", decimal=",", encoding="latin-1", drop=["Händler"])
        assert inputs.schema.names == ("Betrag",)
        assert inputs.schema.columns[0].kind == "numeric"

    def test_what_was_done_is_said_at_the_top(self, tmp_path: Path) -> None:
        frame = rows().astype({"Betrag": object})
        frame.loc[7, "Betrag"] = "n/a?"
        frame.to_csv(tmp_path / "t.csv", index=False)
        inputs = gathered(tmp_path / "t.csv")
        assert "Betrag: 199 of 200 values are numbers, 'n/a?' is not and counts as missing" in inputs.messages
        assert inputs.schema.columns[0].missing

    def test_what_was_done_is_said_with_a_refusal(self, tmp_path: Path) -> None:
        rows()[["Betrag", "fraud"]].to_csv(tmp_path / "t.csv", index=False, sep=";", decimal=",")
        sentence = refused("run", "--data", tmp_path / "t.csv", "--target", "fraud", "--sep", ";", "--tracking", "none")
        assert "--decimal ," in sentence

    @pytest.mark.parametrize("drop", ["fraud", "Betrag"])
    def test_roles_cannot_be_dropped(self, tmp_path: Path, drop: str) -> None:
        rows().to_csv(tmp_path / "t.csv", index=False)
        words = ("run", "--data", tmp_path / "t.csv", "--target", "fraud", "--time", "Betrag", "--tracking", "none")
        assert f"{drop!r} is dropped" in refused(*words, "--drop", drop)

    def test_a_column_that_is_not_there_cannot_be_dropped(self, tmp_path: Path) -> None:
        rows().to_csv(tmp_path / "t.csv", index=False)
        words = ("run", "--data", tmp_path / "t.csv", "--target", "fraud", "--tracking", "none")
        assert "did you mean Betrag?" in refused(*words, "--drop", "Betrg")

    @pytest.mark.parametrize(("option", "value"), [("--sep", ";;"), ("--encoding", "klingon"), ("--decimal", ";")])
    def test_settings_out_of_range(self, tmp_path: Path, option: str, value: str) -> None:
        rows().to_csv(tmp_path / "t.csv", index=False)
        words = ("run", "--data", tmp_path / "t.csv", "--target", "fraud", "--tracking", "none")
        assert option in refused(*words, option, value)

    def test_other_sources_take_none_of_them(self) -> None:
        assert "CSV" in refused("run", "--data", "sklearn:iris", "--sep", ";", "--tracking", "none")

    def test_columns_of_other_sources_are_dropped_too(self) -> None:
        inputs = gather(DataConfig(source="sklearn:iris", drop=("sepal length (cm)",)), LoopConfig())
        assert "sepal length (cm)" not in inputs.schema.names

    @pytest.mark.parametrize("positive", ["yes", "Yes", "on"])
    def test_words_of_yaml_are_classes(self, tmp_path: Path, positive: str) -> None:
        frame = rows()
        frame.assign(fraud=frame["fraud"].map({0: "other", 1: positive})).to_csv(tmp_path / "t.csv", index=False)
        (tmp_path / "c.yaml").write_text(
            f"data: {{source: {tmp_path / 't.csv'}, target: fraud, positive: {positive}}}\n"
        )

        config = load_config(RunConfig, tmp_path / "c.yaml")
        schema = gather(config.data, config.loop).schema
        assert schema.classes[schema.positive] == positive


def cycled(*values: object, dtype: str | None = None) -> pd.Series:
    """Return a column in which the values follow each other again and again."""
    return pd.Series([values[row % len(values)] for row in range(N)], dtype=dtype)


FRAMES = {
    "zones": pd.Series(pd.date_range("2024-03-30 12:00", periods=N, freq="7h", tz="Europe/Berlin")),
    "datetimes": pd.Series(pd.date_range("2024-03-30 12:00", periods=N, freq="7h")),
    "dates": cycled(*(dt.date(2024, 1, 1) + dt.timedelta(days=day) for day in range(90))),
    "integers with gaps": cycled(1, 2, 5, None, dtype="Int64"),
    "huge integers": cycled(HUGE, HUGE + 1, HUGE + 3),
    "huge integers with gaps": cycled(HUGE, HUGE + 1, None, dtype="Int64"),
    "booleans": cycled(True, False, False),
    "booleans with gaps": cycled(True, False, None, dtype="boolean"),
    "codes": cycled("08028", "01010", "99999"),
    "words": cycled("NA", "null", "yes", "x,y", 'a "b"', " c ", "1"),
    "categories of numbers": cycled(0, 1, 2, dtype="category"),
    "words that look like dates": cycled("2024-01-01", "2024-01-02", dtype="str"),
}


@pytest.mark.parametrize("case", FRAMES)
def test_a_file_that_we_wrote_can_be_read_by_us(case: str, tmp_path: Path) -> None:
    frame = rows().assign(x=FRAMES[case])
    model = model_of(frame, tmp_path)
    whole = decode(model.schema, encode(model.schema, frame))
    whole.to_csv(tmp_path / "t.csv", index=False)
    result = call("predict", tmp_path, "--data", tmp_path / "t.csv", "--out", tmp_path / "p.csv")
    assert result.exit_code == 0, result.output
    told = pd.read_csv(tmp_path / "p.csv").to_numpy()
    np.testing.assert_allclose(told, model.predict_proba(frame), rtol=1e-9)


class TestPredict:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        model_of(rows(), tmp_path)
        return tmp_path

    def test_a_file_from_the_continent(self, folder: Path) -> None:
        rows().to_csv(folder / "t.csv", index=False, sep=";", decimal=",", encoding="latin-1")
        words = ("predict", folder, "--data", folder / "t.csv")
        assert "--sep ';'" in refused(*words, "--encoding", "latin-1")
        assert call(*words, "--sep", ";", "--decimal", ",", "--encoding", "latin-1").exit_code == 0

    def test_it_is_read_as_the_data_of_the_run_were_unless_told_otherwise(self, folder: Path) -> None:
        (folder / "config.yaml").write_text("data: {source: gone.csv, target: fraud, sep: ';', decimal: ','}\n")
        rows().to_csv(folder / "t.csv", index=False, sep=";", decimal=",")
        assert call("predict", folder, "--data", folder / "t.csv").exit_code == 0
        rows().to_csv(folder / "t.csv", index=False)
        assert "--sep ," in refused("predict", folder, "--data", folder / "t.csv", "--decimal", ".")
        assert call("predict", folder, "--data", folder / "t.csv", "--sep", ",", "--decimal", ".").exit_code == 0
        rows().to_parquet(folder / "t.parquet")
        assert call("predict", folder, "--data", folder / "t.parquet").exit_code == 0

    def test_a_dirty_cell_is_missing_and_said(self, folder: Path) -> None:
        frame = rows().astype({"Betrag": object}).iloc[:5]
        frame.loc[2, "Betrag"] = "?"
        frame.to_csv(folder / "t.csv", index=False)
        result = call("predict", folder, "--data", folder / "t.csv")
        assert result.exit_code == 0
        assert "Betrag: 4 of 5 values are numbers, '?' is not and counts as missing" in result.stderr


def test_generate_takes_them_too(tmp_path: Path) -> None:
    rows().to_csv(tmp_path / "t.csv", index=False, sep=";", decimal=",")
    words = ("generate", "--data", tmp_path / "t.csv", "--target", "fraud", "--generator", "copula", "--n", 20)
    result = call(*words, "--sep", ";", "--decimal", ",", "--drop", "Händler", "--out", tmp_path / "made.csv")
    assert result.exit_code == 0, result.output
    made = pd.read_csv(tmp_path / "made.csv")
    assert list(made) == ["Betrag", "fraud"]
    assert made["Betrag"].dtype == "float64"


def test_codes_with_leading_zeros_are_made_as_they_are(tmp_path: Path) -> None:
    codes = ["08028", "01010", "99999"]
    rows().assign(zip=[codes[row % 3] for row in range(N)]).to_csv(tmp_path / "t.csv", index=False)
    words = ("generate", "--data", tmp_path / "t.csv", "--target", "fraud", "--generator", "copula", "--n", 50)
    assert call(*words, "--out", tmp_path / "made.csv").exit_code == 0
    assert set(pd.read_csv(tmp_path / "made.csv", dtype=str)["zip"]) <= set(codes)


def test_a_printed_command_can_be_pasted(tmp_path: Path) -> None:
    rows().to_csv(tmp_path / "t.csv", index=False)
    words = ("generate", "--data", tmp_path / "t.csv", "--target", "fraud", "--generator", "copula", "--n", 5)
    result = call(*words, "--save", tmp_path / "my maker's", "--out", tmp_path / "made.csv")
    (line,) = (line for line in result.output.splitlines() if "weakspot generate" in line)
    assert shlex.split(line[line.index("weakspot") :]) == ["weakspot", "generate", str(tmp_path / "my maker's")]
