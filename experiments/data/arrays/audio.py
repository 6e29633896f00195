"""Sounds as series: WAV files in a folder for each class, read as energies of mel bands along time."""

import struct
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.io import wavfile

from loop.errors import DataError
from loop.support.own_files import own_file, own_name
from loop.support.setting_checks import check_bounds

ENDING = ".wav"
LARGEST = 2**28  # bytes of a file
MOST_FILES = 100_000
MOST_VALUES = 2**28  # energies of all files
DAMAGED = (OSError, ValueError, EOFError, struct.error, ArithmeticError, MemoryError, UnboundLocalError, UserWarning)
# What scipy meets in damaged files: sizes that are no size, parts that end early, no part with sound at all; it only
# warns, by a UserWarning of its own, of a file that was cut.
SLOWEST, FASTEST = 100, 1_000_000  # samples a second
SILENCE = 1e-6  # added to energies before the logarithm
FULL = {"int16": 2.0**15, "int32": 2.0**31, "float32": 1.0, "float64": 1.0}  # the loudest value of each type


@dataclass(frozen=True)
class Sounds:
    """How sounds become series.

    Parameters
    ----------
    bands : int
        Mel bands, the channels of the series.
    window, step : float
        Seconds of sound in a spectrum, and from one to the next.
    highest : float
        Highest frequency in hertz; a file of a lower sampling rate has silence above its half.

    Raises
    ------
    ConfigError
        If a number is out of its range.
    """

    bands: int = 24
    window: float = 0.032
    step: float = 0.016
    highest: float = 8000.0

    def __post_init__(self) -> None:
        check_bounds(self, least={"bands": 1}, most={"bands": 128}, positive=["window", "step", "highest"])


def read(folder: Path, sounds: Sounds | None = None) -> tuple[list[np.ndarray], list[str]]:
    """Read a folder with a folder of WAV files for each class.

    Returns
    -------
    series : list of np.ndarray
        Logarithms of energies, (bands, time) float32, in the order of classes and names.
    labels : list of str
        Names of the folders.

    Raises
    ------
    DataError
        If there is no such file, one is damaged or too large, or a link leads out of the folder.
    """
    sounds = sounds or Sounds()
    series, labels, values = list[np.ndarray](), list[str](), 0
    for label, path in _files(folder):
        rate, sound = _sound(path, folder)
        series.append(energies(sound, rate, sounds))
        labels.append(label)
        values += series[-1].size
        if values > MOST_VALUES or len(series) > MOST_FILES:
            raise DataError(
                f"{folder} must hold at most {MOST_FILES:,} sounds of a few hours in all: use fewer of them."
            )
    if not series:
        raise DataError(f"{folder} must hold a folder of {ENDING} files for each class, and has none: check the path.")
    return series, labels


def energies(sound: np.ndarray, rate: int, sounds: Sounds) -> np.ndarray:
    """Return logarithms of energies (bands, time), float32, of a sound (n,) with values from -1 to 1."""
    size, step = max(2, round(sounds.window * rate)), max(1, round(sounds.step * rate))
    padded = np.pad(sound, (0, max(0, size - len(sound))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::step]
    weights = mel_weights(sounds.bands, size, rate, sounds.highest)
    window = np.hanning(size + 1)[:-1]
    made = np.empty((sounds.bands, len(frames)), dtype=np.float32)
    for first in range(0, len(frames), 4096):
        spectrum = np.abs(np.fft.rfft(frames[first : first + 4096] * window, axis=1)) ** 2 / (window**2).sum()
        made[:, first : first + 4096] = np.log(spectrum @ weights + SILENCE).T
    return made


def mel_weights(bands: int, size: int, rate: int, highest: float) -> np.ndarray:
    """Return triangles (frequencies, bands) evenly spaced on the mel scale (O'Shaughnessy 1987)."""
    ends = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + highest / 700), bands + 2) / 2595) - 1)
    frequency = np.fft.rfftfreq(size, 1 / rate)[:, None]
    rising = (frequency - ends[:-2]) / (ends[1:-1] - ends[:-2])
    falling = (ends[2:] - frequency) / (ends[2:] - ends[1:-1])
    weights: np.ndarray = np.maximum(np.minimum(rising, falling), 0)
    return weights


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield class and path of each file."""
    if not folder.is_dir():
        raise DataError(f"{folder} must be a folder with a folder for each class, and is none: check the path.")
    for home in sorted(each for each in folder.iterdir() if each.is_dir() and not each.name.startswith(".")):
        for path in sorted(home.iterdir()):
            if path.suffix.lower() == ENDING and not path.name.startswith("."):
                yield own_name(home, folder), path


def _sound(path: Path, folder: Path) -> tuple[int, np.ndarray]:
    """Return samples a second and the sound (n,) of a file, the mean of its channels."""
    try:
        with warnings.catch_warnings(), own_file(path, folder, LARGEST).open("rb") as file:
            warnings.simplefilter("ignore", wavfile.WavFileWarning)  # of parts that are no sound
            warnings.filterwarnings("error", "Reached EOF", wavfile.WavFileWarning)  # of a file that was cut
            rate, sound = wavfile.read(file)
    except DAMAGED as error:
        why = " ".join(str(error).split())[:100]
        raise DataError(f"{path} must be a WAV file of its folder, and cannot be read ({why}): replace it.") from error
    kind = str(sound.dtype)
    if kind == "uint8":
        sound, kind = sound.astype(np.float32) / 128 - 1, "float32"
    if not SLOWEST <= rate <= FASTEST:
        raise DataError(f"{path} must have {SLOWEST} to {FASTEST:,} samples a second, got {rate:,}: resample it.")
    if kind not in FULL or not sound.size:
        raise DataError(
            f"{path} must hold a sound of 8, 16, 24 or 32 bits, got {sound.size} values of {kind}: convert it."
        )
    flat = sound if sound.ndim == 1 else sound.mean(axis=1)
    scaled = flat.astype(np.float64) / FULL[kind]
    if not np.isfinite(scaled).all():
        raise DataError(f"{path} must hold finite values, and some are not: convert it to 16 bits.")
    return int(rate), np.clip(scaled, -1, 1)
