"""A committee on disk: it answers bit for bit, keeps only what counts, and altered numbers are refused."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.storage import run_folder
from learners import MLP, Committee, ExtraTrees, Linear, XGBoost
from loop.data.encoding import decode
from loop.errors import ConfigError, DataError
from loop.model import Model
from loop.protocols import Learner
from loop.testing.learners import blobs
from loop.testing.tables import mixed_table
from loop.types import Table

ROOT = Path(__file__).parents[3]
MEMBERS = (XGBoost(trees=5), ExtraTrees(trees=5), MLP(members=2, hidden=8, steps=40), Linear())
FRESH = blobs(seed=1).rows


def fitted(table: Table, members: tuple[Learner, ...] = MEMBERS, **settings: Any) -> Committee:
    """Fit a committee in which every member counts."""
    made = Committee(members, **{"folds": 2, "jobs": 1} | settings).fit(table, np.random.default_rng(0))
    made.weights_[-1] = np.arange(1, len(members) + 1) / sum(range(1, len(members) + 1))
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    fitted(blobs(), (Linear(), ExtraTrees(trees=5))).save(tmp_path / "saved")
    return tmp_path / "saved"


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_loaded_committee_answers_bit_for_bit(n_classes: int, tmp_path: Path) -> None:
    committee = fitted(blobs(n_classes=n_classes))
    committee.save(tmp_path / "saved")
    loaded = Committee.load(tmp_path / "saved")
    fresh = blobs(n_classes=n_classes, seed=1).rows
    for mine, theirs in zip(loaded.views(fresh, None), committee.views(fresh, None), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert repr(loaded) == repr(committee)


IN_ANOTHER_PROCESS = """
import json, sys
from pathlib import Path
from learners import Committee
from loop.testing.learners import blobs
answers = Committee.load(Path(sys.argv[1])).predict_proba(blobs(seed=1).rows).tolist()
print(json.dumps([answers, "xgboost" in sys.modules]))
"""


@pytest.mark.parametrize("members", [MEMBERS, MEMBERS[3:]])
def test_another_process_answers_the_same_with_no_more_libraries_than_needed(
    members: tuple[Learner, ...], tmp_path: Path
) -> None:
    committee = fitted(blobs(), members)
    committee.save(tmp_path / "saved")
    command = [sys.executable, "-c", IN_ANOTHER_PROCESS, str(tmp_path / "saved")]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "12345"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    answers, boosted = json.loads(done.stdout)
    np.testing.assert_array_equal(answers, committee.predict_proba(FRESH))
    assert boosted == (members is MEMBERS)


def test_shares_of_thinned_classes_come_back(tmp_path: Path) -> None:
    committee = fitted(blobs(), MEMBERS[1:2], small=50, majority_ratio=2.0)
    committee.save(tmp_path / "saved")
    loaded = Committee.load(tmp_path / "saved")
    for mine, theirs in zip(loaded.fitted_, committee.fitted_, strict=True):
        assert theirs[0][1][0] < 0.5
        np.testing.assert_array_equal(mine[0][1], theirs[0][1])
    np.testing.assert_array_equal(loaded.predict_proba(FRESH), committee.predict_proba(FRESH))


def test_members_that_count_for_nothing_are_not_kept(tmp_path: Path) -> None:
    committee = fitted(blobs(), (Linear(), ExtraTrees(trees=5), Linear(C=0.1)))
    committee.weights_[-1] = [0, 0.25, 0.75]
    committee.save(tmp_path / "saved")
    assert len(list((tmp_path / "saved").glob("learner-*"))) == 4
    loaded = Committee.load(tmp_path / "saved")
    assert repr(loaded.members) == repr((ExtraTrees(trees=5), Linear(C=0.1)))
    np.testing.assert_array_equal(loaded.predict_proba(FRESH), committee.predict_proba(FRESH))


def test_a_loaded_committee_says_what_it_does_not_know_and_can_be_fitted_and_saved_again(
    folder: Path, tmp_path: Path
) -> None:
    loaded = Committee.load(folder)
    with pytest.raises(ConfigError, match=r"must be asked with all its members, got without=1: fit it again\."):
        loaded.views(FRESH, without=1)
    with pytest.raises(AttributeError, match="oof_ is there after a fit only"):
        loaded.oof_  # noqa: B018
    with pytest.raises(AttributeError, match="'Committee' object has no attribute 'oof'"):
        loaded.oof  # noqa: B018
    loaded.save(tmp_path / "again")
    np.testing.assert_array_equal(Committee.load(tmp_path / "again").predict_proba(FRESH), loaded.predict_proba(FRESH))
    table, fresh = blobs(seed=3), replace(loaded, members=(Linear(), ExtraTrees(trees=5)))
    one, other = (each.fit(table, np.random.default_rng(0)) for each in (loaded, fresh))
    np.testing.assert_array_equal(one.oof_, other.oof_)
    np.testing.assert_array_equal(one.views(FRESH, without=1)[0], other.views(FRESH, without=1)[0])


def test_a_model_of_a_committee_in_the_folder_of_a_run(tmp_path: Path) -> None:
    table = mixed_table(200)
    model = Model(table.schema, fitted(table, MEMBERS))
    run_folder.save_model(model, tmp_path / "model")
    loaded = run_folder.load_model(tmp_path / "model")
    assert isinstance(loaded.learner, Committee)
    rows = decode(table.schema, table)
    np.testing.assert_array_equal(loaded.predict_proba(rows), model.predict_proba(rows))


# Altered files

KNOWN: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "one weight less": (lambda record: record["weights"].pop(), "got 1 weights for 4 learners in 2 folds"),
    "one weight more": (lambda record: record["weights"].append(0.5), "got 3 weights for 4 learners in 2 folds"),
    "no weights": (
        lambda record: record.update(weights=[], shares=[[], []]),
        "got 0 weights for 4 learners in 2 folds",
    ),
    "one fold less": (lambda record: record["shares"].pop(), "got 2 weights for 4 learners in 1 folds"),
    "another sum": (
        lambda record: record.update(weights=[0.5, 0.6]),
        "weights above 0 with the sum 1, got the sum 1.100",
    ),
    "no share": (lambda record: record["shares"][0].__setitem__(0, [0, 1]), "shares above 0 and at most 1"),
    "one class less": (lambda record: record["shares"][1].__setitem__(0, [1]), "as many as classes for each member"),
    "no such class": (lambda record: record.update(positive=2), "a class to catch below 2, got 2"),
    "text": (
        lambda record: record.update(weights=["0.5", 0.5]),
        r"weights\.0 must be a number from 0 on|a number, got",
    ),
    "one fold": (lambda record: record["settings"].update(folds=1), r"settings\.folds must be"),
    "more": (lambda record: record.update(code="import os"), "a mapping of known keys, got 'code'"),
    "less": (lambda record: record.pop("shares"), "lacks shares"),
}


@pytest.mark.parametrize("name", KNOWN)
def test_numbers_that_do_not_belong_together_are_refused_in_one_sentence(name: str, folder: Path) -> None:
    alter, words = KNOWN[name]
    path = folder / "committee.json"
    record = json.loads(path.read_text())
    alter(record)
    path.write_text(json.dumps(record))
    with pytest.raises(DataError, match=words) as caught:
        Committee.load(folder)
    assert "\n" not in str(caught.value)


def test_a_committee_without_its_record_is_refused(folder: Path) -> None:
    (folder / "committee.json").unlink()
    with pytest.raises(DataError, match=r"a saved learner must hold committee\.json"):
        Committee.load(folder)
