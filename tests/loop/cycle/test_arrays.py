"""A whole loop on images: parts of the test's own make and read them, and nothing in the loop has to know."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

import numpy as np
from sklearn.linear_model import LogisticRegression
from tiny import rare_table, tiny_parts

from learners import Committee
from loop.cycle import checkpoint
from loop.cycle.driver import LoopRun, run_loop, turn
from loop.cycle.lanes import deal
from loop.rows import Rows
from loop.types import NOBODY, OUTSIDE, Request, Samples, Table


def image_table(n: int = 400) -> Table:
    """Rows whose labels hang on the images alone; their columns are an embedding: means of the image's quarters."""
    rng = np.random.default_rng(0)
    images = rng.normal(size=(n, 1, 4, 4)) + rng.normal(size=(n, 1, 1, 1))
    risk = images[:, 0, 0, 0] - images[:, 0, 3, 3] + 0.3 * rng.normal(size=n)
    y = (risk > np.quantile(risk, 0.85)).astype(np.int64)
    return Table.real(Rows(embedded(images), {"image": images}), y, rare_table().schema)


def embedded(images: np.ndarray) -> np.ndarray:  # (n, 4)
    quarters: np.ndarray = images.reshape(-1, 2, 2, 2, 2).mean(axis=(2, 4)).reshape(-1, 4)
    return quarters.clip(-2.5, 2.5)


@dataclass(eq=False)
class OfImages:
    """A learner that reads images and no column."""

    penalty: float = 1.0
    model_: LogisticRegression = field(init=False, repr=False)

    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        pixels = table.rows.arrays["image"].reshape(len(table), -1)
        codes = np.repeat([0, 1], len(table))
        weight = np.concatenate([table.targets[:, 0], table.targets[:, 1]]) * np.tile(table.weight, 2)
        self.model_ = LogisticRegression(C=self.penalty).fit(np.tile(pixels, (2, 1)), codes, sample_weight=weight)
        return self

    def predict_proba(self, rows: Rows) -> np.ndarray:
        if not len(rows):
            return np.empty((0, 2))
        return np.asarray(self.model_.predict_proba(rows.arrays["image"].reshape(len(rows), -1)))


@dataclass(eq=False)
class Blends:
    """Means of two real images, with the columns that go with them; those outside the region are not delivered."""

    table_: Table = field(init=False, repr=False)

    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        self.table_ = table
        return self

    def sample(self, request: Request, rng: np.random.Generator) -> Samples:
        images, n = self.table_.rows.arrays["image"], request.n
        pairs = rng.integers(len(images), size=(n, 2))
        blend = images[pairs].mean(axis=1)
        rows = Rows(embedded(blend), {"image": blend})
        trail = (np.ones(n), np.full(n, OUTSIDE), np.full(n, NOBODY), self.table_.row_number[pairs])
        made = Table(rows, self.table_.y[pairs[:, 0]], self.table_.schema, *trail)
        return Samples(made.take(request.region.contains(rows)), request, n, "rejection")


def looped(table: Table) -> LoopRun:
    teacher = Committee(members=(OfImages(), OfImages(penalty=0.1)), jobs=1)
    parts = tiny_parts(learner=OfImages(penalty=0.01), augmented_learner=None, generator=Blends(), teacher=teacher)
    return run_loop(parts, table, deal(table, np.random.default_rng(0), k=3), np.random.default_rng(0))


def test_a_loop_runs_on_images_alone(tmp_path: Path) -> None:
    table = image_table()
    run = looped(table)
    assert len(run.history) == 2
    for generation in run.history:
        for made in (generation.rows, *generation.lane_rows):
            assert len(made)
            images = made.rows.arrays["image"]
            np.testing.assert_array_equal(made.X, embedded(images))  # a row's image is its own still
            np.testing.assert_allclose(images, table.rows.arrays["image"][made.parents].mean(axis=1))
    assert "image" in run.outcome.synthetic.rows.arrays
    for generation in run.history:
        checkpoint.save(generation, tmp_path)
    past = checkpoint.load(tmp_path, table.schema)
    for read, generation in zip(past, run.history, strict=True):
        np.testing.assert_array_equal(read.rows.rows.arrays["image"], generation.rows.rows.arrays["image"])
    again, _ = turn(run.prepared, past=past[:1])
    np.testing.assert_array_equal(again[1].rows.rows.arrays["image"], run.history[1].rows.rows.arrays["image"])


def test_the_images_are_what_it_learns_from() -> None:
    table = image_table()
    shuffled = np.random.default_rng(1).permutation(table.rows.arrays["image"])
    seen, blind = (looped(each) for each in (table, replace(table, rows=Rows(table.X, {"image": shuffled}))))
    scores = [run.history[-1].scores["average_precision"].estimate for run in (seen, blind)]
    assert scores[0] > 0.6 > 0.4 > scores[1]
