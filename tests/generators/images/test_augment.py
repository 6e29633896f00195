from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from image_tables import digit_images, digits, image_table

from generators import AugmentImages
from generators.images.warping import Strength, blended, boxed, warped
from loop.errors import ConfigError
from loop.rows import Rows
from loop.testing import arrays as laws
from loop.types import Region, Request, Samples, Table


@pytest.mark.parametrize("methods", [("shift", "rotation", "elastic", "mixup", "cutmix"), ("mixup",), ("shift",)])
@pytest.mark.parametrize("law", laws.GENERATOR_LAWS, ids=lambda law: law.__name__)
def test_laws(law: Callable[..., None], methods: tuple[str, ...]) -> None:
    law(lambda: AugmentImages(methods=methods), digits())


class WithOldColumns(AugmentImages):
    """Its columns are those of the images before they were changed."""

    def sample(self, request: Request, rng: np.random.Generator) -> Samples:
        made = super().sample(request, rng)
        shifted = {"image": np.roll(made.table.rows.arrays["image"], 2, axis=3) // 2}
        rows = Rows(made.table.X, shifted)
        return Samples(Table(rows, *list(vars(made.table).values())[1:]), request, made.tried)


class Anywhere(AugmentImages):
    def sample(self, request: Request, rng: np.random.Generator) -> Samples:
        made = super().sample(Request(Region(), request.label, request.n), rng)
        return Samples(made.table, request, made.tried)


class OfOneSeed(AugmentImages):
    def sample(self, request: Request, rng: np.random.Generator) -> Samples:
        return super().sample(request, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("bad", "law"),
    [
        (WithOldColumns, laws.rows_agree_with_their_arrays),
        (Anywhere, laws.rows_lie_in_the_region),
        (OfOneSeed, laws.the_seed_decides),
    ],
)
def test_laws_bite(bad: type[AugmentImages], law: Callable[..., None]) -> None:
    with pytest.raises(AssertionError):
        law(bad, digits())


def test_parents_are_the_images_that_were_put_together() -> None:
    """With nothing but a mixture of two, each pixel lies between those of the parents."""
    table = digits()
    made = AugmentImages(methods=("mixup",)).fit(table, np.random.default_rng(0))
    new = made.sample(Request(Region(), 2, 200), np.random.default_rng(1)).table
    images, real = new.rows.arrays["image"].astype(int), table.rows.arrays["image"].astype(int)
    mixed = new.parents[:, 1] >= 0
    assert 0.1 < mixed.mean() < 0.4
    assert (table.y[new.parents[mixed]] == 2).all(), "both are of the class"
    pair = real[new.parents[mixed]]
    assert (images[mixed] >= pair.min(axis=1) - 1).all()
    assert (images[mixed] <= pair.max(axis=1) + 1).all()
    np.testing.assert_array_equal(images[~mixed], real[new.parents[~mixed, 0]])


def test_a_changed_image_is_most_like_its_own() -> None:
    images, y = digit_images()
    table = image_table(images[:60], y[:60])
    new = AugmentImages(methods=("shift",), shift=0.06).fit(table, np.random.default_rng(0))
    made = new.sample(Request(Region(), None, 100), np.random.default_rng(0)).table
    flat, real = (each.rows.arrays["image"].reshape(len(each), -1).astype(float) for each in (made, table))
    nearest = ((flat[:, None] - real) ** 2).sum(axis=2).argmin(axis=1)
    assert (nearest == made.parents[:, 0]).mean() > 0.7


def test_other_columns_come_from_the_image_that_was_changed() -> None:
    images, y = digit_images()
    table = image_table(images[:60], y[:60], shelf=np.arange(60) % 7)
    made = (
        AugmentImages()
        .fit(table, np.random.default_rng(0))
        .sample(Request(Region(), None, 50), np.random.default_rng(0))
    )
    shelf = table.schema.names.index("shelf")
    np.testing.assert_array_equal(made.table.X[:, shelf], made.table.parents[:, 0] % 7)


def test_rows_of_a_region_start_there() -> None:
    table = digits()
    region = laws.upper_halves(table)[0]
    made = (
        AugmentImages().fit(table, np.random.default_rng(0)).sample(Request(region, None, 60), np.random.default_rng(0))
    )
    assert region.contains(table.rows.take(made.table.parents[:, 0])).all()
    assert made.acceptance > 0.3
    assert made.sampling_method == "rejection"


def test_strength_zero_changes_nothing() -> None:
    images = torch.as_tensor(digit_images()[0][:20]).float() / 255
    rng = np.random.default_rng(0)
    torch.testing.assert_close(warped(images, Strength(0, 0, 0), rng), images, atol=1e-5, rtol=0)
    assert warped(images[:0], Strength(), rng).shape == images[:0].shape


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 20, 9)])
def test_boxes_and_blends_are_of_both(shape: tuple[int, int, int]) -> None:
    rng = np.random.default_rng(0)
    dark, light = torch.zeros(300, *shape), torch.ones(300, *shape)
    put = boxed(dark, light, rng)
    assert set(np.unique(put.numpy())) == {0.0, 1.0}
    assert put.mean(dim=(1, 2, 3)).max() < 0.7, "most of an image is the first"
    assert (put == put[:, :1]).all(), "all channels have the same box"
    mixed = blended(dark, light, rng)
    assert 0 <= mixed.min() <= mixed.max() <= 0.5


@pytest.mark.parametrize(
    "settings", [{"methods": ()}, {"methods": "shift"}, {"methods": ("flip",)}, {"shift": 0.9}, {"tries": 0}]
)
def test_settings_are_checked(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        AugmentImages(**settings)
