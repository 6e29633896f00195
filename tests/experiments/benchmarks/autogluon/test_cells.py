"""What is handed over to AutoGluon and what is taken back."""

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from autogluon_peer import TABLE, Peer, raw

from experiments.benchmarks.autogluon.cells import Request, hand_over_test, hand_over_train, probabilities
from experiments.benchmarks.rare_suite import protocol
from experiments.data.protocols import suite_split
from experiments.run.inputs import gather
from loop.errors import DataError


def test_no_label_of_a_test_row_is_handed_over(peer: Peer, tmp_path: Path) -> None:
    peer.run(tmp_path)
    split = suite_split(TABLE, 0)
    (fit,), (score,) = peer.steps("fit"), peer.steps("score")
    given = pd.read_parquet(fit / "train.parquet")
    pd.testing.assert_frame_equal(given, raw(split.train.row_number), check_dtype=False, check_like=True)
    own = {"told.json", "log.txt", "train.parquet", "settings.json"}
    assert {path.name for path in fit.rglob("*") if path.is_file()} == own
    asked = pd.read_parquet(score / "test.parquet")
    pd.testing.assert_frame_equal(asked, raw(split.test.row_number).drop(columns="target"))
    assert {path.name for path in score.rglob("*") if path.is_file()} == own | {"test.parquet", "fit.json"}


def test_what_is_handed_over_does_not_depend_on_the_labels_of_test_rows(peer: Peer, tmp_path: Path) -> None:
    config = protocol(1, TABLE, tmp_path)
    run = config.run_of(config.sources[0], config.strategies[0], 0)
    inputs = gather(run.data, run.loop)
    frame = inputs.dataset.frame.copy()
    frame.loc[inputs.test.row_number, "target"] = 1 - frame.loc[inputs.test.row_number, "target"]
    other = replace(
        inputs, dataset=replace(inputs.dataset, frame=frame), test=replace(inputs.test, y=1 - inputs.test.y)
    )
    for name, each in (("one", inputs), ("other", other)):
        (tmp_path / name).mkdir()
        hand_over_train(each, Request("best_quality", 120, None), tmp_path / name)
        hand_over_test(each, tmp_path / name)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "other" / path.name).read_bytes(), path.name


def test_the_folder_is_removed(peer: Peer, tmp_path: Path) -> None:
    peer.run(tmp_path)
    peer.break_at(fit=2)
    with pytest.raises(DataError):
        peer.run(tmp_path / "other")
    used = [Path(str(told["folder"])) for told in peer.told()]
    assert len(used) == 3
    assert {folder.parent for folder in used} == {Path(tempfile.gettempdir())}
    assert not any(folder.exists() for folder in used)


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ([0.5], "shape"),
        ([[0.5, 0.5]], "shape"),
        (0.5, "shape"),
        (["a", "b"], "something else"),
        ([0.5, [1]], "something else"),
        ([0.5, float("nan")], "nan"),
        ([0.5, 1.5], "1.5"),
        ([-0.1, 0.5], "-0.1"),
    ],
)
def test_answers_that_are_no_probabilities_are_refused(answer: object, fault: str) -> None:
    with pytest.raises(DataError, match=f"each of 2 test rows .*{fault}"):
        probabilities(answer, 2)


def test_probabilities_are_taken_in_order() -> None:
    np.testing.assert_array_equal(probabilities([0, 0.25, 1.0], 3), [0, 0.25, 1])
