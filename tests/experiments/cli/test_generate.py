"""``weakspot generate``: rows inside a region, of a class, in the user's own words, or one sentence why not."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from small_runs import content, frame, write, write_config
from typer.testing import CliRunner, Result

from experiments.cli.app import app
from experiments.cli.generating.rows import Delivery, deliver
from experiments.config.constraints import constraints
from generators import Copula
from generators.resampling.resample import proposals
from loop.data.encoding import encode
from loop.data.schema import infer
from loop.types import Region, Request, Samples

WHERE = "amount > 100 and shop == 'fuel' and abroad == true"


def call(*words: object) -> Result:
    return CliRunner().invoke(app, ["generate", *(str(word) for word in words)])


def test_help() -> None:
    result = call("--help")
    assert result.exit_code == 0
    assert "generate" in result.output


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("generate"), frame(400))


@pytest.fixture(scope="module")
def saved(table: Path) -> Path:
    """Folder of a generator fitted by the command itself."""
    folder = table.parent / "saved"
    result = call("--data", table, "--target", "fraud", "--save", folder, "--out", table.parent / "first.parquet")
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("run")
    path = write_config(place, content(write(place, frame()), place / "out", generations=1))
    result = CliRunner().invoke(app, ["run", str(path), "--no-arms"])
    assert result.exit_code == 0, result.output
    (folder,) = (place / "out").iterdir()
    return folder


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet", "new/folder/rows.parquet"])
def test_rows_lie_in_the_region_and_have_the_label_and_the_types_of_the_data(
    saved: Path, tmp_path: Path, name: str
) -> None:
    out = tmp_path / name
    result = call(saved, "--n", 200, "--where", WHERE, "--label", "yes", "--out", out)
    assert result.exit_code == 0, result.output
    rows = pd.read_csv(out) if out.suffix == ".csv" else pd.read_parquet(out)
    assert list(rows) == list(frame(1))
    assert rows.dtypes.astype(str).to_dict() == pd.read_csv(saved.parent / "table.csv").dtypes.astype(str).to_dict()
    assert len(rows) == 200
    assert (rows["amount"] > 100).all()
    assert set(rows["shop"]) == {"fuel"}
    assert rows["abroad"].all()
    assert set(rows["fraud"]) == {"yes"}
    assert "200 of 200 rows" in result.stdout
    assert "made from real rows" in result.stdout
    assert "100.0% of 200 drawn" in result.stdout
    assert "labels here are not checked" not in result.output
    assert "seconds" in result.stdout
    assert list(tmp_path.rglob("*.partial")) == []


def test_new_rows_are_not_written_over_the_real_ones(table: Path) -> None:
    before = table.read_bytes()
    result = call("--data", table, "--target", "fraud", "--out", table)
    assert (result.exit_code, table.read_bytes()) == (2, before)
    assert "another file" in result.output


def test_without_a_label_classes_occur_as_in_the_data(saved: Path, tmp_path: Path) -> None:
    call(saved, "--n", 2000, "--out", tmp_path / "rows.csv")
    made, real = ((rows["fraud"] == "yes").mean() for rows in (pd.read_csv(tmp_path / "rows.csv"), frame(400)))
    assert abs(made - real) < 0.08


def test_the_screen_gets_the_rows_and_nothing_else(saved: Path, tmp_path: Path) -> None:
    result = call(saved, "--n", 7)
    (tmp_path / "screen.csv").write_text(result.stdout)
    assert pd.read_csv(tmp_path / "screen.csv").shape == (7, 5)
    assert "7 of 7 rows" in result.stderr


def test_a_screen_of_another_encoding_gets_rows_in_utf_8(tmp_path: Path) -> None:
    (tmp_path / "book.yaml").write_text("columns: {city: \"'Zürich 東京'\"}", encoding="utf-8")
    code = "from experiments.cli.app import main; main()"
    command = [sys.executable, "-c", code, "generate", str(tmp_path / "book.yaml"), "--n", "2"]
    done = subprocess.run(command, capture_output=True, env={**os.environ, "PYTHONIOENCODING": "ascii"}, check=True)
    assert "Zürich 東京" in done.stdout.decode()


def test_the_seed_decides(saved: Path) -> None:
    one, again, other = (call(saved, "--n", 20, "--seed", seed).stdout for seed in (1, 1, 2))
    assert one == again != other


def test_a_saved_generator_makes_the_rows_that_it_made_when_it_was_fitted(saved: Path, tmp_path: Path) -> None:
    call(saved, "--out", tmp_path / "again.parquet")
    pd.testing.assert_frame_equal(
        pd.read_parquet(tmp_path / "again.parquet"), pd.read_parquet(saved.parent / "first.parquet")
    )


def test_a_run_leaves_a_generator_behind(run_folder: Path, tmp_path: Path) -> None:
    result = call(run_folder, "--n", 50, "--where", "amount > 50", "--out", tmp_path / "rows.csv")
    assert result.exit_code == 0, result.output
    rows = pd.read_csv(tmp_path / "rows.csv")
    assert len(rows) == 50
    assert (rows["amount"] > 50).all()


@pytest.mark.parametrize("place", [".", "generator"])
def test_rows_of_a_run_obey_its_constraints_and_the_complaint_names_them(
    run_folder: Path, tmp_path: Path, place: str
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(run_folder, folder)
    config = yaml.safe_load((folder / "config.yaml").read_text()) | {"constraints": ["amount > 20", "shop != 'toys'"]}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    result = call(folder / place, "--n", 60, "--out", tmp_path / "rows.csv")
    assert result.exit_code == 0, result.output
    rows = pd.read_csv(tmp_path / "rows.csv")
    assert len(rows) == 60
    assert (rows["amount"] > 20).all()
    assert "toys" not in set(rows["shop"])
    result = call(folder / place, "--n", 60, "--where", "amount < 10", "--out", tmp_path / "none.csv")
    assert result.exit_code == 2
    assert "of region 'amount < 10' none did" in result.stderr
    assert "by 'amount > 20'" in result.stderr
    assert not (tmp_path / "none.csv").exists()


@pytest.mark.parametrize("generator", ["resample", "imblearn"])
def test_any_generator_of_the_catalogue_can_be_fitted(generator: str, table: Path, tmp_path: Path) -> None:
    fit = ("--data", table, "--target", "fraud", "--generator", generator, "--label", "yes", "--n", 30)
    result = call(*fit, "--out", tmp_path / "rows.csv")
    assert result.exit_code == 0, result.output
    assert pd.read_csv(tmp_path / "rows.csv")["fraud"].tolist() == ["yes"] * 30


def test_columns_that_are_no_features_are_told(tmp_path: Path) -> None:
    numbered = frame(60).assign(card=[f"c{number}" for number in range(60)])
    result = call("--data", write(tmp_path, numbered), "--target", "fraud", "--out", tmp_path / "rows.csv")
    assert "excluded card: identifier" in result.stdout
    assert "card" not in pd.read_csv(tmp_path / "rows.csv")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--where", "amuont > 3"], ["amuont", "amount"]),
        (["--where", "amount >"], ["character"]),
        (["--where", "amount > age"], ["amount > age"]),
        (["--where", "shop == 'zoo'"], ["zoo", "book"]),
        (["--where", "amount > 1e9"], ["delivered 0 of", "amount > 1e9", "widen"]),
        (["--label", "maybe"], ["maybe", "no, yes"]),
        (["--n", 0], ["between 1 and", "got 0"]),
        (["--n", -5], ["got -5"]),
        (["--n", 10**12], ["10,000,000"]),
        (["--data", "x.csv"], ["both"]),
        (["--save", "there"], ["fitted already", "--save"]),
        (["--target", "fraud", "--generator", "resample"], ["--target and --generator"]),
    ],
)
def test_a_bad_wish_ends_in_one_sentence_and_no_file(
    options: list[object], words: list[str], saved: Path, tmp_path: Path
) -> None:
    result = call(saved, *options, "--out", tmp_path / "rows.csv")
    assert result.exit_code == 2, result.output
    assert all(word in result.stderr for word in words), result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], ["MODEL or from --data"]),
        (["no/such/folder"], ["no/such/folder", "check the path"]),
        (["--data", "no/such.csv"], ["no/such.csv"]),
        (["--data", "TABLE"], ["target"]),
        (["--data", "TABLE", "--target", "frod"], ["frod", "did you mean fraud"]),
        (["--data", "TABLE", "--target", "fraud", "--generator", "magic"], ["magic", "neighbourhood"]),
        (
            ["--data", "TABLE", "--target", "fraud", "--generator", "reject"],
            ["generator must be one of", "'reject'"],
        ),
        (["--data", "TABLE", "--target", "fraud", "--label", "maybe", "--save", "OUT"], ["maybe"]),
        (["--data", "TABLE", "--target", "fraud", "--save", "HOME"], ["new or empty folder"]),
        (["--data", "TABLE", "--target", "fraud", "--save", "TABLE"], ["new or empty folder"]),
    ],
)
def test_a_bad_source_ends_in_one_sentence(options: list[str], words: list[str], table: Path, tmp_path: Path) -> None:
    places = {"TABLE": str(table), "OUT": str(tmp_path / "saved"), "HOME": str(table.parent)}
    result = call(*(places.get(option, option) for option in options), "--out", tmp_path / "rows.csv")
    assert result.exit_code == 2, result.output
    assert all(word in result.stderr for word in words), result.stderr
    assert list(tmp_path.iterdir()) == []
    assert table.is_file()


def test_another_suffix_is_refused(saved: Path, tmp_path: Path) -> None:
    result = call(saved, "--out", tmp_path / "rows.xlsx")
    assert (result.exit_code, list(tmp_path.iterdir())) == (2, [])
    assert "rows.xlsx" in result.stderr


def test_a_damaged_generator_is_refused(saved: Path, tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text((saved / "settings.json").read_text())
    result = call(tmp_path)
    assert result.exit_code == 2
    assert "must be whole" in result.stderr


def test_a_shortfall_is_told_in_a_sentence() -> None:
    rows = frame(60)
    schema = infer(rows, "fraud")
    table = encode(schema, rows)
    few = proposals(table.X[:3], table.y[:3], table.row_number[:3], schema)
    samples = Samples(few, Request(Region(text="amount > 9"), None, 10), tried=40, sampling_method="rejection")
    delivery = Delivery(rows[:3], samples, seconds=0.5)
    assert "7 rows are lacking" in delivery.warnings[0]
    assert "3 of 10 rows of region 'amount > 9'" in delivery.summary
    assert "7.5% of 40" in delivery.summary
    assert Delivery(rows[:3], Samples(few, Request(Region(), None, 3), 3), 0.5).warnings == []
    obeying = Delivery(rows[:3], samples, seconds=0.5, refused={"amount > 9": 1200}).warnings
    assert "constraints refused 1,200 by 'amount > 9'" in obeying[0]


def test_proposals_are_told_from_rows_that_fit_their_label(table: Path, tmp_path: Path) -> None:
    fit = ("--data", table, "--target", "fraud", "--generator", "neighbourhood", "--save", tmp_path / "saved")
    first = call(*fit, "--n", 20, "--out", tmp_path / "rows.csv")
    again = call(tmp_path / "saved", "--n", 20, "--out", tmp_path / "rows.csv")
    for result in (first, again):
        assert result.exit_code == 0, result.output
        assert "labels here are not checked" in result.stderr
        assert "--generator tree_chain" in result.stderr


def test_constraints_do_not_change_the_shares_of_classes() -> None:
    """They refuse nearly all rows of one class, and hardly any of the other."""
    y = np.arange(2000) < 600
    data = pd.DataFrame({"amount": np.random.default_rng(0).normal(100, 10, 2000) + 40 * y, "y": y.astype(int)})
    schema = infer(data, "y")
    generator = Copula().fit(encode(schema, data), np.random.default_rng(0))
    gate = constraints(["amount < 120"])
    made = deliver(generator, Request(Region(), None, 500), schema, 0, gate)
    assert len(made.frame) == 500
    assert (made.frame["amount"] < 120).all()
    assert abs(made.frame["y"].mean() - 0.3) < 0.06
    assert sum(made.refused.values()) > 1000
    assert f"constraints refused {made.refused['amount < 120']:,} by 'amount < 120'" in made.summary
    one = deliver(generator, Request(Region(), 1, 50), schema, 0, gate).frame
    assert (len(one), one["y"].min()) == (50, 1)


def test_rows_that_repeat_each_other_are_told() -> None:
    rows = frame(10)
    schema = infer(rows, "fraud")
    table = encode(schema, rows)
    thrice = table.take(np.repeat(np.arange(3), 3))
    for way in ("importance", "native", "seeds"):
        samples = Samples(thrice, Request(Region(), None, 9), 20, way)  # type: ignore[arg-type]
        for which, words in (
            ([0, 0, 0, 1, 1, 1, 2, 2, 2], "3 of 9 rows are distinct"),
            ([4] * 9, "all 9 rows are equal"),
        ):
            assert words in " ".join(Delivery(rows.iloc[which], samples, 0.5).warnings)
        assert not Delivery(rows.iloc[:9], samples, 0.5).warnings


def test_a_run_without_its_configuration_is_refused(run_folder: Path, tmp_path: Path) -> None:
    copied = tmp_path / "run"
    shutil.copytree(run_folder, copied)
    (copied / "config.yaml").unlink()
    for folder in (copied, copied / "generator"):
        result = call(folder, "--n", 5)
        assert result.exit_code == 2
        assert "config.yaml" in result.output


def test_roles_that_the_source_names_are_no_features(tmp_path: Path) -> None:
    result = call(
        "--data", "simulation:customers=60,days=21,fraud_rate=0.05", "--n", 20, "--out", tmp_path / "r.parquet"
    )
    assert result.exit_code == 0, result.output
    assert "excluded time: time column" in result.stdout
    assert "time" not in pd.read_parquet(tmp_path / "r.parquet")


BOOK = Path(__file__).parents[3] / "experiments/configs/rules/cards.yaml"


def test_a_rule_book_makes_a_data_set_of_its_own(tmp_path: Path) -> None:
    out = tmp_path / "cards.parquet"
    assert call(BOOK, "--n", 500, "--out", out).exit_code == 0
    rows = pd.read_parquet(out)
    assert len(rows) == 500
    assert {"customer", "amount", "fraud", "scenario"} <= set(rows)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((BOOK, "--label", "1"), "a rule book alone"),
        ((BOOK, "--n", "0"), "--n must be between"),
        (("nowhere.yaml",), "must be a YAML file"),
    ],
)
def test_what_a_rule_book_cannot_do(words: tuple[object, ...], message: str) -> None:
    result = call(*words)
    assert result.exit_code == 2
    assert message in result.output
