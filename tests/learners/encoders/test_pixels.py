from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from image_tables import digit_images

from learners.encoders.pixels import Pixels
from loop.errors import DataError


def test_brightness_and_contrast_are_mean_and_deviation() -> None:
    images, _ = digit_images()
    encoder = Pixels().fit(images)
    made = encoder.columns(images)
    flat = images.reshape(len(images), -1) / 255
    assert encoder.names[:2] == ("brightness", "contrast")
    np.testing.assert_allclose(made[:, 0], flat.mean(axis=1), atol=1e-5)
    np.testing.assert_allclose(made[:, 1], flat.std(axis=1), atol=1e-5)
    assert made.shape == (len(images), len(encoder.names))


def test_components_tell_digits_apart() -> None:
    images, y = digit_images()
    made = Pixels().fit(images).columns(images)[:, 2:]
    centres = np.array([made[y == code].mean(axis=0) for code in (0, 3, 8)])
    nearest = ((made[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
    assert (np.array([0, 3, 8])[nearest] == y).mean() > 0.9


@given(st.sampled_from([np.uint8, np.float32]), st.tuples(*[st.integers(1, n) for n in (3, 30, 30)]), st.integers(0, 9))
def test_a_row_has_the_same_columns_in_any_company(dtype: type, shape: tuple[int, int, int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    images: np.ndarray = (rng.random((9, *shape)) * (255 if dtype is np.uint8 else 1)).astype(dtype)
    encoder = Pixels(components=5).fit(images)
    together = encoder.columns(images)
    alone = np.concatenate([encoder.columns(images[row : row + 1]) for row in range(9)])
    np.testing.assert_array_equal(alone, together)
    again = Pixels.from_json(encoder.to_json())
    np.testing.assert_array_equal(again.columns(images), together)
    assert again.names == encoder.names


def test_images_stay_small_in_memory() -> None:
    images = np.zeros((3000, 1, 28, 28), dtype=np.uint8)
    images[::2] += 9
    encoder = Pixels().fit(images)
    stacked = encoder.stacked(encoder.cells(images))
    assert stacked.dtype == np.uint8
    np.testing.assert_array_equal(stacked, images)
    assert all(cell.base is images for cell in encoder.cells(images)[:5])  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ([np.zeros((1, 4, 4), np.uint8), np.zeros((1, 4, 5), np.uint8)], "shape"),
        ([np.zeros((1, 4, 4), np.uint8), np.zeros((1, 4, 4), np.float32)], "uint8"),
        ([np.full((1, 4, 4), 256)], "255"),
        ([np.full((1, 4, 4), -1)], "255"),
        ([np.full((1, 4, 4), 1.5)], "from 0 to 1"),
        ([np.full((1, 4, 4), np.nan)], "a value in each pixel"),
        ([None], "channels, height and width"),
        (["a picture"], "channels, height and width"),
        ([np.zeros((0, 4))], "channels, height and width"),
        ([[[1, 2], [3]]], "equal length"),
        ([np.array([[["a"]]])], "channels, height and width"),
    ],
)
def test_what_is_no_image_is_refused_in_a_sentence(cells: list[Any], said: str) -> None:
    with pytest.raises(DataError, match=said) as caught:
        Pixels().stacked(cells)
    assert len(str(caught.value)) < 300
    assert "\n" not in str(caught.value)


def test_a_fitted_encoder_takes_images_of_its_kind_only() -> None:
    images, _ = digit_images()
    encoder = Pixels().fit(images)
    for other in (np.zeros((1, 9, 8), np.uint8), np.zeros((1, 8, 8), np.float32)):
        with pytest.raises(DataError):
            encoder.stacked([other])
    assert encoder.stacked([]).shape == (0, 1, 8, 8)
    assert encoder.columns(images[:0]).shape == (0, len(encoder.names))
    np.testing.assert_array_equal(encoder.stacked([images[0, 0].tolist()]), images[:1])


@pytest.mark.parametrize(
    ("key", "value"),
    [("shape", [1, 9, 9]), ("dtype", "int64"), ("components", 0), ("view", {}), ("more", 1), ("shape", [1, 8])],
)
def test_altered_records_are_refused(key: str, value: object) -> None:
    told = Pixels().fit(digit_images()[0]).to_json() | {key: value}
    with pytest.raises(DataError):
        Pixels.from_json(told)
