import io
import os
import shutil
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy.io import wavfile

from experiments.data.arrays import images as module
from experiments.data.arrays.images import digits, load, save
from experiments.data.arrays.opening import reader_of
from experiments.data.files import Reading
from experiments.data.sources import load as load_any
from experiments.data.split import Split
from learners.encoders.pixels import Pixels
from loop.errors import DataError
from loop.support.model_files import arrays

RNG = np.random.default_rng(0)


def some(n: int = 6, shape: tuple[int, ...] = (1, 5, 7)) -> np.ndarray:
    made: np.ndarray = RNG.integers(0, 256, size=(n, *shape)).astype(np.uint8)
    return made


@pytest.mark.parametrize("channels", [1, 3])
def test_what_is_written_is_read_again(channels: int, tmp_path: Path) -> None:
    images, labels = some(6, (channels, 5, 7)), ["cat", "dog", "cat", "dog", "dog", "cat"]
    save(tmp_path / "all", images, labels)
    data = load(tmp_path / "all", "animal")
    assert data.target == "animal"
    assert isinstance(data.encoders["image"], Pixels)
    of_class = {name: [image for image, label in zip(images, labels, strict=True) if label == name] for name in labels}
    for name, own in data.frame.groupby("animal"):
        np.testing.assert_array_equal(np.stack(own["image"].tolist()), np.stack(of_class[str(name)]))


def test_floats_are_written_in_256_steps(tmp_path: Path) -> None:
    images = np.linspace(0, 1, 70, dtype=np.float32).reshape(2, 1, 5, 7)
    save(tmp_path / "all", images, [1, 2])
    read = np.stack(load(tmp_path / "all").frame["image"].tolist())
    np.testing.assert_allclose(read / 255, images, atol=0.5 / 255 + 1e-6)


def test_jpeg_palettes_and_transparency_become_grey_or_colour(tmp_path: Path) -> None:
    grey, colour = Image.fromarray(some(1)[0, 0]), Image.fromarray(np.moveaxis(some(1, (3, 5, 7))[0], 0, 2))
    for name in ("a", "b"):
        (tmp_path / "grey" / name).mkdir(parents=True)
        (tmp_path / "colour" / name).mkdir(parents=True)
    grey.save(tmp_path / "grey/a/1.jpg")
    grey.convert("LA").save(tmp_path / "grey/a/2.png")
    grey.convert("1").save(tmp_path / "grey/b/3.PNG")
    Image.fromarray(np.full((5, 7), 513, np.uint16)).save(tmp_path / "grey/b/4.png")
    colour.save(tmp_path / "colour/a/1.jpeg")
    colour.convert("P").save(tmp_path / "colour/a/2.png")
    colour.convert("RGBA").save(tmp_path / "colour/b/3.png")
    (tmp_path / "colour/b/notes.md").write_text("no image")
    (tmp_path / "colour/b/.hidden.png").write_text("no image")
    read = load(tmp_path / "grey")
    assert {image.shape for image in read.frame["image"]} == {(1, 5, 7)}
    assert read.frame["image"].iloc[3].max() == 2, "the upper half of 16 bits"
    coloured = load(tmp_path / "colour")
    assert {image.shape for image in coloured.frame["image"]} == {(3, 5, 7)}
    assert "1 files" in coloured.said[0]


def test_archives(tmp_path: Path) -> None:
    path = tmp_path / "many.npz"
    np.savez(path, images=some(8), label=np.arange(8) % 2, weight_g=np.arange(8.0))
    reader = reader_of(path)
    assert reader is load
    data = load(path)
    assert list(data.frame.columns) == ["image", "label", "weight_g"]
    np.savez(path, images=some(8, (5, 7, 3)), what=list("ababaabb"))
    assert load(path, "what").frame["image"].iloc[0].shape == (3, 5, 7)
    np.savez(path, images=some(8, (5, 7)), what=list("ababaabb"))
    assert load(path, "what").frame["image"].iloc[0].shape == (1, 5, 7)


def test_a_split_of_what_is_read_has_its_images(tmp_path: Path) -> None:
    save(tmp_path / "all", some(60), ["a", "b", "b"] * 20)
    split = Split.of(load(tmp_path / "all"), 0)
    assert split.train.rows.arrays["image"].shape[1:] == (1, 5, 7)
    assert split.train.rows.arrays["image"].dtype == np.uint8


def test_digits_of_scikit_learn() -> None:
    data = digits()
    images = np.stack(data.frame["image"].tolist())
    assert images.shape == (1797, 1, 8, 8)
    assert (images.min(), images.max()) == (0, 255)
    assert data.target == "digit"


def two_classes(folder: Path) -> Path:
    save(folder, some(4), ["a", "a", "b", "b"])
    return folder


def bomb(path: Path) -> None:
    """A PNG file that says it has 60,000 x 60,000 pixels."""
    data = io.BytesIO()
    Image.new("L", (1, 1)).save(data, format="PNG")
    raw = bytearray(data.getvalue())
    raw[16:24] = (60_000).to_bytes(4, "big") * 2
    raw[29:33] = zlib.crc32(raw[12:29]).to_bytes(4, "big")
    path.write_bytes(raw)


def link(file: Path) -> None:
    """A link that leads out of the folder of images."""
    secret = file.parents[2] / "secret.png"
    Image.new("L", (7, 5)).save(secret)
    file.unlink()
    file.symlink_to(secret)


BROKEN: dict[str, Callable[[Path], object]] = {
    "cut": lambda file: file.write_bytes(file.read_bytes()[:40]),
    "no image": lambda file: file.write_text("<svg/>"),
    "another size": lambda file: Image.new("L", (5, 5)).save(file),
    "another mode": lambda file: Image.new("RGB", (7, 5)).save(file),
    "large": lambda file: Image.new("L", (2000, 3)).save(file),
    "bomb": bomb,
    "link": link,
    "gif": lambda file: Image.new("L", (7, 5)).save(file, format="GIF"),
    "one class": lambda file: shutil.rmtree(file.parent),
}


@pytest.mark.parametrize("how", BROKEN)
def test_broken_folders_are_refused_in_a_sentence(how: str, tmp_path: Path) -> None:
    folder = two_classes(tmp_path / "images")
    assert len(load(folder).frame) == 4
    BROKEN[how](folder / "a" / "000000.png")
    with pytest.raises(DataError) as caught:
        load(folder)
    told = str(caught.value)
    assert len(told) < 400
    assert "\n" not in told
    if how in ("another size", "another mode", "large"):
        assert "resize" in told


def test_too_many_pixels_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = two_classes(tmp_path / "images")
    monkeypatch.setattr(module, "MOST_PIXELS", 100)
    with pytest.raises(DataError, match="at most"):
        load(folder)


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ({"images": some(4)}, "target"),
        ({"images": some(4), "label": np.arange(3)}, "one value an image"),
        ({"images": np.arange(4), "label": np.arange(4)}, "height"),
        ({"images": some(4).astype(float), "label": np.arange(4)}, "from 0 to 1"),
        ({"images": some(0), "label": np.arange(0)}, "height"),
        ({"images": np.zeros((4, 1, 600, 2), np.uint8), "label": np.arange(4)}, "pixels a side"),
        ({"images": np.array([{}, {}], dtype=object), "label": np.arange(2)}, "plain arrays"),
        ({"images": some(4), "label": np.arange(4), "image": np.arange(4)}, "named"),
    ],
)
def test_broken_archives_are_refused(held: dict[str, Any], said: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "it.npz", **held)
    with pytest.raises(DataError, match=said):
        load(tmp_path / "it.npz")


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "it.npz").write_text("no archive")
    with pytest.raises(DataError):
        load(tmp_path / "it.npz")
    with zipfile.ZipFile(tmp_path / "it.npz", "w") as archive:
        archive.writestr("images.npy", "no array")
    with pytest.raises(DataError):
        load(tmp_path / "it.npz")


@pytest.mark.parametrize("label", ["", "..", "a/b", ".hidden", "a\\b", "a\0b", "a\nb"])
def test_classes_that_name_no_folder_are_refused(label: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="folder"):
        save(tmp_path / "all", some(2), [label, "b"])
    assert not (tmp_path / "all").exists()


def test_nothing_is_written_over(tmp_path: Path) -> None:
    folder = two_classes(tmp_path / "images")
    with pytest.raises(DataError, match="new or empty"):
        save(folder, some(1), ["a"])
    with pytest.raises(DataError, match="one or three"):
        save(tmp_path / "more", some(1, (2, 5, 7)), ["a"])
    with pytest.raises(DataError, match="a label"):
        save(tmp_path / "more", some(2), ["a"])


def test_an_archive_is_measured_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez_compressed(tmp_path / "it.npz", images=np.zeros((100, 100, 100), np.uint8), label=np.arange(100) % 2)
    monkeypatch.setattr(arrays, "LARGEST", 100_000)
    with pytest.raises(DataError, match="unpacked it has"):
        load(tmp_path / "it.npz")


def test_images_without_some_value_are_told(tmp_path: Path) -> None:
    values = np.full((4, 5, 5), 0.5)
    values[2, 1, 1] = np.nan
    np.savez(tmp_path / "it.npz", images=values, label=[0, 1, 0, 1])
    with pytest.raises(DataError, match="NaN"):
        load(tmp_path / "it.npz")


@pytest.mark.parametrize("kind", ["png", "txt", "wav"])
@pytest.mark.parametrize("of_folder", [True, False])
def test_names_that_are_no_utf8_are_refused(kind: str, of_folder: bool, tmp_path: Path) -> None:
    if not of_folder and kind != "png":
        return  # only files of images are named in the table
    home = os.fsencode(two_classes(tmp_path / "all"))
    folder = home + (b"/\xff" if of_folder else b"/a")
    os.makedirs(folder, exist_ok=True)
    if kind != "png":
        shutil.rmtree(tmp_path / "all" / "a")
        shutil.rmtree(tmp_path / "all" / "b")
    picture, sound = io.BytesIO(), io.BytesIO()
    Image.fromarray(some(1)[0, 0]).save(picture, "PNG")
    wavfile.write(sound, 8000, np.zeros(2000, dtype=np.int16))
    contents = {"png": picture.getvalue(), "txt": b"words", "wav": sound.getvalue()}
    with open(folder + b"/\xfe." + kind.encode(), "wb") as file:
        file.write(contents[kind])
    reader = reader_of(tmp_path / "all")
    assert reader is not None
    with pytest.raises(DataError, match="UTF-8"):
        reader(tmp_path / "all", labelled=False)


def test_files_of_long_names_are_told_apart(tmp_path: Path) -> None:
    folder = two_classes(tmp_path / "all")
    name = "x" * 80 + ".png"
    Image.fromarray(some(1)[0, 0]).save(folder / "a" / name)
    Image.fromarray(some(1)[0, 0]).save(folder / "b" / name)
    assert {f"a/{name}", f"b/{name}"} <= set(load(folder).frame["file"])


def test_the_column_of_images_may_be_dropped(tmp_path: Path) -> None:
    np.savez(tmp_path / "it.npz", images=some(40)[:, 0], label=np.arange(40) % 2, age=np.arange(40) % 7)
    dataset = load_any(str(tmp_path / "it.npz"), reading=Reading(drop=("image",)))
    assert not dataset.encoders
    assert [column.name for column in Split.of(dataset, seed=0).train.schema.columns] == ["age"]
