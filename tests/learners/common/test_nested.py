"""Learners inside others on disk: only what the catalogue knows is read, and only from folders inside."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
from sklearn.naive_bayes import GaussianNB

from experiments.storage import run_folder
from learners import Blend, Committee, ExtraTrees, Linear, SklearnAdapter
from learners.common import nested
from loop.errors import ConfigError, DataError
from loop.model import Model
from loop.protocols import Learner
from loop.rows import Rows
from loop.support import atomic
from loop.testing.learners import blobs
from loop.types import Table

TABLE = blobs()
MEMBERS = (Linear(), ExtraTrees(trees=5))


@dataclass
class Unsaved:
    """A learner that nobody taught to save itself."""

    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        return self

    def predict_proba(self, rows: Rows) -> np.ndarray:
        return np.full((len(rows), 2), 0.5)


def fitted(learner: Learner) -> Any:
    return learner.fit(TABLE, np.random.default_rng(0))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A saved run-folder model of a blend."""
    run_folder.save_model(Model(TABLE.schema, fitted(Blend(MEMBERS))), tmp_path / "model")
    return tmp_path / "model"


def test_learners_come_back_in_their_order(tmp_path: Path) -> None:
    learners = [fitted(Linear(C=0.5)), fitted(ExtraTrees(trees=5)), fitted(Linear())]
    nested.save_learners(learners, tmp_path / "new")
    for loaded, saved in zip(nested.load_learners(tmp_path / "new"), learners, strict=True):
        assert repr(loaded) == repr(saved)
        np.testing.assert_array_equal(loaded.predict_proba(TABLE.rows), saved.predict_proba(TABLE.rows))


def test_learners_at_any_depth_come_back(tmp_path: Path) -> None:
    deep = fitted(Blend((Committee((Linear(),), folds=2, jobs=1), Blend(MEMBERS, weights=(1, 3)))))
    assert [type(each).__name__ for each in nested.with_nested(deep)] == [
        *("Blend", "Committee", "Linear", "Linear"),
        *("Blend", "Linear", "ExtraTrees"),
    ]
    deep.save(tmp_path / "deep")
    np.testing.assert_array_equal(
        Blend.load(tmp_path / "deep").predict_proba(TABLE.rows), deep.predict_proba(TABLE.rows)
    )


@pytest.mark.parametrize("unsaved", [Unsaved(), SklearnAdapter(GaussianNB())], ids=["unknown", "adapter"])
@pytest.mark.parametrize("around", [Blend, lambda members: Committee(members, folds=2, jobs=1)])
def test_a_member_that_cannot_be_saved_is_named_and_nothing_is_written(
    unsaved: Learner, around: Callable[..., Learner], tmp_path: Path
) -> None:
    outer = around((unsaved,))
    words = f"a learner to be saved must be one of xgboost, .*got {type(unsaved).__name__}"
    with pytest.raises(ConfigError, match=f"{words} inside {type(outer).__name__}: use another"):
        run_folder.storable(outer)  # before any work
    with pytest.raises(ConfigError, match=f"{words}: use another"):
        fitted(outer).save(tmp_path / "model")
    assert not (tmp_path / "model").exists()


# Altered files, whose digests agree with them


Alter = Callable[[Path], object]  # given the folder of the model


def entries(change: Callable[[list[Any]], object]) -> Alter:
    """Change the list of learners."""

    def alter(folder: Path) -> None:
        path = folder / "learner" / nested.FILE
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))

    return alter


def entry(number: int, **values: str) -> Alter:
    """Change values of a learner in the list."""
    return entries(lambda content: content[number].update(values))


def written(file: str, text: str) -> Alter:
    """Write a file anew."""
    return lambda folder: (folder / "learner" / file).write_text(text)


ALTERED: dict[str, tuple[Alter, str]] = {
    "unknown name": (entry(0, name="os:system"), r"learners\.json\.0\.name must be one of .*got 'os:system'"),
    "never saved": (
        entry(1, name="sklearn_adapter"),
        r"learners\.json\.1 must be a learner that can be saved, got 'sklearn_adapter'",
    ),
    "outside": (
        entry(0, folder="../learner/learner-0"),
        r"learners\.json\.0\.folder must be a path inside the folder, got '\.\./learner",
    ),
    "absolute": (entry(0, folder="/tmp"), r"learners\.json\.0\.folder must be a path inside the folder, got '/tmp'"),
    "import path": (entry(0, module="os"), "must be a mapping of known keys, got 'module'"),
    "no name": (entries(lambda content: content[0].pop("name")), r"learners\.json\.0 lacks name"),
    "no folder": (
        lambda folder: shutil.rmtree(folder / "learner" / "learner-1"),
        r"learners\.json\.1 must name a folder beside the list, and 'learner-1' is none: save the learner again",
    ),
    "no list": (
        lambda folder: (folder / "learner" / nested.FILE).unlink(),
        r"a saved learner must hold learners\.json, and .* has none to read: save it again",
    ),
    "no JSON": (written(nested.FILE, "[{"), r"a saved learner must hold learners\.json"),
    "too few members": (
        entries(list.clear),
        r"blend\.json must suit the saved members, and members of a blend must be one learner or more",
    ),
    "too many weights": (
        written("blend.json", '{"weights": [1, 2, 3]}'),
        r"blend\.json must suit .* weights of a blend must be one for each of 2 members, got 3",
    ),
    "a weight that is none": (
        written("blend.json", '{"weights": [1, "NaN"]}'),
        r"blend\.json\.weights\.1 must be a number from 0 on, got 'NaN'|got nan",
    ),
}


@pytest.mark.parametrize("name", ALTERED)
def test_altered_files_are_refused_in_one_sentence(name: str, folder: Path) -> None:
    alter, words = ALTERED[name]
    alter(folder)
    with pytest.raises(DataError, match=r"has changed|No such file"):
        run_folder.load_model(folder)
    (folder / atomic.LIST).unlink()
    atomic.seal(folder)
    with pytest.raises(DataError, match=words) as caught:
        run_folder.load_model(folder)
    assert "\n" not in str(caught.value)


def test_a_link_out_of_the_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    inside, outside = folder / "learner" / "learner-0", tmp_path / "outside"
    inside.rename(outside)
    inside.symlink_to(outside)
    with pytest.raises(DataError, match="must be a path inside the folder, got 'learner-0'"):
        Blend.load(folder / "learner")


def test_a_name_that_is_never_saved_is_refused_as_a_model_too(folder: Path) -> None:
    (folder / "model.json").write_text((folder / "model.json").read_text().replace("blend", "sklearn_adapter"))
    (folder / atomic.LIST).unlink()
    atomic.seal(folder)
    with pytest.raises(DataError, match=r"model\.json\.learner must be a learner that can be saved, got 'sklearn_ada"):
        run_folder.load_model(folder)
