"""What is read from a folder is checked as a whole before it is used: an altered file is refused or does no harm.

A sample of the edits runs here, in this process; `python -m altered.cases PLACE SEED SHARE` runs all commands on all
of them, each in a process of its own, and so does the test that is marked as stress.
"""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from altered import places, raw
from altered.arrays import FileEdit, edits_of_npz, edits_of_parquet, edits_of_safetensors, edits_of_skops
from altered.cases import EDITS, cases
from altered.trials import worker
from generator_makers import maker
from small_runs import frame

from experiments.data.files import read_table
from experiments.storage import run_folder
from generators.common import persistence
from loop.data.encoding import decode, encode
from loop.data.schema import infer
from loop.errors import DataError
from loop.model import Model
from loop.support import strict_yaml
from loop.support.atomic import seal
from loop.types import Region, Request, Table

SEED, LONGEST = 7, 300
TABLE = encode(infer(frame(), "fraud"), frame())
NEW = frame(20, seed=2).drop(columns="fraud")
FILES = {  # the file of each learner that its library, or we in its place, must not believe
    "xgboost": "booster.ubj",
    "lightgbm": "booster.txt",
    "forest": "forest.skops",
    "extra_trees": "forest.skops",
    "linear": "linear.skops",
    "mlp": "mlp.safetensors",
}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Saved models, one for each learner."""
    home = tmp_path_factory.mktemp("models")
    for name, make in places.learners().items():
        if name in FILES:
            learner = make().fit(TABLE, np.random.default_rng(0))
            run_folder.save_model(Model(TABLE.schema, learner), home / name)
    return home


def drawn(edits: Iterator[FileEdit], n: int) -> list[FileEdit]:
    """Draw some edits of a file, the same each time."""
    made = list(edits)
    return [made[at] for at in np.random.default_rng(SEED).permutation(len(made))[:n]]


def edits_of(path: Path) -> Iterator[FileEdit]:
    yield from EDITS[path.suffix](path)


def sentence_or_answer(folder: Path, use: Callable[[], object]) -> str:
    """Use what a folder holds; return the sentence that refuses it, empty if it is used without harm."""
    try:
        use()
    except DataError as error:
        told = str(error)
        assert str(folder) in told, told
        assert len(told.replace(str(folder), "")) <= LONGEST, told
        return told
    return ""


def answered(folder: Path) -> None:
    proba = run_folder.load_model(folder).predict_proba(NEW)
    assert proba.shape == (len(NEW), 2)
    assert np.isfinite(proba).all()


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("file", ["settings.json", ""])
def test_a_model_that_was_altered_is_refused_or_answers(name: str, file: str, models: Path, tmp_path: Path) -> None:
    """Its list of digests is written anew, as by somebody who alters it on purpose."""
    whole = models / name / "learner" / (file or FILES[name])
    told = Counter[bool]()
    for number, (_, edit) in enumerate(drawn(edits_of(whole), 25)):
        folder = tmp_path / f"{number}"
        shutil.copytree(models / name, folder)
        edit(folder / whole.relative_to(models / name))
        (folder / "files.json").unlink()
        seal(folder)
        told[sentence_or_answer(folder, lambda folder=folder: answered(folder)) != ""] += 1
    assert told[True] > told[False]


CRASHED = {  # what made XGBoost read foreign memory, or never end
    "a child out of range": ("left_children", 0, 10**6),
    "a child below zero": ("left_children", 0, -7),
    "a loop": ("left_children", 0, 0),
    "a column out of range": ("split_indices", 0, 10**6),
    "a parent of nobody": ("parents", 1, 2),
    "a set that is nowhere": ("split_type", 0, 1),
}


@pytest.mark.parametrize("case", CRASHED)
def test_trees_of_xgboost_are_checked_before_it_sees_them(case: str, models: Path, tmp_path: Path) -> None:
    shutil.copytree(models / "xgboost", tmp_path / "model")
    name, at, value = CRASHED[case]
    raw.alter_trees(tmp_path / "model" / "learner" / "booster.ubj", name, at, value)
    (tmp_path / "model" / "files.json").unlink()
    seal(tmp_path / "model")
    assert "booster.ubj must hold whole trees" in sentence_or_answer(
        tmp_path / "model", lambda: answered(tmp_path / "model")
    )


def test_a_model_beside_the_schema_of_another_is_refused(models: Path, tmp_path: Path) -> None:
    wide = frame().assign(hour=np.arange(240) % 24)
    run_folder.save_model(
        Model(infer(wide, "fraud"), run_folder.load_model(models / "xgboost").learner), tmp_path / "model"
    )
    with pytest.raises(DataError, match="a model must be for the columns of its schema"):
        run_folder.load_model(tmp_path / "model")


@pytest.mark.parametrize("name", ["resample", "neighbourhood", "copula", "tree_chain", "forest_flow", "vae"])
def test_a_generator_that_was_altered_is_refused_or_makes_rows(name: str, tmp_path: Path) -> None:
    persistence.save(maker(name, short=True)().fit(TABLE, np.random.default_rng(0)), tmp_path / "whole")
    paths = [path for path in sorted((tmp_path / "whole").rglob("*.*")) if path.name != "files.json"]
    for place, path in enumerate(paths):
        for number, (_, edit) in enumerate(drawn(edits_of(path), max(1, 40 // len(paths)))):
            folder = tmp_path / f"{place}-{number}"
            shutil.copytree(tmp_path / "whole", folder)
            edit(folder / path.relative_to(tmp_path / "whole"))
            (folder / "files.json").unlink()
            seal(folder)
            sentence_or_answer(folder, lambda folder=folder: made(folder))


def made(folder: Path) -> pd.DataFrame:
    generator, schema = run_folder.load_generator(folder)
    rows: Table = generator.sample(Request(Region(), None, 3), np.random.default_rng(0)).table
    return decode(schema, rows)


@pytest.mark.parametrize("case", raw.YAML)
def test_yaml_has_one_kind_of_error(case: str) -> None:
    told = ""
    try:
        strict_yaml.read_plain(raw.YAML[case]("a: 1\n"))
    except yaml.YAMLError as error:
        told = strict_yaml.cause(error)
    assert len(told) <= LONGEST


def test_parquet_is_read_as_it_is_or_refused(tmp_path: Path) -> None:
    whole, altered = tmp_path / "whole.parquet", tmp_path / "altered.parquet"
    frame(30).set_index("age").to_parquet(whole)
    for _, edit in drawn(edits_of_parquet(whole), 120):
        edit(altered)
        sentence_or_answer(tmp_path, lambda: read_table(altered))


def test_the_kinds_of_files_have_edits() -> None:
    assert {edits_of_npz, edits_of_safetensors, edits_of_skops} < set(EDITS.values())


@pytest.mark.stress
def test_every_command_on_altered_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All commands on all kinds of folders: exit code 0, or 2 with one sentence; no traceback, hang or crash."""
    monkeypatch.chdir(tmp_path)
    places.make(tmp_path)
    counts, odd = Counter[str](), []
    with worker() as other:
        for case in cases(tmp_path, SEED, share=0.4):
            ending = case.end(tmp_path, other)
            counts[ending.kind] += 1
            if ending.kind not in ("harmless", "refused"):
                odd.append(f"{ending.kind}: {case.name}: {ending.fault or ending.sentence}")
    assert sum(counts.values()) >= 300
    assert not odd, "\n".join(odd)
