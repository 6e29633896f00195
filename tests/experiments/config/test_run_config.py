"""A configuration is whole and right before any work starts, or refused in one sentence."""

import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Self

import numpy as np
import pytest
from small_runs import content, frame, write, write_config

from experiments.compare.cells import identity_of
from experiments.config.part_sections import LearnerConfig, try_out
from experiments.config.reader import dump, load_config
from experiments.config.run_config import CompareConfig, RunConfig
from experiments.data.protocols import noise_table
from experiments.run.inputs import parts_of
from experiments.tune.config import TuneConfig
from learners import Committee, Forest, XGBoost
from loop.cycle.parts import Settings
from loop.data.encoding import encode
from loop.data.schema import infer
from loop.errors import ConfigError
from loop.evaluation.operating_points import AlertBudget, AtFalsePositiveRate, AtPrecision, ExpectedCost
from loop.rows import Rows
from loop.types import Table

CONFIGS = Path(__file__).parents[3] / "experiments" / "configs"
SIMULATION = {"data.source": "simulation"}


def test_a_source_alone_is_a_configuration() -> None:
    config = load_config(RunConfig, None, SIMULATION)
    assert (config.loop.strategy, config.learner.name, config.arms.run) == ("targeted", "xgboost", True)


def test_what_is_dumped_is_what_was_loaded(tmp_path: Path) -> None:
    settings = content(write(tmp_path, frame()), tmp_path / "out")
    config = load_config(RunConfig, write_config(tmp_path, settings))
    (tmp_path / "again.yaml").write_text(dump(config))
    assert load_config(RunConfig, tmp_path / "again.yaml") == config


def test_options_win_over_the_file_and_none_is_no_option(tmp_path: Path) -> None:
    path = write_config(tmp_path, content(write(tmp_path, frame()), tmp_path / "out", seed=3))
    config = load_config(RunConfig, path, {"loop.generations": 7, "loop.seed": None, "arms.run": False})
    assert (config.loop.generations, config.loop.seed, config.loop.lanes) == (7, 3, 2)
    assert not config.arms.run
    assert not config.arms.tuning  # the rest of a section stays


@pytest.mark.parametrize("name", sorted(path.name for path in CONFIGS.glob("*.yaml")))
def test_the_configurations_that_ship_are_valid(name: str) -> None:
    command = (CONFIGS / name).read_text().split(maxsplit=4)[2]  # the first line says who takes it
    load_config({"run": RunConfig, "compare": CompareConfig, "tune": TuneConfig}[command], CONFIGS / name)


def noise() -> Table:
    data = noise_table(40, 2, 0, 0.3)
    return encode(infer(data.frame, data.target), data.frame)


def test_the_parts_are_those_asked_for() -> None:
    overrides = {
        "loop.share_anywhere": 0.25,
        "loop.pool": 2,
        "loop.weight": 0.5,
        "loop.weakness": "margin",
        "learner.name": "forest",
        "learner.settings": {"trees": 7},
    }
    config = load_config(RunConfig, None, {**SIMULATION, **overrides, "teacher.members": ["linear", "forest"]})
    parts = parts_of(config, noise())
    assert parts.settings == Settings(share_anywhere=0.25, pool=2, weight=0.5, weakness="margin")
    assert (type(parts.learner).__name__, parts.learner.trees) == ("Forest", 7)  # type: ignore[attr-defined]
    assert [type(member).__name__ for member in parts.teacher.members] == ["Linear", "Forest"]  # type: ignore[union-attr]


def test_settings_of_members_reach_them_and_the_files_they_name_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package: Any = ModuleType("tabicl")
    package.TabICLClassifier = object
    monkeypatch.setitem(sys.modules, "tabicl", package)
    weights = tmp_path / "weights.ckpt"
    weights.write_text("some")
    settings = {"foundation": {"checkpoint": str(weights), "most_rows": 500}, "extra_trees": {"trees": 7}}
    teacher = {"members": ["foundation", "linear", "extra_trees"], "settings": settings}
    config = load_config(RunConfig, None, {**SIMULATION, "teacher": teacher})
    one, _, other = parts_of(config, noise()).teacher.members  # type: ignore[union-attr]
    assert (one.checkpoint, one.most_rows, other.trees) == (str(weights), 500, 7)
    (tmp_path / "again.yaml").write_text(dump(config))
    assert load_config(RunConfig, tmp_path / "again.yaml") == config
    before = identity_of(config)
    weights.write_text("others")
    assert identity_of(config) != before


@pytest.mark.parametrize(
    ("learner", "given", "expected", "surrogate"),
    [
        (
            {},
            {},
            XGBoost(200, 7, 0.08, 2.0, row_share=0.8, column_share=0.6, bins=128),
            XGBoost(120, 6, 0.1, 2.0, row_share=0.8, column_share=0.6, bins=64),
        ),
        (
            {"depth": 4, "row_share": 0.5},
            {"settings": {"trees": 9}},
            XGBoost(9, 7, 0.08, 2.0, row_share=0.5, column_share=0.6, bins=128),
            XGBoost(120, 4, 0.1, 2.0, row_share=0.5, column_share=0.6, bins=64),
        ),
        ({}, {"name": "forest", "settings": {"trees": 9}}, Forest(trees=9), Forest(trees=9)),
    ],
)
def test_the_augmented_learner_is_derived_and_settings_go_over_it(learner, given, expected, surrogate) -> None:
    overrides = {"learner.settings": learner, "augmented_learner": given}
    parts = parts_of(load_config(RunConfig, None, SIMULATION | overrides), noise())
    assert (repr(parts.augmented_learner), repr(parts.augmented_surrogate)) == (repr(expected), repr(surrogate))


def test_a_learner_without_an_augmented_version_has_none() -> None:
    parts = parts_of(load_config(RunConfig, None, SIMULATION | {"learner.name": "forest"}), noise())
    assert parts.augmented_learner is None


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"data.source": None}, ["data", "--data"]),
        ({"data.source": "no/such.csv"}, ["no/such.csv", "check the path"]),
        ({"data.test_size": 1.5}, ["data.test_size", "less than 1", "1.5"]),
        ({"loop.generatons": 3}, ["'generatons'", "generations", "patience"]),
        ({"data.source": None, "dat": {"source": "simulation"}}, ["'dat'", "did you mean data?"]),
        ({"data.source": None, "data": {"sorce": "simulation"}}, ["data may hold", "'sorce'", "did you mean source?"]),
        ({"supplies": [{"boook": "b.yaml"}]}, ["supplies.0 may hold", "'boook'", "did you mean book?"]),
        ({"supplies": [{"unlabeled": "p.csv"}]}, ["unlabelled, got 'unlabeled'", "did you mean unlabelled?"]),
        ({"metrics": {1: 2}}, ["metrics may hold precision, points, got 1: correct"]),
        ({"lop": {}}, ["'lop'", "loop", "learner"]),
        ({"loop.generations": 0}, ["loop.generations must be at least 1, got 0: raise it"]),
        ({"loop.budget": float("inf")}, ["loop.budget must be a finite number", "got inf"]),
        ({"augmented_learner.settings": {"grown": 3}}, ["augmented_learner.settings of xgboost may hold", "'grown'"]),
        ({"augmented_learner.name": "tree"}, ["augmented_learner must be one of", "'tree'"]),
        ({"augmented_learner.settings": {"trees": 0}}, ["trees must be at least 1"]),
        ({"loop.weight": 0}, ["loop.weight must be above 0, got 0.0: the default is 1.0"]),
        ({"loop.share_anywhere": 1.5}, ["loop.share_anywhere must lie in 0..1, got 1.5: try 0.5"]),
        (
            {"loop.weakness": "sadness"},
            ["loop.weakness must be one of log_loss", "got 'sadness': try 'log_loss'"],
        ),
        ({"loop.seed": -1}, ["loop.seed", "greater than or equal to 0", "got -1"]),
        ({"loop.lanes": 0}, ["loop.lanes", "got 0", "5 is usual"]),
        ({"loop.strategy": "magic"}, ["strategy", "targeted", "'magic'"]),
        ({"loop": 3}, ["loop", "got 3"]),
        ({"learner.name": "oracle"}, ["learner", "xgboost", "'oracle'"]),
        ({"learner.settings": {"tres": 1}}, ["'tres'", "trees", "depth"]),
        ({"learner.settings": {"trees": "many"}}, ["learner.settings.trees", "integer", "'many'"]),
        ({"learner.settings": {"trees": "5"}}, ["learner.settings.trees", "integer", "'5'"]),
        ({"learner.settings": {"trees": True}}, ["learner.settings.trees", "integer", "True"]),
        ({"learner.settings": {"trees": 5.0}}, ["learner.settings.trees", "integer", "5.0"]),
        ({"learner.settings": {"trees": 10**400}}, ["learner.settings.trees must fit in 64 bits", "got 1330"]),
        (
            {"learner": {"name": "forest", "settings": {"trees": 2**33}}},
            ["trees must be at most 100,000"],
        ),
        ({"learner": {"name": "mlp", "settings": {"decay": 1e308}}}, ["decay must be at most 1,000,000,000", "1e+308"]),
        ({"learner.settings": {"l2": float("inf")}}, ["learner.settings.l2 must be a finite number", "got inf"]),
        (
            {"learner": {"name": "committee", "settings": {"members": "linear"}}},
            ["learner.settings.members of committee must be given in Python, got 'linear': leave it out"],
        ),
        ({"learner.name": "blend"}, ["learner must be one of", "got 'blend'"]),
        ({"generator": {"name": "neighbourhood", "settings": {"noise": float("nan")}}}, ["settings.noise", "got nan"]),
        ({"learner.settings": {"row_share": 3}}, ["row_share", "at most 1", "got 3"]),
        ({"teacher.members": ["linear", "oracle"]}, ["learner", "'oracle'"]),
        (
            {"teacher": {"members": ["linear"], "settings": {"mlp": {"steps": 9}}}},
            ["teacher.settings may hold the members (linear), got 'mlp': add it to them"],
        ),
        (
            {"teacher": {"members": ["linear"], "settings": {"linear": {"trees": 9}}}},
            ["teacher.settings of linear may hold", "'trees'"],
        ),
        (
            {"teacher": {"members": ["extra_trees"], "settings": {"extra_trees": {"trees": 0}}}},
            ["trees must be at least 1, got 0"],
        ),
        ({"metrics.precision": 1}, ["metrics.precision", "0.99"]),
        ({"metrics.points": {"precision": 0.5}}, ["metrics.points must be a list", "dash"]),
        ({"metrics.points": [{"recall": 0.5}]}, ["metrics.points", "{alerts: 100}", "'recall'"]),
        ({"metrics.points": [{"alerts": -1}]}, ["alerts", "above 0", "-1"]),
        ({"calibration.method": "magic"}, ["calibration.method", "'platt'", "'magic'"]),
        ({"fairness.columns": ["sex", "sex"]}, ["fairness.columns must name each column once", "got sex, sex"]),
        ({"fairness.tolerance": float("nan")}, ["fairness.tolerance", "finite"]),
        ({"tracking": "no/such.yaml"}, ["tracking", "no/such.yaml"]),
        ({"out": __file__}, ["out", "is a file"]),
    ],
)
def test_a_fault_is_one_sentence_with_rule_value_and_way_out(overrides: dict[str, object], words: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(RunConfig, None, {**SIMULATION, **overrides})
    sentence = str(caught.value)
    assert all(word in sentence for word in words), sentence
    assert "\n" not in sentence
    assert ":" in sentence  # then comes the way out


@pytest.mark.parametrize("fault", [TypeError, KeyError, NameError, AttributeError])
def test_a_fault_of_the_learner_is_not_called_one_of_its_settings(fault: type[Exception]) -> None:
    @dataclass
    class Faulty:
        def fit(self, table: Table, rng: np.random.Generator) -> Self:
            raise fault("a bug")

        def predict_proba(self, rows: Rows) -> np.ndarray:
            return np.empty((len(rows), 2))

    with pytest.raises(fault, match="a bug"):
        try_out(Faulty(), "faulty")


def test_operating_points_come_back_from_a_dump_each_once(tmp_path: Path) -> None:
    points = [
        {"precision": 0.5},
        {"alerts": 100},
        {"false_positive": 1, "false_negative": 50},
        {"false_positive": 1, "miss_cost": "amount"},
        {"precision": 0.9},
    ]
    config = load_config(RunConfig, None, {**SIMULATION, "metrics.precision": 0.5, "metrics.points": points})
    assert config.metrics.operating_points == (
        AtPrecision(0.5),
        AlertBudget(100.0),
        ExpectedCost(1.0, 50.0),
        ExpectedCost(1.0, miss_cost="amount"),
        AtPrecision(0.9),
    )
    (tmp_path / "again.yaml").write_text(dump(config))
    assert load_config(RunConfig, tmp_path / "again.yaml") == config


def test_a_configuration_from_before_operating_points_still_works() -> None:
    config = load_config(RunConfig, None, {**SIMULATION, "metrics.precision": 0.8})
    assert config.metrics.recall_at_precision == "recall_at_precision_80"
    assert config.metrics.operating_points == (AtPrecision(0.8), AtFalsePositiveRate(0.01))
    assert config.calibration.method == "auto"


@pytest.mark.parametrize("text", ["- 1\n- 2\n", "loop: [", "\t", "\x00"])
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match="a configuration must"):
        load_config(RunConfig, path)


def test_yaml_makes_no_objects(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("data: !!python/object/apply:os.getcwd []\n")
    with pytest.raises(ConfigError, match="valid YAML"):
        load_config(RunConfig, path)


def test_the_configuration_can_steer_or_leave_it_to_the_strategy() -> None:
    for steer, strategy, expected in ((True, "targeted", True), (None, "guided", True), (False, "guided", False)):
        overrides = {"loop.steer": steer, "loop.strategy": strategy, "generator.name": "diffusion"}
        parts = parts_of(load_config(RunConfig, None, {**SIMULATION, **overrides}), noise())
        assert [parts.steers(supply) for supply in parts.supplies] == [expected]


def test_settings_are_the_arguments_of_the_learner() -> None:
    learner = LearnerConfig(name="linear", settings={"C": 0.5}).make()
    assert learner.C == 0.5  # type: ignore[attr-defined]


def test_a_committee_of_the_usual_members_is_a_learner_like_any_other() -> None:
    config = load_config(RunConfig, None, {**SIMULATION, "learner.name": "committee"})
    assert repr(config.learner.make()) == repr(Committee())
    assert config.augmented_learner.make(config.learner) is None


class TestCompare:
    SOURCES = ("sources", ["simulation", {"source": "sklearn:wine", "test_size": 0.4}])

    def test_a_source_is_text_or_a_section(self) -> None:
        config = load_config(CompareConfig, None, dict([self.SOURCES]))
        assert [source.test_size for source in config.sources] == [0.3, 0.4]

    def test_the_cheap_arms_run_beside_the_first_strategy_only(self) -> None:
        config = load_config(CompareConfig, None, dict([self.SOURCES, ("strategies", ["doubt", "classical"])]))
        first, second = (config.run_of(config.sources[0], name, 4) for name in config.strategies)
        assert (first.arms.run, second.arms.run) == (True, False)
        assert (second.loop.strategy, second.loop.seed) == ("classical", 4)
        assert config.loop.seed == 0

    @pytest.mark.parametrize(
        ("overrides", "words"),
        [
            ({"sources": []}, "sources"),
            ({"sources": ["simulation", {"source": "simulation", "taget": "x"}]}, "sources.1 may hold source, target"),
            ({"sources": [{"sorce": "simulation"}]}, "got 'sorce' on the command line: did you mean source"),
            ({"sources": None, "source": ["simulation"]}, "got 'source' .* did you mean sources"),
            ({"strategies": ["targeted", "magic"]}, "'magic'"),
            ({"strategies": ["targeted", "targeted"]}, "strategies must differ"),
            ({"loop.seed": 3}, "seeds"),
            ({"seeds": [0, -1]}, r"seeds.1 must be greater than or equal to 0, got -1"),
            ({"loop.strategy": "doubt"}, "strategies"),
            ({"data.source": "simulation"}, "'data'"),
        ],
    )
    def test_faults_are_refused(self, overrides: dict[str, object], words: str) -> None:
        with pytest.raises(ConfigError, match=words):
            load_config(CompareConfig, None, {**dict([self.SOURCES]), **overrides})
