"""The text format of the UCR and UEA archives of time series, ``.ts``: a header, then a line for each series."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from loop.errors import DataError
from loop.support.own_files import own_file
from loop.support.visible import visible

LARGEST = 2**31  # bytes of a file
MISSING = {"?": "nan", "": "nan"}
_FLAGS = ("timestamps", "missing", "univariate", "equallength", "classlabel", "targetlabel")


@dataclass(frozen=True, eq=False)
class TsFile:
    """Series of a file, each (channels, own length), and their classes, as the file writes them."""

    name: str
    series: list[np.ndarray]
    labels: list[str]


def read(path: Path) -> TsFile:
    """Read a .ts file; values may be missing (``?``), and series be of several lengths and dimensions.

    Raises
    ------
    DataError
        If it cannot be read, has no header or no classes, has time stamps, or a line is not as the header says.
    """
    try:
        lines = own_file(path, most=LARGEST).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise DataError(f"{path} must be a text file of series, and is not ({str(error)[:100]}): check it.") from error
    numbered = ((number, line.strip()) for number, line in enumerate(lines, 1))
    told = ((number, line) for number, line in numbered if line and not line.startswith("#"))
    header = _header(path, told)
    classes = header.get("classlabel", "").split()
    if not classes or classes[0].lower() != "true":
        raise DataError(f"{path} must say @classLabel true with its classes, and does not: only classes are read.")
    if header.get("timestamps", "false").lower() == "true":
        raise DataError(f"{path} has time stamps, and only plain values are read: write it with @timeStamps false.")
    known, dimensions = set(classes[1:]), header.get("dimensions")
    made = TsFile(header.get("problemname", path.stem), [], [])
    for number, line in told:
        *channels, label = line.split(":")
        label = label.strip()
        if known and label not in known:
            _refuse(path, number, f"end with one of its {len(known)} classes", label)
        if dimensions is not None and str(len(channels)) != dimensions:
            _refuse(path, number, f"have {dimensions} dimensions", str(len(channels)))
        made.series.append(_values(path, number, channels))
        made.labels.append(label)
    if not made.series:
        raise DataError(f"{path} must have series behind @data, and has none: check that it is whole.")
    if len(found := {len(each) for each in made.series}) > 1:
        raise DataError(f"{path} must have series of the same dimensions, got {sorted(found)[:3]}: correct the file.")
    return made


def write(path: Path, name: str, series: Sequence[np.ndarray], labels: Sequence[str]) -> None:
    """Write series (channels, own length) with their classes as a .ts file.

    Raises
    ------
    DataError
        If a class has a space or a colon in it, which the format cannot hold, or none at all.
    """
    if odd := [each for each in labels if not each or any(mark in each for mark in " :\t\r\n,")]:
        raise DataError(f"classes in a .ts file must have no spaces, commas or colons, got {odd[0][:40]!r}: rename it.")
    lengths = {each.shape[1] for each in series}
    head = [
        f"@problemName {''.join(mark for mark in name if mark.isalnum() or mark in '-_') or 'series'}",
        "@timeStamps false",
        f"@missing {_flag(any(np.isnan(each).any() for each in series))}",
        f"@univariate {_flag(all(len(each) == 1 for each in series))}",
        f"@dimensions {len(series[0]) if len(series) else 1}",
        f"@equalLength {_flag(len(lengths) < 2)}",
        *([f"@seriesLength {next(iter(lengths))}"] if len(lengths) == 1 else []),
        f"@classLabel true {' '.join(sorted(set(labels)))}",
        "@data",
    ]
    with path.open("w", encoding="utf-8") as file:
        file.write("\n".join(head) + "\n")
        for each, label in zip(series, labels, strict=True):
            file.write(":".join([*(",".join(map(_number, channel)) for channel in each), label]) + "\n")


def _header(path: Path, lines: Iterator[tuple[int, str]]) -> dict[str, str]:
    """Read up to ``@data``; keys are in lower case."""
    header: dict[str, str] = {}
    for number, line in lines:
        if not line.startswith("@"):
            _refuse(path, number, "begin with @ before @data", line)
        key, _, value = line[1:].partition(" ")
        if key.lower() == "data":
            return header
        header[key.lower()] = value.strip()
    raise DataError(f"{path} must have a header that ends with @data, and has none: check that it is whole.")


def _values(path: Path, number: int, channels: list[str]) -> np.ndarray:
    """Return a series (channels, time); shorter channels are padded with missing values."""
    if not channels:
        _refuse(path, number, "have values and a class, with : between them", "one part")
    made = []
    for channel in channels:
        words = [MISSING.get(word.strip(), word) for word in channel.split(",")]
        try:
            made.append(np.array(words).astype(np.float64))
        except ValueError:
            _refuse(path, number, "hold numbers with , between them", next(filter(_no_number, words), ""))
    longest = max(map(len, made))
    return np.stack([np.pad(each, (0, longest - len(each)), constant_values=np.nan) for each in made])


def _no_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return True
    return False


def _refuse(path: Path, number: int, rule: str, got: str) -> None:
    raise DataError(f"line {number} of {path.name[:80]} must {rule}, got {visible(got)[:40]!r}: correct the file.")


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _number(value: float) -> str:
    return "?" if np.isnan(value) else repr(float(value))
