from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from image_tables import digit_images, digits, image_table

from generators import GanImages
from generators.images.adversaries import Critic, Maker
from generators.images.gan import _critics_loss
from loop.errors import ConditionError, ConfigError, DataError
from loop.testing import arrays as laws
from loop.types import Region, Request, Samples

FAST: dict[str, Any] = {"width": 8, "latent": 8, "passes": 1, "least_steps": 80, "most_steps": 80, "batch": 32}


def fast(**settings: Any) -> GanImages:
    return GanImages(**(FAST | settings))


@pytest.mark.parametrize("law", laws.GENERATOR_LAWS, ids=lambda law: law.__name__)
def test_laws(law: Callable[..., None]) -> None:
    law(fast, digits())


class Elsewhere(GanImages):
    def sample(self, request: Request, rng: np.random.Generator) -> Samples:
        made = super().sample(Request(Region(), request.label, request.n), rng)
        return Samples(made.table, request, made.tried)


def test_laws_bite() -> None:
    with pytest.raises(AssertionError):
        laws.rows_lie_in_the_region(lambda: Elsewhere(**FAST), digits())


def test_what_it_makes_is_nearer_to_its_class_than_to_others() -> None:
    generator = fast(width=16, least_steps=700, most_steps=700).fit(digits(400), np.random.default_rng(0))
    images, y = digit_images()
    means = np.stack([images[y == code].mean(axis=0).ravel() for code in (0, 3, 8)])
    for label in range(3):
        made = generator.sample(Request(Region(), label, 60), np.random.default_rng(label)).table
        flat = made.rows.arrays["image"].reshape(60, -1).astype(float)
        assert (((flat[:, None] - means) ** 2).sum(axis=2).argmin(axis=1) == label).mean() > 0.7, label
        assert flat.std(axis=0).mean() > 5, "they are not all the same"
        assert (made.parents == -1).all()


def test_the_critic_learns_to_tell_and_the_penalty_counts() -> None:
    critic = Critic((1, 8, 8), 2, 8)
    real, made, label = torch.rand(6, 1, 8, 8), torch.rand(6, 1, 8, 8), torch.arange(6) % 2
    plain, penalised = (float(_critics_loss(critic, real, made, label, turn).detach()) for turn in (False, True))
    assert penalised > plain


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 8, 13), (1, 28, 28), (2, 33, 64)])
def test_both_networks_take_images_of_many_shapes(shape: tuple[int, int, int]) -> None:
    label = torch.arange(5) % 3
    made = Maker(shape, 3, 8, 8)(torch.randn(5, 8), label)
    assert made.shape == (5, *shape)
    assert ((made >= 0) & (made <= 1)).all()
    assert Critic(shape, 3, 8)(made, label).shape == (5,)


def test_other_columns_are_those_of_a_real_row() -> None:
    images, y = digit_images()
    table = image_table(images[:60], y[:60], shelf=np.arange(60) % 7)
    made = fast().fit(table, np.random.default_rng(0)).sample(Request(Region(), 1, 20), np.random.default_rng(0)).table
    shelf = table.schema.names.index("shelf")
    np.testing.assert_array_equal(made.X[:, shelf], made.parents[:, 0] % 7)
    assert (table.y[made.parents[:, 0]] == 1).all()


def test_a_class_without_rows_is_refused() -> None:
    table = digits(60)
    generator = fast(least_steps=2, most_steps=2).fit(table.take(table.y != 1), np.random.default_rng(0))
    with pytest.raises(ConditionError):
        generator.sample(Request(Region(), 1, 5), np.random.default_rng(0))


@pytest.mark.parametrize("settings", [{"latent": 0}, {"width": 10}, {"rate": 0}, {"tries": 0}, {"batch": 0}])
def test_settings_are_checked(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        GanImages(**settings)


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    fast(least_steps=2, most_steps=2).fit(digits(60), np.random.default_rng(0)).save(tmp_path)
    settings = tmp_path / "settings.json"
    settings.write_text(settings.read_text().replace('"width": 8', '"width": 256'))
    with pytest.raises(DataError):
        GanImages.load(tmp_path)
