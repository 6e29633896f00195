"""Short English texts by topic: the files of Debian's package ``fortunes``, fetched once into a folder."""

import re
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from experiments.data.arrays.text import LABEL, TEXT, with_texts
from experiments.data.sources import Dataset
from experiments.data.split import Split
from loop.errors import DataError
from loop.seeds import stream

PACKAGE = "fortunes"
INSIDE = Path("usr/share/games/fortunes")  # of the package
COMMON = ("computers", "definitions", "art", "work", "zippy", "platitudes")
RARE = ("science", "politics", "men-women", "songs-poems")
TRAIN, TEST, RARE_TEST = 150, 75, 150  # texts of each common topic, and of the rare one that test
MOST_RARE = 200  # rows of the rare topic in training, at most
Topics = Mapping[str, Sequence[str]]
_SIGNED = re.compile(r"\n\s*--\s.*\Z", re.DOTALL)  # who said it


def topics(folder: Path) -> Topics:
    """Return the texts of each topic, without the names of those who said them; each text stands in one topic only.

    Parameters
    ----------
    folder : Path
        Where the package is, or is fetched to.

    Raises
    ------
    DataError
        If it is not there and cannot be fetched.
    """
    if not (folder / INSIDE).is_dir():
        _fetch(folder)
    held = {name: _texts((folder / INSIDE / name).read_text(encoding="utf-8")) for name in (*COMMON, *RARE)}
    known = Counter(bare for texts in held.values() for bare in {_bare(text) for text in texts})
    alone: dict[str, list[str]] = {}
    for name, texts in held.items():
        first = dict.fromkeys(_bare(text) for text in texts)
        by_bare = {_bare(text): text for text in reversed(texts)}
        alone[name] = [by_bare[bare] for bare in first if bare and known[bare] == 1]
    return alone


def split_of(topics: Topics, rare: str, rows: int, seed: int) -> tuple[Split, list[str]]:
    """Split one rare topic and the common ones; return the split, and texts of the rare topic that are in no part.

    The training rows of the rare topic with 20 rows are among those with 50, and so on; test rows are the same.

    Parameters
    ----------
    topics : mapping of str to sequence of str
    rare : str
        The rare topic, the class to catch.
    rows : int
        Its training rows.
    seed : int
    """
    texts, labels, train, test = list[str](), list[str](), list[int](), list[int]()
    held_back: list[str] = []
    for name in (*COMMON, rare):
        own = [topics[name][at] for at in stream(seed, "topic", name).permutation(len(topics[name]))]
        tested, taught, last = (RARE_TEST, rows, MOST_RARE) if name == rare else (TEST, TRAIN, TRAIN)
        test += range(len(texts), len(texts) + tested)
        train += range(len(texts) + tested, len(texts) + tested + taught)
        texts += own[: tested + taught]
        labels += [name] * (tested + taught)
        held_back = own[tested + last :] if name == rare else held_back
    frame = pd.DataFrame({TEXT: texts, LABEL: labels})
    dataset = with_texts(Dataset(f"fortunes: {rare}", frame, LABEL, positive=rare), [TEXT])
    return Split.at(dataset, np.array(train), np.array(test)), held_back


def _texts(content: str) -> list[str]:
    return [text for part in re.split(r"(?m)^%\s*$", content) if (text := _SIGNED.sub("", part).strip())]


def _bare(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))


def _fetch(folder: Path) -> None:
    """Download the package with apt-get and unpack it; nothing is installed."""
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise DataError(
            f"the corpus must be in {folder}, or be fetched with apt-get, and neither is so: unpack it there."
        )
    with tempfile.TemporaryDirectory() as place:
        asked = ["apt-get", "-o", "APT::Sandbox::User=root", "download", PACKAGE]
        got = subprocess.run(asked, cwd=place, capture_output=True, text=True, timeout=300, check=False)
        package = next(Path(place).glob("*.deb"), None)
        if got.returncode or package is None:
            raise DataError(
                f"apt-get must reach the package {PACKAGE}, and does not: run apt-get update, or unpack it."
            )
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["dpkg-deb", "-x", str(package), str(folder)], capture_output=True, timeout=60, check=True)
