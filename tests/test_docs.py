"""The pages under docs/ are code: their blocks run, their configurations load, their refusals are what is said."""

import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import yaml
from installed import install
from small_runs import frame
from typer.testing import CliRunner

from experiments.arms import names
from experiments.cli.app import app
from experiments.compare import compare
from experiments.config import strategies
from experiments.config.reader import load_config
from experiments.config.run_config import CommonConfig, RunConfig
from experiments.report import html
from experiments.run import artifacts
from experiments.run.inputs import gather, parts_of
from experiments.storage import run_folder
from experiments.tune.config import TuneConfig
from experiments.tune.space import COMMON
from generators.common import persistence
from generators.rules.rules import Rules
from learners import XGBoost
from loop.catalogue import FINDERS
from loop.cycle.driver import run_loop
from loop.data.encoding import encode
from loop.data.schema import infer
from loop.evaluation.calibration import Platt
from loop.frames import synthetic_frame
from loop.model import Model
from loop.testing.trackers import generation
from loop.tracking import load_settings

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = {path.stem: path.read_text(encoding="utf-8") for path in sorted(DOCS.glob("*.md"))}
SOURCE = {"data": {"source": "simulation"}}


def blocks(language: str, name: str) -> Iterator[tuple[int, str]]:
    """Yield the blocks of a language on a page, each with the number of its first line."""
    for found in re.finditer(rf"^```{language}\n(.*?)^```$", PAGES[name], flags=re.DOTALL | re.MULTILINE):
        yield PAGES[name][: found.start(1)].count("\n"), found[1]


def named_on(name: str) -> set[str]:
    """Return what a page writes as code within its text."""
    text = re.sub(r"^```.*?^```$", "", PAGES[name], flags=re.DOTALL | re.MULTILINE)
    return {each.rstrip("/") for each in re.findall(r"`([^`\n]+)`", text)}


def run_page(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Run the Python blocks of a page in order, in one namespace, and return it."""
    module = ModuleType(f"page_{name.replace('-', '_')}")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for line, block in blocks("python", name):
        exec(compile("\n" * line + block, str(DOCS / f"{name}.md"), "exec"), vars(module))
    return module


def test_the_pages() -> None:
    assert set(PAGES) == {
        *("your-data", "strategies", "report", "stress", "asking", "scale", "extend", "architecture"),
        *("trust", "arrays", "series", "images", "text"),
    }


def delivered_run() -> None:
    """Make what the blocks on new rows read: the model of a run, its export by the command of the page, and a file."""
    (command,) = re.findall(r"^\.venv/bin/weakspot (export .* --to xgboost-json)$", PAGES["your-data"], re.MULTILINE)
    schema = infer(frame(), "fraud", positive="yes")
    learner = XGBoost(trees=20).fit(encode(schema, frame()), np.random.default_rng(0))
    model = Model(schema, learner, Platt(0.8, (0.0, 0.1)))
    run_folder.save_model(model, Path(command.split()[1]) / run_folder.MODEL)
    assert CliRunner().invoke(app, command.split()).exit_code == 0
    frame(seed=1).to_csv("new.csv", index=False)


def test_python_of_your_data_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    delivered_run()
    module = run_page("your-data", monkeypatch)
    assert module.scores.shape == (240, 2)
    np.testing.assert_allclose(module.again, module.scores, rtol=0, atol=1e-6)
    assert module.p_malignant.shape == (len(module.X_test),)
    assert "roven gain" in capsys.readouterr().out


def test_the_notebook_on_fraud_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """In a small setting, cell after cell; what it prints is what its text promises."""
    monkeypatch.setenv("WEAKSPOT_SMALL", "1")
    text = (DOCS / "fraud.py").read_text(encoding="utf-8")
    assert text.startswith("# %% [markdown]\n")
    module = ModuleType("fraud")
    exec(compile(text, str(DOCS / "fraud.py"), "exec"), vars(module))
    printed = capsys.readouterr().out
    for words in ("generation 1 of 1", "roven gain", "loop: average precision", "highest scores", "ws_kind"):
        assert words in printed
    assert "Weak regions" in module.model._repr_html_()
    assert len(module.queue) == 20


def test_asking_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The page's oracle is asked forty questions, and the queue holds new rows."""
    module = run_page("asking", monkeypatch)
    printed = capsys.readouterr().out
    assert "ws_inclusion" in printed
    assert "of labels may be wrong" in printed
    assert (module.model.queue_.index >= 0).all()
    assert set(module.model.queue_["ws_kind"]) <= {"ask", "audit"}
    assert (module.found.positions[:20] < 90).mean() > 0.9


def test_texts_run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The page's chain writes texts of the rare class that are no copies, and the language model is not asked."""
    module = run_page("text", monkeypatch)
    assert "texts written word by word" in capsys.readouterr().out
    assert (module.made.table.y == module.table.schema.positive).all()
    assert len(module.made.table) > 0
    assert not set(module.made.table.rows.arrays["note"].tolist()) & set(module.frame["note"])
    assert module.model.tally.counts() == {}


def test_extensions_run_and_fit_the_catalogues(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The page's parts obey the laws, serve the estimator, and serve a run once a package names them."""
    monkeypatch.chdir(tmp_path)
    module = run_page("extend", monkeypatch)
    printed = capsys.readouterr().out
    assert printed.count("roven gain") == 3
    assert re.search(r"\d+ of 100 rows, [1-9]\d* short, in 100 tries", printed)
    assert (module.model.history_["count/short"] > 0).any()
    assert "worst radius" in printed

    lines = dict(re.findall(r'^"(\w+)": (.*),$', PAGES["extend"], flags=re.MULTILINE))  # the later of "tenths"
    assert lines.keys() == {"jitter", "nearest", "tenths"}
    assert lines["tenths"] == 'Strategy(finder="tenths")'
    ((_, pyproject),) = blocks("toml", "extend")
    groups = tomllib.loads(pyproject)["project"]["entry-points"]
    named = {name: place.split(":")[1] for group in groups.values() for name, place in group.items()}
    assert named == {"jitter": "Jitter", "nearest": "NearestVote", "tenths": "Tenths"}
    assert all(lines[name].strip('"').split(":")[1] == named[name] for name in ("jitter", "nearest"))
    places = {
        group: {name: place.replace("my_parts", module.__name__) for name, place in each.items()}
        for group, each in groups.items()
    }
    install(tmp_path / "site", places, monkeypatch)
    monkeypatch.setitem(strategies.STRATEGIES, "tenths", strategies.Strategy(finder="tenths"))  # type: ignore[call-overload]
    ((_, block),) = blocks("yaml", "extend")
    (tmp_path / "mine.yaml").write_text(block)
    config = load_config(RunConfig, tmp_path / "mine.yaml")
    inputs = gather(config.data, config.loop)
    looped = run_loop(parts_of(config, inputs.train), inputs.train, inputs.folds, np.random.default_rng(0))
    model = Model(inputs.schema, looped.outcome.learner)
    run_folder.save_model(model, tmp_path / "model")
    answers = run_folder.load_model(tmp_path / "model").predict_proba(inputs.example)
    np.testing.assert_array_equal(answers, model.predict_proba(inputs.example))
    persistence.save(looped.prepared.generators[-1][-1], tmp_path / "generator")
    assert isinstance(run_folder.load_generator(tmp_path / "generator")[0], module.Jitter)


CONFIGS = [
    pytest.param(block, id=f"{name}.md line {line}")
    for name in PAGES
    if name != "extend"
    for line, block in blocks("yaml", name)
]


def stated_book() -> str:
    """Return the rule book of the page on patterns that have not happened."""
    (book,) = (block for _, block in blocks("yaml", "stress") if "scenarios" in yaml.safe_load(block))
    return book


@pytest.mark.parametrize("block", CONFIGS)
def test_configurations_load(block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    content, path = yaml.safe_load(block), tmp_path / "page.yaml"
    if "scenarios" in content:
        path.write_text(block)
        assert Rules(path).stated
        return
    if "tracking_uri" in content:
        path.write_text(block)
        assert vars(load_settings(path)) == content
        return
    for supply in content.get("supplies", []):
        if "book" in supply:
            (tmp_path / supply["book"]).write_text(stated_book())
    kind: type[CommonConfig] = RunConfig
    if "sources" in content:
        kind = TuneConfig if content.keys() & {"space", "trials", "most_cost"} else compare.CompareConfig
    elif "data" not in content:
        content = SOURCE | content
    path.write_text(yaml.safe_dump(content))
    load_config(kind, path)


def test_links_into_pages_find_their_headings() -> None:
    """Links without an anchor are tested with the README."""
    texts = {DOCS / f"{name}.md": text for name, text in PAGES.items()}
    texts[ROOT / "README.md"] = (ROOT / "README.md").read_text(encoding="utf-8")
    for home, text in texts.items():
        for link, anchor in re.findall(r"\]\((?!http)([^)#]*)#([^)]+)\)", text):
            page = (home.parent / link).resolve() if link else home
            headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}, link


def test_configurations_that_the_pages_name_are_there() -> None:
    named = {path for text in PAGES.values() for path in re.findall(r"experiments/configs/[\w/]+\.yaml", text)}
    assert named
    assert [path for path in named if not (ROOT / path).is_file()] == []


def refusals() -> list[tuple[list[str], str]]:
    found = re.findall(r"^\$ weakspot (.*)\n(.*)$", PAGES["your-data"], flags=re.MULTILINE)
    return [(command.split(), sentence) for command, sentence in found]


@pytest.mark.parametrize(("words", "sentence"), refusals(), ids=[" ".join(words) for words, _ in refusals()])
def test_refusals_are_what_the_page_says(
    words: list[str], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    frame().drop(columns="abroad").to_csv("payments.csv", index=False)
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 2
    assert result.stderr == f"{sentence}\n"


def section_keys(model: type[Any]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield name
        if hasattr(field.annotation, "model_fields"):
            yield from section_keys(field.annotation)


def words_of_configurations(name: str) -> set[str]:
    """Return the keys of all configurations on a page, however deep."""

    def keys(content: object) -> Iterator[str]:
        if isinstance(content, Mapping):
            for key, value in content.items():
                yield str(key)
                yield from keys(value)

    return {key for _, block in blocks("yaml", name) for key in keys(yaml.safe_load(block))}


def test_the_page_on_data_shows_every_key_of_a_run() -> None:
    assert set(section_keys(RunConfig)) - words_of_configurations("your-data") == set()


def test_the_page_on_strategies_shows_every_key_of_a_search() -> None:
    own = set(TuneConfig.model_fields) - set(CommonConfig.model_fields)
    assert own - words_of_configurations("strategies") == set()


def test_the_page_on_strategies_names_what_there_is() -> None:
    assert named_on("strategies") >= {
        *strategies.STRATEGIES,
        *FINDERS.names(),
        *compare.FILES,
        "pareto.png",
        "critical_difference.png",
    }
    varied = {key.removesuffix(".name").split(".")[-1] for key in COMMON}
    sentence = re.search(r"Without\s+a\s+space\s+the\s+search\s+varies\s+(.*?)\.", PAGES["strategies"], flags=re.DOTALL)
    assert sentence
    assert all(key in sentence[1] for key in varied)


@pytest.mark.parametrize("figures", ["compare", "tune", "curves", "fraud"])
def test_measured_figures_stand_below_a_heading_of_their_own(figures: str) -> None:
    text = PAGES["strategies"]
    if f"<!-- figures: {figures} -->" in text:
        before = text.split(f"<!-- figures: {figures} -->")[0]
        assert "<!--" not in before[before.rindex("\n#") :]


def test_the_page_on_reports_names_every_section_and_file() -> None:
    template = (ROOT / "experiments" / "templates" / "report.html.j2").read_text(encoding="utf-8")
    headings = set(re.findall(r'call folded\("[a-z-]+", "([^"]+)"\)', template))
    assert len(headings) >= 10
    assert headings - set(re.findall(r"^### (.*)$", PAGES["report"], flags=re.MULTILINE)) == set()
    for heading in set(re.findall(r"<h3>(.*?)</h3>", template)):
        assert heading.lower() in PAGES["report"].lower(), heading
    assert {*artifacts.FILES, *html.DRIFT} - named_on("report") == set()


def test_the_page_on_reports_names_arms_reasons_and_trail() -> None:
    named = named_on("report")
    assert {names.REAL_ONLY, *names.CHEAP, *names.PLAIN_KINDS, names.TARGETED, names.TEACHER} - named == set()
    gates = "".join((ROOT / "loop" / "gates" / f"{name}.py").read_text() for name in ("domain", "copies", "label"))
    reasons = set(re.findall(r'"((?:not|missing|unknown|out|copy|label) [a-z ]+)"', gates))
    assert len(reasons) >= 8
    assert reasons - named == set()
    trail = {
        name for name in synthetic_frame([generation(1)]) if name.startswith("ws_") and not name.startswith("ws_p_")
    }
    assert trail - named == set()
