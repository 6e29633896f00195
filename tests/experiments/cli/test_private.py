"""``weakspot generate --generator private_tree``: what must be stated, what is refused, and what is told."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from commands import refused, refused_run
from small_runs import content, frame, write
from typer.testing import CliRunner, Result

from experiments.cli.app import app
from experiments.config.statement import Statement, spelled
from experiments.data.stated import stated_table

STATED = {
    "target": "fraud",
    "classes": ["no", "yes"],
    "columns": {
        "amount": {"kind": "numeric", "low": 0, "high": 1000, "decimals": 2},
        "card": {"kind": "categorical", "categories": ["a", "b", "1"], "missing": True},
        "city": {"kind": "categorical"},
        "visits": {"kind": "integer"},
        "night": {"kind": "boolean", "missing": True},
    },
}


def payments(n: int = 3000) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    fraud = rng.random(n) < 0.1
    columns = {
        "amount": np.round(rng.lognormal(3 + fraud, 1), 2),
        "card": rng.choice(["a", "b", "1", ""], n),
        "city": rng.choice(["rome", "oslo"], n),
        "visits": rng.poisson(4, n),
        "night": rng.choice(["true", "false", ""], n),
        "who": rng.integers(0, 900, n),
        "fraud": np.where(fraud, "yes", "no"),
    }
    return pd.DataFrame(columns)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("private")
    payments().to_csv(folder / "payments.csv", index=False)
    (folder / "stated.yaml").write_text(yaml.safe_dump(STATED))
    return folder


def options(place: Path, *more: object) -> list[str]:
    told = ["--data", place / "payments.csv", "--generator", "private_tree", *more]
    return ["generate", *(str(each) for each in told)]


def call(place: Path, *more: object) -> Result:
    return CliRunner().invoke(app, options(place, *more))


def test_rows_of_a_fit_and_of_its_folder(place: Path) -> None:
    told = ("--epsilon", 3, "--schema", place / "stated.yaml", "--group", "who", "--most-rows-per-group", 3)
    out = place / "rows.parquet"
    result = call(place, *told, "--save", place / "kept", "--n", 200, "--where", "amount > 100", "--out", out)
    assert result.exit_code == 0, result.output
    assert "(3, 1e-06)-differentially private for tables that differ by all rows of one group" in result.output
    assert "cannot be repeated" in result.output
    rows = pd.read_parquet(out)
    assert len(rows) == 200
    assert (rows["amount"] > 100).all()
    assert set(rows["city"]) <= {"rome", "oslo"}
    assert {path.name for path in (place / "kept").iterdir()} == {
        "settings.json",
        "marginals.npz",
        "files.json",
        "provenance.json",
    }
    (table,) = json.loads((place / "kept" / "provenance.json").read_text())["inputs"]
    assert (table["name"], table["sha256"]) == ("payments.csv", None)  # a digest would let a guess be tried
    assert "noise of counts drawn by" in result.output
    again = [
        CliRunner().invoke(app, ["generate", str(place / "kept"), "--n", "20", "--label", "yes"]) for _ in range(2)
    ]
    assert again[0].exit_code == 0, again[0].output
    assert again[0].stdout == again[1].stdout


def test_what_must_be_stated(place: Path) -> None:
    schema = ("--schema", place / "stated.yaml")
    assert "--epsilon is not given" in refused(*options(place))
    assert "--schema FILE is not given" in refused(*options(place, "--epsilon", 1))
    assert "belong together" in refused(*options(place, "--epsilon", 1, *schema, "--group", "who"))
    assert "must be that of --schema" in refused(*options(place, "--epsilon", 1, *schema, "--target", "city"))
    assert "epsilon must be above 0" in refused(*options(place, "--epsilon", 0, *schema))
    other = ["generate", "--data", place / "payments.csv", "--target", "fraud", "--epsilon", 1]
    assert "only private_tree protects rows" in refused(*other)
    assert "'nowhere'" in refused(
        *options(place, "--epsilon", 1, *schema, "--group", "nowhere", "--most-rows-per-group", 1)
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classes": ["no"]}, "classes"),
        ({"classes": ["1", "1.0"]}, "is there twice"),
        ({"classes": ["", ""]}, "is there twice"),
        ({"classes": ["1", 2]}, "quote them"),
        ({"columns": {"amount": {"kind": "number"}}}, "kind"),
        ({"columns": {"amount": {"kind": "numeric", "low": 3, "high": 1}}}, "low must be below high"),
        ({"columns": {"city": {"kind": "categorical", "low": 3}}}, "are of numbers"),
        ({"columns": {"amount": {"kind": "numeric", "categories": ["a"]}}}, "are of kind categorical"),
        ({"columns": {"fraud": {"kind": "boolean"}}}, "must not hold the target"),
        ({"colums": {}}, "colums"),
    ],
)
def test_bad_statements(place: Path, tmp_path: Path, change: dict[str, object], message: str) -> None:
    (tmp_path / "bad.yaml").write_text(yaml.safe_dump(STATED | change))
    assert message in refused(*options(place, "--epsilon", 1, "--schema", tmp_path / "bad.yaml"))


def test_a_run_refuses_it(tmp_path: Path) -> None:
    settings = content(write(tmp_path, frame()), tmp_path / "out") | {"generator": {"name": "private_tree"}}
    assert "private_tree must stand alone" in refused_run(tmp_path, settings)


def test_no_row_changes_how_another_is_read() -> None:
    """Pandas reads whole numbers as fractions where one is missing; then 1 is no longer the category "1"."""
    statement = Statement.model_validate(STATED)
    rows = payments(50)
    odd = rows.iloc[:3].assign(card=[2.5, True, "zzz"], visits=["many", np.inf, 1e300], night=["x", 3, ""])
    alone = stated_table(rows, statement)
    beside = stated_table(pd.concat([rows.astype(object), odd.astype(object)]), statement)
    np.testing.assert_array_equal(alone.X, beside.X[:50])
    assert np.isnan(beside.X[50:, 1]).all()
    unknown = rows.assign(fraud=["maybe", *rows["fraud"][1:]])
    assert len(stated_table(unknown, statement)) == 49  # a row of no stated class is left out, without a word


@pytest.mark.parametrize(("one", "other"), [(1, "1"), (1.0, " 1"), (True, "true"), (True, "True"), ("a", "a ")])
def test_values_are_the_same_however_they_are_stored(one: object, other: object) -> None:
    assert spelled(one) == spelled(other)
    assert spelled("01x") != spelled("1x")


def test_no_digest_of_protected_rows_is_told(place: Path, tmp_path: Path) -> None:
    """It would let anybody try whether a table is the one behind the rows."""
    out = tmp_path / "rows.parquet"
    words = options(place, "--schema", place / "stated.yaml", "--epsilon", 1, "--n", 50, "--out", out)
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    digest = hashlib.sha256((place / "payments.csv").read_bytes()).hexdigest()
    left = [path for path in tmp_path.iterdir() if digest.encode() in path.read_bytes()]
    assert left == []
    assert len(list(tmp_path.iterdir())) == 3  # rows, description, card
    assert "protected" in refused(*words, "--balance", "card")
