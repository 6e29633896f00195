"""Images as data: PNG or JPEG files in folders by class, NPZ files, digits of scikit-learn; and PNG files written."""

import warnings
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, UnidentifiedImageError

from experiments.data.arrays.folders import files_by_class
from experiments.data.sources import Dataset
from learners.encoders.pixels import Pixels
from loop.errors import DataError
from loop.support import atomic
from loop.support.model_files.arrays import read_npz
from loop.support.own_files import own_file, own_name

IMAGE, FILE, LABEL, IN_NPZ = "image", "file", "label", "images"
ENDINGS, FORMATS = (".png", ".jpg", ".jpeg"), ("PNG", "JPEG")
LARGEST_FILE, LARGEST_SIDE = 2**24, 512  # bytes; pixels: parts for images are made for small ones
MOST_PIXELS = 2**31  # of all images together, as many bytes
MOST_FILES = 500_000
FORBIDDEN = set('/\\:*?"<>|\0')  # in names of folders, on one system or another


def load(path: Path, target: str | None = None, *, labelled: bool = True) -> Dataset:
    """Read images from a folder that has a folder for each class, or from an NPZ file.

    Parameters
    ----------
    path : Path
        A folder; or an NPZ file with the array ``images`` (n, height, width), (n, channels, height, width) or
        (n, height, width, 3), whose other arrays (n,) are columns.
    target : str, optional
        Name of the column of classes; of an NPZ file the array of this name, of a folder the name to give. None =
        ``label``.
    labelled : bool
        Whether there must be classes; without them a folder may hold the images itself.

    Returns
    -------
    Dataset
        With the column ``image``; of a folder also ``file``, which is no feature.

    Raises
    ------
    DataError
        If something cannot be read, leads out of the folder, or is too large; if sizes differ; if there are no two
        classes.
    """
    target = LABEL if target is None else target
    if target == IMAGE:
        raise DataError(f"target must not be {IMAGE!r}, which is the column of images: name another.")
    return _of_folder(path, target, labelled) if path.is_dir() else _of_npz(path, target, labelled)


def digits() -> Dataset:
    """Return the digits of scikit-learn as images of 8 x 8 pixels; their values 0 to 16 become 0 to 255."""
    from sklearn.datasets import load_digits

    values, y = load_digits(return_X_y=True)
    images = np.round(values.reshape(-1, 1, 8, 8) * (255 / 16)).astype(np.uint8)
    return _dataset("digits", images, pd.DataFrame({"digit": y}), "digit", note="ships with scikit-learn")


def save(path: Path, entries: Sequence[np.ndarray] | np.ndarray, labels: Sequence[object]) -> None:
    """Write images (c, h, w) of one or three channels as PNG files, in a folder for each class.

    Parameters
    ----------
    path : Path
        A folder, which must be new or empty.
    entries : sequence of np.ndarray
        uint8, or floats from 0 to 1.
    labels : sequence
        Class of each; its text is the name of the folder.

    Raises
    ------
    DataError
        If there are not as many labels as images, channels are neither one nor three, or a class cannot name a folder.
    """
    if len(entries) != len(labels):
        raise DataError(f"each image must have a label, got {len(entries)} and {len(labels)}: give both.")
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise DataError(f"images must be written to a new or empty folder, and {path} is not: choose another.")
    pictures = [_picture(entry) for entry in entries]
    folders = {label: path / _folder_name(label) for label in dict.fromkeys(labels)}
    path.mkdir(parents=True, exist_ok=True)
    for number, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
        folders[label].mkdir(exist_ok=True)
        atomic.write_file(folders[label] / f"{number:06d}.png", partial(picture.save, format="PNG"))


def _of_folder(path: Path, target: str, labelled: bool) -> Dataset:
    images, files, others, first = list[np.ndarray](), list[Path](), 0, None
    for file in files_by_class(path, flat=True):
        if file.suffix.lower() not in ENDINGS:
            others += 1
            continue
        image = _read(file, path)
        first = first or (file, image.shape)
        if image.shape != first[1]:
            raise DataError(
                f"images must all have one size and one number of channels, {_told(first[0], path)} has "
                f"{_size(first[1])} and {_told(file, path)} {_size(image.shape)}: resize them, for example with "
                "Pillow's Image.resize."
            )
        images.append(image)
        files.append(file)
        if len(images) > MOST_FILES or len(images) * image.size > MOST_PIXELS:
            raise DataError(f"a folder of images must hold at most {MOST_PIXELS:,} pixels, {path} has more: part it.")
    labels = [file.parent.name for file in files]
    if len(set(labels)) < 2 and (labelled or not files):
        raise DataError(f"a folder of images must have two folders with PNG or JPEG files, {path} has not: add them.")
    said = (f"{path.name}: {others:,} files that are no PNG or JPEG are left out",) if others else ()
    columns = pd.DataFrame({FILE: [own_name(file, path) for file in files], target: labels})
    return _dataset(path.resolve().name, np.stack(images), columns, target, said=said)


def _of_npz(path: Path, target: str, labelled: bool) -> Dataset:
    try:
        held = read_npz(path)
    except DataError as error:
        raise DataError(f"{path} must be an NPZ file of plain arrays, and is not ({error}): save it again.") from error
    if IN_NPZ not in held or held[IN_NPZ].ndim not in (3, 4) or not len(held[IN_NPZ]):
        got = held[IN_NPZ].shape if IN_NPZ in held else "none"
        raise DataError(f"{path.name} must hold images (n, height, width) or (n, channels, height, width), got {got}.")
    images = held.pop(IN_NPZ)
    if images.ndim == 4 and images.shape[3] in (1, 3) and images.shape[1] not in (1, 3):
        images = np.moveaxis(images, 3, 1)  # channels last, as pictures are often kept
    if odd := next((name for name, array in held.items() if array.shape != (len(images),)), None):
        raise DataError(
            f"{path.name} must hold one value an image beside the images, {len(images):,}, and {odd[:40]!r} has the "
            f"shape {held[odd].shape}: leave it out."
        )
    if labelled and target not in held:
        raise DataError(
            f"{path.name} must hold the target {target[:40]!r}, and holds {', '.join(held)[:80] or 'none'}: name it."
        )
    if max(images.shape[-2:]) > LARGEST_SIDE or images.size > MOST_PIXELS:
        raise DataError(f"images must have at most {LARGEST_SIDE} pixels a side, got {images.shape[-2:]}: resize them.")
    stacked = Pixels().stacked(list(images))
    return _dataset(path.name, stacked, pd.DataFrame(held, index=range(len(stacked))), target)


def _dataset(name: str, images: np.ndarray, columns: pd.DataFrame, target: str, **told: object) -> Dataset:
    encoder = Pixels()
    if IMAGE in columns:
        raise DataError(f"no column may be named {IMAGE!r}, as the images are: rename it.")
    cells = pd.Series(encoder.cells(images), index=columns.index, dtype=object)
    frame = pd.concat([cells.rename(IMAGE), columns], axis=1)
    return Dataset(name, frame, target, encoders={IMAGE: encoder}, **told)  # type: ignore[arg-type]


def _read(file: Path, home: Path) -> np.ndarray:
    """Return one image (c, h, w), uint8: grey, or red, green and blue."""
    try:
        own_file(file, home, LARGEST_FILE)
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(file, formats=FORMATS) as picture:
                if max(picture.size) > LARGEST_SIDE:
                    raise DataError(
                        f"images must have at most {LARGEST_SIDE} pixels a side, {_told(file, home)} has "
                        f"{picture.size[0]} x {picture.size[1]}: resize them."
                    )
                grey = picture.mode in ("1", "L", "I", "I;16", "LA")
                values = (
                    _eight_bits(picture)
                    if picture.mode in ("I", "I;16")
                    else np.asarray(picture.convert("L" if grey else "RGB"))
                )
    except DataError:
        raise
    except (OSError, ValueError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError, Warning) as error:
        why = " ".join(str(error).split())[:80]
        raise DataError(
            f"an image must be a whole PNG or JPEG file in its folder, and {_told(file, home)} is not ({why}): "
            "replace or remove it."
        ) from error
    image: np.ndarray = values[None] if values.ndim == 2 else np.ascontiguousarray(np.moveaxis(values, 2, 0))
    return image


def _eight_bits(picture: Image.Image) -> np.ndarray:
    """Return a picture of 16 bits a pixel with the upper eight."""
    return (np.asarray(picture).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8)


def _picture(entry: np.ndarray) -> Image.Image:
    (image,) = Pixels().stacked([entry])
    if image.shape[0] not in (1, 3):
        raise DataError(f"an image to be written must have one or three channels, got {image.shape[0]}: use NPZ.")
    values = image if image.dtype == np.uint8 else np.round(image * 255).astype(np.uint8)
    return Image.fromarray(values[0] if len(values) == 1 else np.moveaxis(values, 0, 2))


def _folder_name(label: object) -> str:
    name = str(label)
    if not name or name.startswith(".") or len(name) > 200 or FORBIDDEN & set(name) or not name.isprintable():
        raise DataError(f"a class must be able to name a folder, and {name[:40]!r} is not: rename it.")
    return name


def _told(file: Path, home: Path) -> str:
    return own_name(file, home)[-60:]


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[2]} x {shape[1]} in {shape[0]} channel{'' if shape[0] == 1 else 's'}"
