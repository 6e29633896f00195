"""The catalogues: lazy, clear about what exists, and open to other packages without being at their mercy."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from installed import install

import learners
from experiments.config.part_sections import GeneratorConfig, LearnerConfig, TeacherConfig
from experiments.config.reader import load_config, validated
from experiments.config.run_config import RunConfig
from experiments.config.strategies import Strategy, compose
from experiments.storage import run_folder
from generators import GENERATORS, Resample
from learners import LEARNERS, Linear
from loop.catalogue import ACQUISITIONS, FINDERS, GATES, LABELLERS, Catalogue
from loop.errors import ConfigError, WeakspotError
from loop.model import Model
from loop.protocols import Learner
from loop.testing.tables import planted_table

ROOT = Path(__file__).parents[2]
OPEN = {
    "weakspot.learners": LEARNERS,
    "weakspot.generators": GENERATORS,
    "weakspot.finders": FINDERS,
    "weakspot.acquisitions": ACQUISITIONS,
    "weakspot.labellers": LABELLERS,
    "weakspot.gates": GATES,
}

MODULE = '''
"""Parts of another package."""
from dataclasses import dataclass
from learners import Linear
from generators import Resample
from loop.supplies.acquisition import Uniform

@dataclass(eq=False)
class Mild(Linear):
    softness: int = 3

class NoDataclass:
    def fit(self, table, rng): return self
    def predict_proba(self, rows): ...

@dataclass
class Mute:
    def fit(self, table, rng): return self

class Anything(Resample): pass
class Anywhere(Uniform): pass
'''


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "mild_parts.py").write_text(MODULE)
    (tmp_path / "mild_again.py").write_text("from mild_parts import Mild\n")
    (tmp_path / "torn.py").write_text("import no_such_library\n")
    for module in ("mild_parts", "mild_again", "torn"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    return tmp_path


def configured(learner: str) -> Learner:
    return load_config(RunConfig, None, {"data.source": "simulation", "learner.name": learner}).learner.make()


@pytest.mark.parametrize("group", OPEN)
def test_names_are_ours_and_those_of_other_packages(group: str, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = OPEN[group].names()
    assert ours == tuple(OPEN[group].homes)
    install(site, {group: {"zeta": "nowhere:Zeta", "alpha": "nowhere:Alpha"}}, monkeypatch)
    assert OPEN[group].names() == (*ours, "alpha", "zeta")
    assert all(each.names() == tuple(each.homes) for other, each in OPEN.items() if other != group)


@pytest.mark.parametrize("catalogue", OPEN.values(), ids=list(OPEN))
def test_every_class_of_ours_can_do_what_is_asked_of_others(catalogue: Catalogue[object]) -> None:
    for name in catalogue.names():
        kind = catalogue.kind(name)
        assert all(callable(getattr(kind, method)) for method in catalogue.methods)
        assert catalogue.name_of(kind) == name


def test_names_that_do_not_exist_are_told_with_those_that_do() -> None:
    known = "domain, copies, contradicted, label"
    with pytest.raises(ConfigError, match=f"gate must be one of {known}, got 'moat': choose one of these"):
        GATES.kind("moat")
    with pytest.raises(ConfigError, match=r"got 'xgbost': did you mean xgboost\?"):
        LEARNERS.kind("xgbost")
    for name in ("blend", "sklearn_adapter", "reject"):  # made around others, in Python only
        assert name not in (*LEARNERS.names(), *GENERATORS.names())


def test_a_part_of_another_package_serves_a_configuration(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = {"weakspot.learners": {"mild": "mild_parts:Mild"}, "weakspot.generators": {"any": "mild_parts:Anything"}}
    install(site, places | {"weakspot.acquisitions": {"spread": "mild_parts:Anywhere"}}, monkeypatch)
    assert LearnerConfig(name="mild", settings={"softness": 4}).make().softness == 4  # type: ignore[attr-defined]
    assert isinstance(GeneratorConfig(name="any").make(), Resample)
    assert TeacherConfig(members=("mild",)).members == ("mild",)
    parts = compose(Strategy(acquisition="spread", generator="any"))
    assert type(parts.supplies[0].acquisition).__name__ == "Anywhere"
    for settings, words in (({"softnes": 4}, "may hold .*softness, got 'softnes'"), ({"softness": "x"}, "integer")):
        with pytest.raises(ValueError, match=words):
            LearnerConfig(name="mild", settings=settings)


@pytest.mark.parametrize("place", ["mild_parts:Mild", "mild_again:Mild"])
def test_a_model_of_another_package_is_saved_and_loaded(
    place: str, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(site, {"weakspot.learners": {"broken": "torn:Away", "mild": place}}, monkeypatch)
    table, _ = planted_table()
    learner = LEARNERS.make("mild").fit(table, np.random.default_rng(0))
    assert LEARNERS.name_of(type(learner)) == "mild"
    run_folder.save_model(Model(table.schema, learner), site / "model")
    loaded = run_folder.load_model(site / "model").learner
    np.testing.assert_array_equal(loaded.predict_proba(table.rows), learner.predict_proba(table.rows))


def test_names_are_registered_once(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    twice = {"linear": "mild_parts:Mild", "mild": "mild_parts:Mild"}
    install(site / "one", {"weakspot.learners": twice}, monkeypatch, name="one")
    install(site / "two", {"weakspot.learners": {"mild": "torn:Away"}}, monkeypatch, name="two", version="2.0")
    with pytest.raises(ConfigError, match=r"'linear' must be registered once, got it from weakspot and one 1\.0: unin"):
        configured("linear")
    with pytest.raises(ConfigError, match=r"'mild' must be registered once, got it from two 2\.0 and one 1\.0"):
        LEARNERS.kind("mild")
    assert LEARNERS.names().count("linear") == 1
    assert learners.Linear is Linear  # in Python ours stays ours
    assert LEARNERS.kind("forest") is learners.Forest  # the other names work


def test_of_a_package_that_is_there_twice_the_first_counts(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(site)
    install(site / "old", {"weakspot.learners": {"mild": "torn:Away"}}, monkeypatch)
    install(site / "new", {"weakspot.learners": {"mild": "mild_parts:Mild"}}, monkeypatch, version="2.0")
    assert LEARNERS.kind("mild").__name__ == "Mild"


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("torn:Away", r"of my-parts 1\.0 must be importable, and torn:Away is not .*No module named 'no_such_library'"),
        ("mild_parts:Away", "must be importable, and mild_parts:Away is not"),
        ("! nonsense", "must be importable, and ! nonsense is not"),
        ("mild_parts:Mute", "must be a dataclass with fit and predict_proba, and mild_parts:Mute is not"),
        ("mild_parts:__name__", "must be a dataclass with fit and predict_proba"),
        ("mild_parts:NoDataclass", "must be a dataclass with fit and predict_proba"),
    ],
)
def test_a_broken_part_is_one_sentence_and_the_others_work(
    place: str, words: str, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(site, {"weakspot.learners": {"broken": place, "mild": "mild_parts:Mild"}}, monkeypatch)
    with pytest.raises(ConfigError, match=words) as caught:
        configured("broken")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) <= 300
    assert {"broken", "mild"} < set(LEARNERS.names())
    assert configured("mild").softness == 3  # type: ignore[attr-defined]


def test_metadata_that_nobody_can_read_registers_nothing(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(site / "bad", "[weakspot.learners]\nno equals sign\n", monkeypatch, name="bad")
    install(site / "good", {"weakspot.learners": {"mild": "mild_parts:Mild"}}, monkeypatch, name="good")
    assert LEARNERS.names()[-1] == "mild"


def test_help_answers_beside_broken_packages(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(site / "bad", "[weakspot.learners]\nno equals sign\n", monkeypatch, name="bad")
    install(site / "torn", {"weakspot.learners": {"linear": "torn:Away"}}, monkeypatch, name="torn")
    path = os.pathsep.join(map(str, (ROOT, site / "bad", site / "torn")))
    command = [sys.executable, "-c", "from experiments.cli.app import main; main()", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | {"PYTHONPATH": path})
    assert "compare" in done.stdout


def test_a_configuration_loads_no_library_of_a_learner() -> None:
    heavy = "{'torch', 'xgboost', 'catboost', 'lightgbm', 'sklearn'}"
    code = (
        f"import sys, experiments.config.run_config, experiments.config.strategies; print(*{heavy} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


OWN = """
from dataclasses import dataclass
from learners import Linear
from generators import Resample

@dataclass(eq=False)
class Mild(Linear):
    softness: int = 3

@dataclass(eq=False)
class Anything(Resample):
    pass

class NoDataclass:
    pass
"""


@pytest.fixture
def own_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_own_parts.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    for catalogue in (LEARNERS, GENERATORS):
        monkeypatch.setattr(catalogue, "_admitted", {})
    yield
    sys.modules.pop("my_own_parts", None)


@pytest.mark.usefixtures("own_code")
def test_a_configuration_may_name_code_of_the_user() -> None:
    config = LearnerConfig(name="my_own_parts:Mild", settings={"softness": 5})
    assert type(config.make()).__name__ == "Mild"
    assert LEARNERS.name_of(type(config.make())) == "my_own_parts:Mild"
    made = GeneratorConfig(name="my_own_parts:Anything").make()
    assert type(made).__name__ == "Anything"
    assert TeacherConfig(members=("my_own_parts:Mild",)).make()[0].softness == 3  # type: ignore[attr-defined]


@pytest.mark.usefixtures("own_code")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("my_own_parts:NoDataclass", "must be a dataclass with fit and predict_proba"),
        ("my_own_parts:Nothing", "must be importable"),
        ("not_there:Mild", "must be importable"),
        ("my_own_parts:Anything", "must be a dataclass with fit and predict_proba"),
        ("../x:Mild", "learner must be one of"),
    ],
)
def test_code_that_is_no_part_is_refused(name: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        validated(LearnerConfig, {"name": name})


@pytest.mark.usefixtures("own_code")
def test_a_saved_model_imports_no_code_that_nobody_has_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table, _ = planted_table(200)
    made = LearnerConfig(name="my_own_parts:Mild").make().fit(table, np.random.default_rng(0))
    run_folder.save_model(Model(table.schema, made), tmp_path / "model")
    monkeypatch.setattr(LEARNERS, "_admitted", {})  # as in another process
    sys.modules.pop("my_own_parts")
    with pytest.raises(WeakspotError):
        run_folder.load_model(tmp_path / "model")
    assert "my_own_parts" not in sys.modules
    monkeypatch.setenv("WEAKSPOT_PARTS", "my_own_parts:Mild, other:Thing")
    loaded = run_folder.load_model(tmp_path / "model").learner
    assert type(loaded).__name__ == "Mild"
