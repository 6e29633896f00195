"""What peers are given and what is taken back."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from label_peers_stand_in import StandIn
from sklearn.metrics import average_precision_score
from tiny import rare_table

from experiments.benchmarks import label_errors
from experiments.benchmarks.curves.cells import Sides
from experiments.benchmarks.labels.cells import MOST, Bought, beginning, sizes
from experiments.benchmarks.labels.peers import cells
from experiments.benchmarks.labels.peers.cells import CLEANLAB, OURS, Check, Purchase
from experiments.benchmarks.labels.peers.exchange import positions
from loop.errors import DataError
from loop.seeds import stream

WAY = "modAL uncertainty"


def test_peers_begin_and_buy_as_our_asking(stand_in: StandIn, sides: Sides) -> None:
    made = Purchase(WAY).rows(sides, stand_in.environment())
    ours = Bought("extra trees", "doubt without audit").rows(sides)
    assert [row["x"] for row in made] == [row["x"] for row in ours]
    order = stream(0, "labels").permutation(200)
    known = beginning(sides.train, order)
    (seen,) = stand_in.steps("buy")
    np.testing.assert_array_equal(np.load(seen / "pool.npy"), order[known:])
    settings = json.loads((seen / "settings.json").read_text())
    assert settings["batches"] == list(sizes(known, 200, MOST, 0.2))
    assert settings["way"] == WAY


def test_answers_are_scored_on_our_test_rows(stand_in: StandIn, sides: Sides) -> None:
    made = Purchase(WAY).rows(sides, stand_in.environment())
    expected = average_precision_score(sides.test.y, sides.test.X[:, 0])
    assert [row["average_precision"] for row in made] == pytest.approx([expected] * len(made))
    assert {row["arm"] for row in made} == {WAY}


def test_no_label_of_a_test_row_is_handed_over(stand_in: StandIn, sides: Sides) -> None:
    other = sides._replace(test=replace(sides.test, y=1 - sides.test.y))
    environment = stand_in.environment()
    Purchase(WAY).rows(sides, environment)
    (first,) = stand_in.steps("buy")
    Purchase(WAY).rows(other, environment)
    (second,) = set(stand_in.steps("buy")) - {first}
    names = {path.name for path in first.iterdir()}
    assert names == {"log.txt", "settings.json", "train_X.npy", "train_y.npy", "pool.npy", "test_X.npy"}
    for name in names:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name
    np.testing.assert_array_equal(np.load(first / "train_y.npy"), sides.train.y)
    np.testing.assert_array_equal(np.load(first / "test_X.npy"), sides.test.X)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("short", r"batches came back"),
        ("twice", "batch 2 is not"),
        ("known", "batch 1 is not"),
        ("few", "batch 1 is not"),
        ("nan", "answers nan"),
    ],
)
def test_other_answers_are_refused(stand_in: StandIn, sides: Sides, fault: str, told: str) -> None:
    with pytest.raises(DataError, match=rf"must .*{told}.*: use [^\n]*\.$"):
        Purchase(WAY).rows(sides, stand_in.environment(fault))


def test_which_labels_are_wrong_is_not_handed_over(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    table, wrong = label_errors.flipped(rare_table(300), 0)
    wrong[:] = False
    wrong[[3, 50]] = True
    monkeypatch.setattr(cells, "planted", lambda name, seed, most: (table, wrong))
    made = {row["way"]: row for row in Check(300).rows("mammography", 0, stand_in.environment())}
    (seen,) = stand_in.steps("check")
    assert {path.name for path in seen.iterdir()} == {"log.txt", "settings.json", "X.npy", "y.npy"}
    np.testing.assert_array_equal(np.load(seen / "y.npy"), table.y)
    listed = made[CLEANLAB]
    assert (listed["listed"], listed["precision"], listed["recall_listed"]) == (2, 0.5, 0.5)
    assert set(made) == {CLEANLAB, OURS, label_errors.RANKING}
    assert listed["table"] == "mammography"


@pytest.mark.parametrize("answer", [[1, 1], [0.5], [-1], [5], ["a"], None, {"a": 1}])
def test_lists_of_other_things_are_refused(answer: object) -> None:
    with pytest.raises(DataError, match=r"^a peer must list rows by their numbers 0 to 4, each once"):
        positions(answer, 5)


def test_lists_keep_their_order() -> None:
    np.testing.assert_array_equal(positions([4, 0, 2], 5), [4, 0, 2])
    assert len(positions([], 5)) == 0


def test_the_folders_are_removed(
    stand_in: StandIn, sides: Sides, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    environment = stand_in.environment("nan")
    with pytest.raises(DataError):
        Purchase(WAY).rows(sides, environment)
    assert list((tmp_path / "temporary").iterdir()) == []
