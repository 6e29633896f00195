from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
import torch
from image_tables import digit_images, digits, image_table

from learners import Committee, Convnet
from learners.images.augmentation import augmented, boxes, warped
from learners.images.training import Content, Schedule, batches
from loop.encoders import array_of
from loop.errors import ConfigError, DataError
from loop.rows import Rows
from loop.testing import arrays as laws
from loop.types import Table

FAST: dict[str, Any] = {"width": 8, "passes": 10, "least_steps": 60, "batch": 32}
WAYS: dict[str, dict[str, Any]] = {
    "plain": {},
    "balanced, classical": {"balanced": True, "augment": "classical", "least_steps": 120},
    "mixup": {"augment": "mixup", "least_steps": 100},
    "cutmix": {"augment": "cutmix", "least_steps": 100},
    "adjusted": {"adjustment": 1.0},
}


def fast(**settings: Any) -> Convnet:
    return Convnet(**(FAST | settings))


@pytest.mark.parametrize("settings", WAYS.values(), ids=WAYS.keys())
@pytest.mark.parametrize("law", laws.LEARNER_LAWS, ids=lambda law: law.__name__)
def test_laws(law: Callable[..., None], settings: dict[str, Any]) -> None:
    law(lambda: fast(**settings), digits())


class WithoutSoftLabels(Convnet):
    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        return super().fit(replace(table, soft=None), rng)


class WithoutWeights(Convnet):
    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        return super().fit(replace(table, weight=np.ones(len(table))), rng)


@dataclass(eq=False)
class ByCompany(Convnet):
    def predict_proba(self, rows: Rows) -> np.ndarray:
        proba = super().predict_proba(rows)
        return proba if len(rows) < 2 else np.roll(proba, 1, axis=0)


@pytest.mark.parametrize(
    ("bad", "law"),
    [
        (WithoutSoftLabels, laws.soft_labels_count),
        (WithoutWeights, laws.rows_without_weight_teach_nothing),
        (ByCompany, laws.a_row_has_its_answer_in_any_company),
    ],
)
def test_laws_bite(bad: type[Convnet], law: Callable[..., None]) -> None:
    with pytest.raises(AssertionError):
        law(lambda: bad(**FAST), digits())


def test_it_reads_the_images_and_no_column() -> None:
    table = digits()
    learner = fast().fit(table, np.random.default_rng(0))
    blind = Rows(np.zeros_like(table.X), table.rows.arrays)
    np.testing.assert_array_equal(learner.predict_proba(blind), learner.predict_proba(table.rows))


def test_bytes_and_floats_of_the_same_images_have_the_same_answers() -> None:
    images, y = digit_images()
    answers = [
        fast().fit(table, np.random.default_rng(0)).predict_proba(table.rows)
        for table in (image_table(images[:60], y[:60]), image_table((images[:60] / 255).astype(np.float32), y[:60]))
    ]
    np.testing.assert_allclose(answers[0], answers[1], atol=1e-3)


@pytest.mark.parametrize("shape", [(3, 8, 12), (1, 28, 28), (2, 41, 64), (1, 1, 1)])
def test_images_of_many_shapes(shape: tuple[int, int, int], tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    y = np.arange(12) % 2
    images = rng.integers(0, 60, size=(12, *shape)).astype(np.uint8) + (y * 150).astype(np.uint8)[:, None, None, None]
    table = image_table(images, y)
    learner = fast(least_steps=30).fit(table, rng)
    assert (learner.predict_proba(table.rows).argmax(axis=1) == y).all()
    learner.save(tmp_path / "net")
    again = Convnet.load(tmp_path / "net")
    np.testing.assert_array_equal(again.predict_proba(table.rows), learner.predict_proba(table.rows))


def imbalanced() -> Table:
    """A hundred of one digit and five of another; of the third there is none."""
    table = digits(400)
    chosen = [np.flatnonzero(table.y == code)[:n] for code, n in ((1, 100), (2, 5))]
    return table.take(np.concatenate(chosen))


def test_balanced_batches_hold_each_class_equally_often() -> None:
    table = imbalanced()
    content = Content(table.rows.arrays["image"], table.targets, table.weight)
    schedule = Schedule(100, 64, 0.01, "none", balanced=True, adjustment=0.0)
    drawn = batches(content, schedule, np.random.default_rng(0))
    y = np.concatenate([table.y[next(drawn)] for _ in range(100)])
    assert np.bincount(y, minlength=3)[0] == 0
    assert abs((y == 2).mean() - 0.5) < 0.06
    plain = batches(content, replace(schedule, balanced=False), np.random.default_rng(0))
    seen = np.concatenate([next(plain) for _ in range(8)])
    assert sorted(seen) == list(range(len(table))), "a pass shows each row once"


@pytest.mark.parametrize("settings", [{"balanced": True}, {"adjustment": 1.0}])
def test_balance_and_adjustment_raise_the_rare_class(settings: dict[str, Any]) -> None:
    table, other = imbalanced(), digits(400)
    rare = other.take(other.y == 2).rows
    plain, changed = (
        fast(least_steps=25, passes=1, **each).fit(table, np.random.default_rng(0)).predict_proba(rare)[:, 2].mean()
        for each in ({}, settings)
    )
    assert changed > plain


def test_augmentation_keeps_what_it_must() -> None:
    rng = np.random.default_rng(0)
    images, y = digit_images()
    batch = torch.as_tensor(images[:32]).float() / 255
    targets = torch.as_tensor(np.eye(10)[y[:32]]).float()
    same, own = augmented("none", batch, targets, rng)
    assert torch.equal(same, batch)
    assert torch.equal(own, targets)
    for how in ("classical", "mixup", "cutmix"):
        changed, soft = augmented(how, batch, targets, rng)
        assert changed.shape == batch.shape
        assert changed.min() >= 0
        assert changed.max() <= 1
        assert not torch.equal(changed, batch)
        torch.testing.assert_close(soft.sum(dim=1), torch.ones(32))
    mixed, soft = augmented("mixup", batch, targets, rng)
    assert abs(mixed.mean() - batch.mean()) < 0.02, "shares of two orders of the same batch are on average alike"
    assert ((soft > 0.01) & (soft < 0.99)).any()


def test_a_warp_moves_pixels_by_no_more_than_a_few() -> None:
    image = torch.zeros(200, 1, 28, 28)
    image[:, :, 14, 14] = 1
    moved = warped(image, np.random.default_rng(0))
    at = torch.stack(torch.meshgrid(torch.arange(28.0), torch.arange(28.0), indexing="ij"))
    mass = moved.sum(dim=(1, 2, 3)).clamp_min(1e-6)
    centre = (moved * at[:, None, None]).sum(dim=(2, 3, 4)) / mass
    distance = ((centre - 14) ** 2).sum(dim=0).sqrt()[moved.sum(dim=(1, 2, 3)) > 0.3]
    assert 0.5 < distance.median() < 6
    assert len(distance) > 150


def test_boxes_have_shares_of_all_sizes() -> None:
    share = boxes(2000, 28, 28, np.random.default_rng(0)).mean(axis=(1, 2))
    assert share.min() >= 0
    assert 0.25 < share.mean() < 0.45  # half on average, less what lies beyond the edge


def test_five_seeds_are_a_committee() -> None:
    table = digits(90)
    members = tuple(fast(least_steps=40, augment="classical") for _ in range(5))
    teacher = Committee(members=members, folds=2, jobs=1).fit(table, np.random.default_rng(0))
    assert np.isfinite(teacher.oof_).all()
    assert (teacher.oof_.argmax(axis=1) == table.y).mean() > 0.8
    first, second = (learner for learner in list(teacher.nested_learners())[:2])
    assert not np.array_equal(first.predict_proba(table.rows), second.predict_proba(table.rows))


@pytest.mark.parametrize(
    "settings",
    [{"augment": "rotate"}, {"adjustment": -1}, {"width": 0}, {"rate": 2}, {"batch": 0}, {"width": 5000}],
)
def test_settings_are_checked(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        Convnet(**settings)


def test_other_images_are_refused() -> None:
    table = digits(60)
    learner = fast().fit(table, np.random.default_rng(0))
    with pytest.raises(DataError, match="shape"):
        learner.predict_proba(Rows(table.X, {"image": np.zeros((60, 1, 9, 8), np.uint8)}))
    with pytest.raises(DataError, match="'image'"):
        learner.predict_proba(Rows(table.X))
    assert learner.misfit(table.schema) is None
    large = image_table(np.zeros((60, 1, 9, 8), np.uint8) + np.arange(60, dtype=np.uint8)[:, None, None, None], table.y)
    assert "9, 8" in (learner.misfit(large.schema) or "")
    assert "no images" in (learner.misfit(replace(table.schema, arrays=())) or "")
    with pytest.raises(DataError, match="curves"):
        array_of(table, "curves")


@pytest.mark.parametrize("damage", ["cut", "other classes", "settings"])
def test_damaged_files_are_refused(damage: str, tmp_path: Path) -> None:
    fast().fit(digits(60), np.random.default_rng(0)).save(tmp_path)
    weights, settings = tmp_path / "convnet.safetensors", tmp_path / "settings.json"
    if damage == "cut":
        weights.write_bytes(weights.read_bytes()[:200])
    elif damage == "other classes":
        settings.write_text(settings.read_text().replace('"classes": 3', '"classes": 99999'))
    else:
        settings.write_text(settings.read_text().replace('"width": 8', '"width": 500'))
    with pytest.raises(DataError):
        Convnet.load(tmp_path)


def test_torch_is_left_as_it_was() -> None:
    before = torch.random.get_rng_state()
    fast(augment="classical").fit(digits(60), np.random.default_rng(0))
    assert torch.equal(torch.random.get_rng_state(), before)
