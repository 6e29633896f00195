"""The section ``supplies``: what it may hold, and what a run with a stated pattern does from end to end."""

import copy
from io import StringIO
from pathlib import Path

import pytest
import yaml
from rich.console import Console
from small_runs import PATTERN, content, frame, write

from experiments.arms.names import WITH_STATED
from experiments.config.reader import load_config
from experiments.config.run_config import RunConfig
from experiments.report.terminal import show
from experiments.run.inputs import gather, parts_of
from experiments.run.run import RunResult, run
from experiments.run.statements import overlaps
from loop.errors import ConfigError
from loop.gates import Contradicted
from loop.regions import ByClass
from loop.supplies.acquisition import Blindness, Entropy, Uniform, Variance
from loop.supplies.labelling import ByCondition, ByTeacher


def book(folder: Path, **scenarios: object) -> str:
    path = folder / "book.yaml"
    path.write_text(yaml.safe_dump({"target": "fraud", "scenarios": scenarios or {"young": PATTERN}}))
    return str(path)


def config_of(folder: Path, *supplies: object, **changes: object) -> RunConfig:
    settings = content(write(folder, frame(400)), folder / "out", **changes)
    return load_config(RunConfig, None, settings | {"supplies": list(supplies)})


def test_one_supply_for_each_scenario_asked_before_the_taught_one(tmp_path: Path) -> None:
    other = {**copy.deepcopy(PATTERN), "label": "no"}
    path = book(tmp_path, young=PATTERN, other=other)
    config = config_of(tmp_path, "taught", {"book": path, "rows": 50, "acquisition": "random", "labeller": "teacher"})
    *stated, taught = parts_of(config, gather(config.data, config.loop).train).supplies
    assert ({each.name for each in stated}, taught.name) == ({"stated: young", "stated: other"}, "taught")
    young = stated[0]
    assert isinstance(young.acquisition, Uniform)
    assert isinstance(young.labeller, ByTeacher)
    assert (young.rows, young.aimed, young.stated) == (50, False, True)
    assert [gate.columns for gate in young.gates if isinstance(gate, Contradicted)] == [()]


def test_of_a_book_without_base_rows_the_stated_columns_are_told(tmp_path: Path) -> None:
    path = tmp_path / "free.yaml"
    path.write_text(yaml.safe_dump({"target": "fraud", "label": "yes", "columns": PATTERN["columns"]}))
    config = config_of(tmp_path, {"book": str(path)})
    (supply,) = parts_of(config, gather(config.data, config.loop).train).supplies
    (gate,) = (gate for gate in supply.gates if isinstance(gate, Contradicted))
    assert set(gate.columns) == {"shop", "age", "amount"}


def test_defaults_aim_at_what_the_learner_is_blind_to(tmp_path: Path) -> None:
    config = config_of(tmp_path, {"book": book(tmp_path)})
    (young,) = parts_of(config, gather(config.data, config.loop).train).supplies
    assert isinstance(young.acquisition, Blindness)
    assert isinstance(young.labeller, ByCondition)
    assert young.rows == 400
    assert list(config.files()) == [str(tmp_path / "book.yaml")]


@pytest.mark.parametrize(
    ("supplies", "words"),
    [
        ([], "supplies must name where new rows come from, got none"),
        (["tought"], "supplies must hold taught, a strategy (targeted, untargeted, doubt,"),
        (["doubt", "tought"], "or a mapping with the key book or unlabelled, got 'tought'"),
        ([["doubt"]], "or a mapping with the key book or unlabelled, got ['doubt']"),
        ("taught", "supplies must be a list, got 'taught'"),
        ([{"book": "missing.yaml"}], "missing.yaml cannot be read"),
        ([{"book": "BOOK", "scenario": "old"}], "scenario must be one of young, got 'old'"),
        ([{"book": "BOOK", "rows": 0}], "rows must be greater than or equal to 1, got 0"),
        ([{"book": "BOOK", "labeller": "guess"}], "labeller must be"),
        (
            [{"book": "BOOK", "sort": 1}],
            "supplies.0 may hold book, scenario, rows, acquisition, labeller, real_rows, licence, origin, got 'sort'",
        ),
        (
            [{"book": "BOOK", "stated": 1}],
            "supplies.0 may hold book, scenario, rows, acquisition, labeller, real_rows, licence, origin, got 'stat",
        ),
        ([{"rows": 3}], "book"),
    ],
)
def test_a_bad_section_gets_one_sentence(tmp_path: Path, supplies: object, words: str) -> None:
    path = book(tmp_path)
    settings = content(write(tmp_path, frame()), tmp_path / "out")
    told = yaml.safe_load(yaml.safe_dump(supplies).replace("BOOK", path))
    with pytest.raises(ConfigError) as caught:
        load_config(RunConfig, None, settings | {"supplies": told})
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_key_with_the_name_of_a_kind_of_supply_gets_one_sentence(tmp_path: Path) -> None:
    settings = content(write(tmp_path, frame()), tmp_path / "out")
    with pytest.raises(ConfigError, match=r"a configuration may hold .*, got 'stated': correct it"):
        load_config(RunConfig, None, settings | {"stated": 3})
    with pytest.raises(ConfigError, match=r"data may hold source, .*, got 'stated': correct it"):
        load_config(RunConfig, None, settings | {"data": {**settings["data"], "stated": 3}})  # type: ignore[dict-item]


def test_what_is_stated_can_be_asked_for_only_where_it_is_fitted(tmp_path: Path) -> None:
    settings = content(write(tmp_path, frame()), tmp_path / "out") | {"deliver": "stated"}
    with pytest.raises(ConfigError, match="deliver may be 'stated' only if supplies hold a rule book"):
        load_config(RunConfig, None, settings)
    settings |= {"supplies": [{"book": book(tmp_path)}]}
    with pytest.raises(ConfigError, match="deliver 'stated' needs plain models"):
        load_config(RunConfig, None, settings)
    assert load_config(RunConfig, None, settings | {"arms": {}}).deliver == "stated"


def test_the_same_scenario_twice_is_refused(tmp_path: Path) -> None:
    path = book(tmp_path)
    config = config_of(tmp_path, {"book": path}, {"book": path})
    with pytest.raises(ConfigError, match="supplies must state each scenario once, got 'stated: young' twice"):
        parts_of(config, gather(config.data, config.loop).train)


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    folder = tmp_path_factory.mktemp("stated")
    table = frame(900)
    table = table[(table["shop"] != "toys") | (table["age"] > 40)]  # nothing like the pattern has been seen
    settings = content(write(folder, table), folder / "out")
    arms = {"tuning": False, "plain": True, "plain_seconds": 1e-9, "untargeted": False}
    told = {"supplies": [{"book": book(folder), "rows": 60}, "taught"], "arms": arms}
    return run(load_config(RunConfig, None, settings | told), Console(file=StringIO(), width=200))


def test_a_run_says_what_it_catches_of_a_stated_pattern(result: RunResult) -> None:
    report = result.report
    assert report is not None
    (pattern,) = report.patterns
    assert (pattern["supply"], pattern["kept"]) == ("stated: young", True)
    assert pattern["after"]["estimate"] > pattern["before"]["estimate"] + 0.3
    assert {"loop: stated, targeted", WITH_STATED} >= {report.delivered}
    assert "loop: stated, targeted" in [arm["arm"] for arm in report.arms]  # called by what ran
    assert "of rows held back it catches" in report.delivery["sentence"]
    assert WITH_STATED in [arm["arm"] for arm in report.arms]
    console = Console(file=StringIO(), width=200)
    show(report, result.folder, console)
    said = console.file.getvalue()  # type: ignore[attr-defined]
    assert "Stated patterns, on rows held back" in said
    assert "stated: young, kept" in said
    page = (result.folder / "report.html").read_text()
    assert '<h2 id="patterns">Patterns that a rule book states</h2>' in page
    assert "stated: young, kept" in page


def test_regions_before_and_after_are_those_of_generations_that_sought_them(result: RunResult) -> None:
    assert result.report is not None
    assert result.history[0].supply == "stated: young"
    assert [each["supply"] for each in result.report.aimed] == ["taught"] * len(result.report.aimed)
    assert result.report.aimed


def test_where_all_rows_are_stated_no_region_was_sought(tmp_path: Path) -> None:
    settings = content(write(tmp_path, frame(300)), tmp_path / "out", generations=1)
    told = {"supplies": [{"book": book(tmp_path), "rows": 20}], "arms": {"run": False}}
    alone = run(load_config(RunConfig, None, settings | told), Console(file=StringIO(), width=200))
    assert alone.report is not None
    show(alone.report, alone.folder, console := Console(file=StringIO(), width=200))
    for said in (console.file.getvalue(), (alone.folder / "report.html").read_text()):  # type: ignore[attr-defined]
        assert "one were sought: all new rows are stated" in said
        assert "could be confirmed" not in said


def test_a_pattern_that_describes_honest_rows_is_told(tmp_path: Path) -> None:
    shops = {**PATTERN, "columns": {"shop": {"from": "choice", "values": ["toys"]}}}
    config = config_of(tmp_path, {"book": book(tmp_path, shops=shops)})
    inputs = gather(config.data, config.loop)
    (sentence,) = overlaps(parts_of(config, inputs.train), inputs.train, 0)
    at = list(inputs.train.schema.names).index("shop")
    toys = list(inputs.train.schema.columns[at].categories).index("toys")
    share = (inputs.train.X[inputs.train.y == 0, at] == toys).mean()
    assert sentence.startswith(
        f"stated: shops holds {share:.1%} of the real rows of class 'no' in the columns it states"
    )
    narrow = config_of(tmp_path, {"book": book(tmp_path)})
    assert len(list(overlaps(parts_of(narrow, inputs.train), inputs.train, 0))) <= 1


def test_a_supply_may_be_that_of_any_strategy(tmp_path: Path) -> None:
    """The word taught stands for the strategy of the loop; a name for its own finder, choice, labels and share."""
    supplies = ("doubt", "taught", {"book": book(tmp_path)}, "untargeted", "classical", "doubt")
    config = config_of(tmp_path, *supplies, strategy="disagreement", share_anywhere=0.25)
    stated, *others = parts_of(config, gather(config.data, config.loop).train).supplies
    assert stated.stated
    assert [each.name for each in others] == ["doubt", "taught", "untargeted", "classical"]
    classical = others[-1]
    assert [type(each.acquisition) for each in others] == [Entropy, Variance, Uniform, Uniform]
    assert [each.aimed for each in others] == [True, True, False, True]
    assert isinstance(classical.finder, ByClass)
    assert isinstance(classical.labeller, ByCondition)
    assert {each.share_anywhere for each in others} == {0.25}  # as the configuration says


def test_strategies_take_turns_and_each_looks_for_its_own_regions(tmp_path: Path) -> None:
    settings = content(write(tmp_path, frame(600)), tmp_path / "out", generations=1)
    told = {"supplies": ["untargeted", "taught", "classical"], "arms": {"run": False}}
    mixed = run(load_config(RunConfig, None, settings | told), Console(file=StringIO(), width=200))
    assert mixed.report is not None
    untargeted, taught, classical = mixed.report.generations
    assert [each["supply"] for each in mixed.report.generations] == ["untargeted", "taught", "classical"]
    assert [each["supply"] for each in mixed.report.aimed] == ["taught", "classical"]
    assert untargeted["regions"] == []
    assert [name for name, _ in untargeted["requests"]] == ["anywhere"]
    assert classical["regions"]
    assert all(region["text"].startswith("class = ") for region in classical["regions"])
    assert "anywhere" not in [name for name, _ in classical["requests"]]
    assert not any(region["text"].startswith("class = ") for region in taught["regions"])


def test_where_nothing_is_aimed_the_report_says_that_no_region_was_sought(tmp_path: Path) -> None:
    settings = content(write(tmp_path, frame(300)), tmp_path / "out", generations=1, strategy="untargeted")
    alone = run(load_config(RunConfig, None, settings | {"arms": {"run": False}}), Console(file=StringIO(), width=200))
    assert alone.report is not None
    show(alone.report, alone.folder, console := Console(file=StringIO(), width=200))
    for said in (console.file.getvalue(), (alone.folder / "report.html").read_text()):  # type: ignore[attr-defined]
        assert "one were sought: new rows were made anywhere" in said


def test_the_strategy_without_aim_chooses_stated_rows_at_random_too(tmp_path: Path) -> None:
    config = config_of(tmp_path, {"book": book(tmp_path)}, "taught", strategy="untargeted")
    parts = parts_of(config, gather(config.data, config.loop).train)
    assert {type(supply.acquisition) for supply in parts.supplies} == {Uniform}
