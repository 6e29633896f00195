"""Names and values that would act: every command shows them written out, and keeps them exactly in rows and JSON."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
import yaml
from hostile import BIDI, ESC, FORMULA, MARKDOWN, PAGE, table, unseen_in, written
from small_runs import content
from typer.testing import CliRunner, Result

from experiments.cli.app import app
from experiments.report.report import Report
from experiments.run.verdict import description

FRAME = table()
*FEATURES, TARGET = FRAME.columns
CAUGHT = next(name for name in FRAME[TARGET] if name.startswith("yes"))


def told(*words: object, code: int = 0) -> Result:
    """Call the command; return what it said once sure that all of it is seen and none of it ends a sentence."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == code, (result.output, result.exception)
    assert not unseen_in(result.stderr), result.stderr
    return result


def shown(*words: object, code: int = 0) -> str:
    result = told(*words, code=code)
    assert not unseen_in(result.stdout), result.stdout
    return result.stdout + result.stderr


def texts(value: object) -> list[str]:
    """Return keys and values of all that JSON holds."""
    inside = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []
    return [value] if isinstance(value, str) else [text for each in inside for text in texts(each)]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("place")


@pytest.fixture(scope="module")
def config(place: Path) -> Path:
    settings = content(written(place / f"pay{BIDI}[red]|{ESC.replace('/', '')}.parquet", FRAME), place / "out")
    settings["data"] = {**settings["data"], "target": TARGET, "positive": CAUGHT}  # type: ignore[dict-item]
    settings |= {"fairness": {"columns": [FEATURES[5]]}, "arms": {"run": False, "tuning": False, "plain": False}}
    path = place / "config.yaml"
    path.write_text(yaml.safe_dump(settings))
    return path


@pytest.fixture(scope="module")
def said(config: Path) -> str:
    return shown("run", config)


@pytest.fixture(scope="module")
def folder(place: Path, said: str) -> Path:
    (made,) = [path for path in (place / "out").iterdir() if not path.name.startswith(".")]
    return made


class Page(HTMLParser):
    """Collects tags and attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


def check_page(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    page = Page(text)
    assert not unseen_in(text)
    assert not page.tags & {"script", "img"}
    assert not [name for name in page.attributes if name.startswith("on")]


def test_run(said: str, folder: Path) -> None:
    assert r"target\x1b[1m" in said
    assert "[red]r[/red]" in said  # no mark of style
    assert ":boom:" in said
    assert re.fullmatch(r"[\w.\-]+", folder.name), folder.name


def test_report(folder: Path) -> None:
    assert FEATURES[5].split()[0] in shown("report", folder)
    check_page(folder / "report.html")


def test_the_rows_are_exact(folder: Path) -> None:
    made = pd.read_parquet(folder / "synthetic.parquet")
    assert set(FEATURES) <= set(made.columns)
    assert set(made[FEATURES[1]]) <= set(FRAME[FEATURES[1]])


def test_json_is_exact(config: Path) -> None:
    assert CAUGHT in texts(json.loads(shown("run", config, "--dry-run", "--json")))
    shown("run", config, "--dry-run")


def test_descriptions(folder: Path) -> None:
    text = description(Report.load(folder))
    assert not unseen_in(text)
    assert not re.search(r"<|`|\]\(|://", text)


def test_predict(folder: Path, place: Path) -> None:
    new = FRAME.assign(**{FEATURES[1]: f"new {ESC}", FEATURES[2]: None})
    data, out = written(place / "new.parquet", new), place / "scores.csv"
    told("predict", folder, "--data", data, "--keep", f'"{FEATURES[1]}"', "--reasons", 2, "--at", "precision 0.9")
    shown("predict", folder, "--data", data, "--keep", f'"{FEATURES[1]}"', "--out", out)
    assert set(pd.read_csv(out)[FEATURES[1]]) == {f"new {ESC}"}
    shown("predict", folder, "--data", data, "--keep", BIDI, code=2)
    shown("predict", folder, "--data", written(place / "less.parquet", new.drop(columns=FEATURES[0])), code=2)


def test_cells_that_a_spreadsheet_would_run(folder: Path, place: Path) -> None:
    data, out = written(place / "formulas.parquet", FRAME), place / "cells.csv"
    keep = ",".join(f'"{name.replace(chr(34), chr(34) * 2)}"' for name in (FEATURES[1], FEATURES[3]))
    words = ("predict", folder, "--data", data, "--keep", keep, "--out", out)
    many = int(FRAME[FEATURES[1]].str.startswith("=").sum()) + 1
    assert f"{many:,} cells begin as formulas do, which a spreadsheet would run: --spreadsheet-safe" in shown(*words)
    assert FEATURES[3] in pd.read_csv(out)
    assert f"{many:,} cells begin as formulas do, and got an apostrophe" in shown(*words, "--spreadsheet-safe")
    safe = pd.read_csv(out)
    assert f"'{FEATURES[3]}" in safe
    assert safe[f"'{FEATURES[3]}"].dtype == float
    assert not safe[FEATURES[1]].str.startswith("=").any()
    assert "--out is rows.parquet" in shown(*words[:-1], place / "rows.parquet", "--spreadsheet-safe", code=2)


def test_generate(config: Path, place: Path) -> None:
    data = yaml.safe_load(config.read_text())["data"]["source"]
    words = ("generate", "--data", data, "--target", TARGET, "--generator", "resample", "--n", 60)
    assert "cells begin as formulas" in shown(*words, "--out", place / "made.csv")
    assert set(pd.read_csv(place / "made.csv")[FEATURES[1]]) <= set(FRAME[FEATURES[1]])
    assert "apostrophe" in shown(*words, "--out", place / "made.csv", "--spreadsheet-safe")
    assert "apostrophe" in told(*words, "--spreadsheet-safe").stderr
    shown(*words, "--label", ESC + MARKDOWN, code=2)
    shown(*words, "--where", f"`{FEATURES[1]}` == '{PAGE}{BIDI}'", code=2)


def test_stress(folder: Path, place: Path) -> None:
    book = {
        "scenarios": {
            f"pattern {ESC}{PAGE}": {
                "label": CAUGHT,
                "from_rows": {},
                "columns": {FEATURES[1]: {"from": "choice", "values": [FORMULA + BIDI]}},
            }
        }
    }
    path = place / f"book{BIDI}.yaml"
    path.write_text(yaml.safe_dump(book))
    out = place / "stress"
    assert "pattern" in shown("stress", folder, "--book", path, "--rows", 50, "--out", out)
    check_page(out / "stress.html")
    compile((out / "test_stress.py").read_text(), "test_stress.py", "exec")


def test_queue_and_answer(folder: Path, place: Path) -> None:
    pool = written(place / f"pool{BIDI}.parquet", table(60, seed=1).drop(columns=TARGET))
    shown("queue", folder, "--pool", pool, "--n", 10)
    (queue,) = place.rglob("queue.csv")
    filled = pd.read_csv(queue, dtype=str, keep_default_na=False)
    filled["label"] = f"neither {ESC}"
    filled.to_csv(place / f"filled{BIDI}.csv", index=False)
    shown("answer", folder, place / f"filled{BIDI}.csv", code=2)
    filled["label"] = CAUGHT
    filled.to_csv(place / f"filled{BIDI}.csv", index=False)
    shown("answer", folder, place / f"filled{BIDI}.csv")


def test_compare(config: Path, place: Path) -> None:
    settings = yaml.safe_load(config.read_text())
    settings |= {"sources": [settings.pop("data")], "seeds": [0], "strategies": ["targeted"]}
    settings["arms"] = {"run": False, "plain": False}
    path = place / "compare.yaml"
    path.write_text(yaml.safe_dump(settings))
    shown("compare", path)
