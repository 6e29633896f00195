from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from image_tables import digit_images, digits, image_table

from generators import DiffusionImages
from generators.common.persistence import load, save
from generators.images.unet import UNet
from loop.errors import ConditionError, ConfigError, DataError
from loop.protocols import Steerable
from loop.rows import Rows
from loop.testing import arrays as laws
from loop.types import Condition, Region, Request, Samples

FAST: dict[str, Any] = {"width": 8, "passes": 5, "least_steps": 60, "most_steps": 60, "batch": 32, "sampling_steps": 8}


def fast(**settings: Any) -> DiffusionImages:
    return DiffusionImages(**(FAST | settings))


@pytest.mark.parametrize("from_noise", [False, True])
@pytest.mark.parametrize("law", laws.GENERATOR_LAWS, ids=lambda law: law.__name__)
def test_laws(law: Callable[..., None], from_noise: bool) -> None:
    law(lambda: fast(from_noise=from_noise), digits())


class OfAnyLabel(DiffusionImages):
    def sample(self, request: Request, rng: np.random.Generator) -> Samples:
        made = super().sample(Request(request.region, None, request.n), rng)
        return Samples(made.table, request, made.tried)


class NoParents(DiffusionImages):
    def fit(self, table: Any, rng: np.random.Generator) -> "NoParents":
        super().fit(table, rng)
        self.table_ = self.table_.numbered(np.arange(len(self.table_)) + 5)
        return self


@pytest.mark.parametrize(
    ("bad", "law"), [(OfAnyLabel, laws.rows_have_the_label_asked_for), (NoParents, laws.parents_are_real_rows)]
)
def test_laws_bite(bad: type[DiffusionImages], law: Callable[..., None]) -> None:
    with pytest.raises(AssertionError):
        law(lambda: bad(**FAST), digits())


@pytest.fixture(scope="module")
def trained() -> DiffusionImages:
    """One that has learnt the digits well enough to be judged by what it makes."""
    settings = {"width": 16, "least_steps": 500, "most_steps": 500, "sampling_steps": 15}
    return fast(**settings, from_noise=True).fit(digits(400), np.random.default_rng(0))


def nearest_class(images: np.ndarray) -> np.ndarray:
    """Tell digits by their three nearest real ones."""
    real, y = digit_images()
    flat = images.reshape(len(images), -1).astype(float)
    distance = ((flat[:, None] - real.reshape(len(real), -1)) ** 2).sum(axis=2)
    votes = np.searchsorted((0, 3, 8), y)[np.argsort(distance, axis=1)[:, :3]]
    return np.array([np.bincount(each).argmax() for each in votes])


def test_images_made_of_noise_are_of_their_class(trained: DiffusionImages) -> None:
    for label in range(3):
        made = trained.sample(Request(Region(), label, 60), np.random.default_rng(label))
        assert made.sampling_method == "native"
        assert (made.table.parents == -1).all()
        assert (nearest_class(made.table.rows.arrays["image"]) == label).mean() > 0.75, label


def test_they_are_no_copies(trained: DiffusionImages) -> None:
    real = trained.table_.rows.arrays["image"].reshape(400, -1).astype(float)
    made = trained.sample(Request(Region(), None, 60), np.random.default_rng(0)).table.rows.arrays["image"]
    distance = np.sqrt(((made.reshape(60, 1, -1) - real) ** 2).sum(axis=2)).min(axis=1)
    apart = np.sqrt(((real[:60, None] - real) ** 2).sum(axis=2) + 1e12 * np.eye(60, 400)).min(axis=1)
    assert np.median(distance) > 0.4 * np.median(apart)


def test_a_score_steers_and_sees_rows_with_images(trained: DiffusionImages) -> None:
    assert isinstance(trained, Steerable)
    seen: list[Rows] = []

    def dark(rows: Rows) -> np.ndarray:
        seen.append(rows)
        images = rows.arrays["image"]
        assert images.dtype == np.uint8
        assert images.shape[1:] == (1, 8, 8)
        np.testing.assert_allclose(rows.X[:, 0], images.mean(axis=(1, 2, 3)) / 255, atol=1e-5)
        return np.asarray(1 - images.mean(axis=(1, 2, 3)) / 255)

    request = Request(Region(), None, 150)
    plain = trained.sample(request, np.random.default_rng(0)).table
    led = trained.steered(dark).sample(request, np.random.default_rng(0))
    assert led.sampling_method == "importance"
    assert len(seen) > 2
    brightness = plain.schema.names.index("image_brightness")
    assert led.table.X[:, brightness].mean() < plain.X[:, brightness].mean() - 0.5 * plain.X[:, brightness].std()
    region = laws.upper_halves(digits(400))[0]
    inside = trained.steered(dark).sample(Request(region, 1, 30), np.random.default_rng(0)).table
    assert region.contains(inside.rows).all()
    assert (inside.y == 1).all()


def test_rows_that_start_in_a_region_stay_there_more_often(trained: DiffusionImages) -> None:
    table = trained.table_
    bright = table.schema.names.index("image_brightness")
    region = Region((Condition(bright, low=float(np.quantile(table.X[:, bright], 0.9))),), "bright")
    inside = trained.sample(Request(region, None, 40), np.random.default_rng(0))
    anywhere = trained.sample(Request(Region(), None, 200), np.random.default_rng(0)).table
    assert len(inside.table) == 40
    assert inside.acceptance > 2 * region.contains(anywhere.rows).mean()
    assert region.contains(table.rows)[inside.table.parents[:, 0]].all()


def test_it_goes_on_from_saved_weights(tmp_path: Path) -> None:
    table, rng = digits(), np.random.default_rng(0)
    generator = fast(warm_start=True).fit(table, rng)
    save(generator, tmp_path / "part")
    again = load(tmp_path / "part")
    assert isinstance(again, DiffusionImages)

    def error(each: DiffusionImages) -> float:
        clean = (torch.as_tensor(table.rows.arrays["image"]).float() / 255 - each.centre_) / each.spread_
        with torch.no_grad():
            return float(each.net_.loss(clean, torch.as_tensor(table.y), torch.Generator().manual_seed(0)))

    before = error(again)
    cold = fast(least_steps=12, most_steps=12).fit(table, np.random.default_rng(1))
    again.fit(table, np.random.default_rng(1))  # a fifth of the steps
    assert error(again) < before * 1.02
    assert error(again) < 0.8 * error(cold)
    other = image_table(
        np.zeros((40, 2, 9, 9), np.uint8) + np.arange(40, dtype=np.uint8)[:, None, None, None], np.arange(40) % 2
    )
    assert again.fit(other, rng).sample(Request(Region(), None, 3), rng).table.rows.arrays["image"].shape == (
        3,
        2,
        9,
        9,
    )


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 8, 13), (1, 28, 28), (2, 33, 64)])
def test_the_net_takes_images_of_many_shapes(shape: tuple[int, int, int]) -> None:
    net = UNet(shape, 3, 8)
    made = net.clean(torch.randn(5, *shape), 1.5, torch.arange(5) % 3)
    assert made.shape == (5, *shape)
    assert made.isfinite().all()


def test_the_net_is_small() -> None:
    weights = sum(each.numel() for each in UNet((1, 28, 28), 10, DiffusionImages().width).parameters())
    assert 40_000 < weights < 90_000


def test_a_flat_image_is_no_trouble() -> None:
    images = np.zeros((20, 1, 8, 8), np.uint8)
    images[0] = 1  # else no column would vary
    table = image_table(images, np.arange(20) % 2)
    made = (
        fast().fit(table, np.random.default_rng(0)).sample(Request(Region(), None, 5), np.random.default_rng(0)).table
    )
    assert made.rows.arrays["image"].max() < 20


def test_a_class_without_rows_is_refused() -> None:
    table = digits()
    generator = fast().fit(table.take(table.y != 1), np.random.default_rng(0))
    with pytest.raises(ConditionError, match="0, 8"):
        generator.sample(Request(Region(), 1, 5), np.random.default_rng(0))


@pytest.mark.parametrize(
    "settings",
    [{"sampling_steps": 31}, {"sampling_steps": 1}, {"width": 10}, {"balance": 2}, {"seed_noise": 0}, {"rate": 0}],
)
def test_settings_are_checked(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        DiffusionImages(**settings)


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    fast().fit(digits(60), np.random.default_rng(0)).save(tmp_path)
    settings = tmp_path / "settings.json"
    settings.write_text(settings.read_text().replace('"width": 8', '"width": 252'))
    with pytest.raises(DataError):
        DiffusionImages.load(tmp_path)
