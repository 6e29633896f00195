"""Supplies of rows from a file without labels: what is refused, what is told, and a run that learns from them."""

from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from rich.console import Console
from small_runs import content, frame, write

from experiments.config.reader import load_config
from experiments.config.run_config import RunConfig
from experiments.run.given import notes
from experiments.run.inputs import RunInputs, gather, parts_of
from experiments.run.run import RunResult, run
from experiments.run.statements import overlaps
from loop.cycle.parts import Parts
from loop.data.encoding import encode_features
from loop.data.split import equal_to
from loop.errors import ConfigError, WeakspotError
from loop.supplies.acquisition import Entropy, Gap, Uniform
from loop.supplies.given import GivenRows
from loop.supplies.labelling import ByTeacher

TABLE, ROWS = 400, 1000
BOOK = {
    "target": "fraud",
    "columns": {"amount": {"from": "exponential", "mean": 50}, "shop": {"from": "choice", "values": ["toys", "fuel"]}},
    "scenarios": {
        "high": {"weight": 1, "label": "yes", "columns": {"amount": {"from": "uniform", "low": 90, "high": 500}}},
        "toys": {"weight": 1, "label": "no", "columns": {"shop": {"from": "choice", "values": ["toys"]}}},
        "low": {
            "weight": 1,
            "label": {"probabilities": {"no": 0.9, "yes": 0.1}},
            "columns": {"amount": {"from": "uniform", "low": 0, "high": 20}},
        },
    },
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a table of 400 rows, a book, and a file of 600 other rows with 30 of the table."""
    table = frame(ROWS)
    write(tmp_path, table[:TABLE])
    write(tmp_path, table[TABLE - 30 :].drop(columns="fraud"), "pool.csv")
    (tmp_path / "book.yaml").write_text(yaml.safe_dump(BOOK))
    return tmp_path


def config_of(folder: Path, *supplies: dict[str, object] | str, **changes: object) -> RunConfig:
    told = [
        each
        if isinstance(each, str)
        else each | {key: str(folder / str(each[key])) for key in ("book", "unlabelled") if key in each}
        for each in supplies
    ]
    return load_config(RunConfig, None, content(folder / "table.csv", folder / "out", **changes) | {"supplies": told})


def made(folder: Path, *supplies: dict[str, object] | str) -> tuple[Parts, RunInputs]:
    config = config_of(folder, *supplies)
    inputs = gather(config.data, config.loop)
    return parts_of(config, inputs.train, inputs), inputs


def test_rows_of_a_file_are_taught_and_never_those_of_the_table(place: Path) -> None:
    parts, inputs = made(place, "taught", {"unlabelled": "pool.csv", "rows": 500})
    supply, taught = parts.supplies
    assert (supply.name, supply.rows, supply.stated, supply.aimed) == ("taught: pool.csv", 500, False, True)
    assert taught.name == "taught"
    assert isinstance(supply.labeller, ByTeacher)
    assert isinstance(supply.generator, GivenRows)
    assert len(supply.generator.frame) == ROWS - TABLE
    X = encode_features(inputs.schema, supply.generator.frame).X
    assert not equal_to(X, np.concatenate([inputs.train.X, inputs.test.X])).any()
    train, test, shift = notes(parts)
    counts = [int(words.split("refused ")[1].split()[0]) for words in (train, test)]
    assert sum(counts) == 30
    assert min(counts) > 0
    assert train.startswith("taught: pool.csv: refused ")
    assert "equal to a test row" in test
    assert "600 rows to choose from" in shift


@pytest.mark.parametrize(("name", "kind"), [("gap", Gap), ("doubt", Entropy), ("random", Uniform)])
def test_they_are_chosen_by_an_acquisition(place: Path, name: str, kind: type) -> None:
    parts, _ = made(place, {"unlabelled": "pool.csv", "acquisition": name})
    assert isinstance(parts.supplies[0].acquisition, kind)
    assert parts.supplies[0].rows == 2000


def test_values_beyond_the_table_are_real_too(place: Path) -> None:
    parts, inputs = made(place, {"unlabelled": "pool.csv"})
    far = inputs.train.take(np.arange(1))
    far.X[:, 0] = 1e6
    (gate, *_) = parts.supplies[0].gates
    assert gate.judge(far, inputs.train, np.random.default_rng(0)).keep.all()


@pytest.mark.parametrize(
    ("supply", "words"),
    [
        ({"unlabelled": "none.csv"}, "none.csv does not exist"),
        ({"unlabelled": "empty.csv"}, "empty.csv is empty"),
        ({"unlabelled": "header.csv"}, "must hold rows and columns"),
        ({"unlabelled": "narrow.csv"}, "column 'age' must be in the data"),
        ({"unlabelled": "table.csv"}, "rows to learn from must be new, and all 400 of"),
        ({"unlabelled": "made.csv"}, "rows to learn from must be real"),
        ({"unlabelled": "pool.csv", "rows": 0}, "rows must be greater than or equal to 1, got 0"),
        (
            {"unlabelled": "pool.csv", "acquisition": "best"},
            "acquisition must be 'gap', 'doubt' or 'random'",
        ),
        (
            {"unlabelled": "pool.csv", "labeller": "x"},
            "may hold unlabelled, rows, acquisition, licence, origin, got 'lab",
        ),
        (
            {"book": "book.yaml", "unlabelled": "pool.csv", "labeller": "x"},
            "book, unlabelled, rows, licence, origin, got 'lab",
        ),
        ({"book": "none.yaml", "unlabelled": "pool.csv"}, "none.yaml cannot be read"),
        ({"book": "rare.yaml", "unlabelled": "pool.csv"}, "none of 600 in"),
        ({"book": "drawn.yaml", "unlabelled": "pool.csv"}, "must have a class or probabilities as its label"),
        ({"book": "own.yaml", "unlabelled": "pool.csv"}, "must have a class or probabilities as its label"),
    ],
)
def test_bad_files_get_one_sentence_before_any_work(place: Path, supply: dict[str, object], words: str) -> None:
    (place / "empty.csv").write_text("")
    pool = pd.read_csv(place / "pool.csv")
    write(place, pool[:0], "header.csv")
    write(place, pool.drop(columns="age"), "narrow.csv")
    write(place, pool.assign(ws_supply=0), "made.csv")
    rare = {"from": "uniform", "low": 2000, "high": 3000}
    where = {"target": "fraud", "from_rows": {}, "scenarios": {"a": {"label": "yes", "columns": {"amount": rare}}}}
    (place / "rare.yaml").write_text(yaml.safe_dump(where))
    drawn = {"from": "choice", "values": ["yes", "no"]}
    (place / "drawn.yaml").write_text(yaml.safe_dump({**BOOK, "label": drawn, "scenarios": {"a": {"weight": 1}}}))
    where = {"target": "fraud", "from_rows": {}, "scenarios": {"a": {"columns": {"amount": rare}}}}
    (place / "own.yaml").write_text(yaml.safe_dump(where))
    with pytest.raises(WeakspotError) as caught:
        made(place, supply)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_twice_and_a_loop_without_test_rows_are_refused(place: Path) -> None:
    with pytest.raises(ConfigError, match=r"supplies must give each file once, got 'taught: pool.csv' twice"):
        made(place, {"unlabelled": "pool.csv"}, {"unlabelled": "pool.csv", "acquisition": "doubt"})
    config = config_of(place, {"unlabelled": "pool.csv"})
    with pytest.raises(ConfigError, match="rows of a file must be compared with test rows"):
        parts_of(config, gather(config.data, config.loop).train)
    voted = {"book": str(place / "book.yaml"), "unlabelled": str(place / "pool.csv")}
    settings = content(place / "table.csv", place / "out") | {"supplies": [voted], "deliver": "stated", "arms": {}}
    with pytest.raises(ConfigError, match="deliver may be 'stated' only if supplies hold a rule book that makes rows"):
        load_config(RunConfig, None, settings)


def test_the_files_count_as_settings(place: Path) -> None:
    config = config_of(place, {"unlabelled": "pool.csv"}, {"book": "book.yaml", "unlabelled": "pool.csv"})
    assert sorted(Path(name).name for name in config.files()) == ["book.yaml", "pool.csv"]


def test_scenarios_vote_and_what_they_are_worth_is_told(place: Path) -> None:
    parts, inputs = made(place, {"book": "book.yaml", "unlabelled": "pool.csv", "rows": 100})
    (supply,) = parts.supplies
    assert (supply.name, supply.stated, supply.aimed) == ("stated: book.yaml in pool.csv", True, False)
    said = [words.removeprefix("stated: book.yaml in pool.csv: ") for words in notes(parts)]
    pool, train = frame(ROWS)[TABLE:], frame(ROWS).iloc[inputs.train.row_number]
    high, known = pool["amount"].between(90, 500), train[train["amount"].between(90, 500)]
    right = (known["fraud"] == "yes").sum()
    assert (
        f"scenario 'high': {high.sum()} rows meet it; of {len(known)} labelled rows that meet it, {right} are of class "
        "'yes'" in said
    )
    toys, low = pool["shop"] == "toys", pool["amount"].between(0, 20)
    assert any(words.endswith("are of class 'no', 90% is stated") for words in said)
    labelled, conflicts = ((high | toys | low) & ~(high & toys)).sum(), (high & toys).sum()
    assert conflicts > 0
    told = f"{labelled} of 600 rows get a label ({labelled / 600:.1%})"
    assert said[-1] == f"{told}; {conflicts} that get different classes are left out"
    assert list(overlaps(parts, inputs.train, 0)) == []  # told by the counts already


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunResult, str]:
    folder = tmp_path_factory.mktemp("given")
    table = frame(ROWS)
    write(folder, table[:TABLE])
    write(folder, table[TABLE - 30 :].drop(columns="fraud"), "pool.csv")
    (folder / "book.yaml").write_text(yaml.safe_dump(BOOK))
    supplies = ({"unlabelled": "pool.csv", "rows": 200}, {"book": "book.yaml", "unlabelled": "pool.csv", "rows": 100})
    config = config_of(folder, *supplies)
    config = config.model_copy(update={"arms": config.arms.model_copy(update={"run": False})})
    console = Console(file=StringIO(), width=200)
    return run(config, console), console.file.getvalue()  # type: ignore[attr-defined]


def test_a_run_learns_from_them_and_says_where_they_came_from(result: tuple[RunResult, str]) -> None:
    done, said = result
    assert done.report is not None
    assert "taught: pool.csv: refused" in said
    assert "labelled rows that meet it" in said
    assert [each.supply for each in done.history][:2] == ["stated: book.yaml in pool.csv", "taught: pool.csv"]
    rows = [each.rows for each in done.history]
    whole = np.concatenate([each.X for each in rows if len(each)])
    kept = np.concatenate([each.rows.X for each in done.history if each.decision.kept])
    assert len(np.unique(kept, axis=0)) == len(kept)
    assert len(whole) > 100
    for each in done.history:
        assert (each.rows.generation == each.index).all()
        assert not each.rows.is_real.any()
        assert (each.rows.parents == -1).all()
        assert each.rows.soft is not None
    assert any(((each.soft > 0.01) & (each.soft < 0.99)).any() for each in rows if each.soft is not None)
    assert done.report.patterns == []
    trail = pd.read_parquet(done.folder / "synthetic.parquet")
    assert {"taught: pool.csv", "stated: book.yaml in pool.csv"} >= set(trail["ws_supply"])
