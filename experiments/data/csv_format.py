"""How a CSV file is written: separator, encoding and decimal sign; and what a file that cannot be read seems to be."""

import codecs
import csv
import gzip
import io
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from loop.errors import ConfigError, DataError

SEPARATORS = {".csv": ",", ".csv.gz": ",", ".tsv": "\t"}  # usual ones
CANDIDATES = {";": "';'", "\t": "'\\t'", "|": "'|'", ",": ","}  # as written on the command line
LINES, BYTES = 20, 1_000_000  # looked at to guess


@dataclass(frozen=True)
class CsvFormat:
    r"""How a CSV file is written.

    Parameters
    ----------
    sep : str, optional
        One character between fields, ``\t`` or ``tab`` for a tabulator; by default a comma, in a .tsv a tabulator.
    encoding : str, optional
        A text encoding that Python knows; by default UTF-8.
    decimal : str, optional
        The decimal sign, a point by default, or a comma.

    Raises
    ------
    ConfigError
        If one is out of range.
    """

    sep: str | None = None
    encoding: str | None = None
    decimal: str | None = None

    def __post_init__(self) -> None:
        for name, value in self.given.items():
            if not isinstance(value, str):
                raise ConfigError(f"{name} must be text, got {value!r}: write it in quotation marks.")
        if self.sep in ("\\t", "tab"):
            object.__setattr__(self, "sep", "\t")
        if self.sep is not None and (len(self.sep) != 1 or self.sep in '"\r\n'):
            raise ConfigError(f"a separator must be one character such as ';', got {self.sep!r}: correct --sep.")
        if self.decimal not in (None, ".", ","):
            raise ConfigError(f"a decimal sign must be . or , and got {self.decimal!r}: correct --decimal.")
        if self.encoding is not None and not _is_encoding(self.encoding):
            raise ConfigError(
                f"an encoding must be one of Python's, such as latin-1, got {self.encoding!r}: correct --encoding."
            )

    @property
    def given(self) -> dict[str, str]:
        """The settings that differ from the defaults, by name."""
        told = {"sep": self.sep, "encoding": self.encoding, "decimal": self.decimal}
        return {name: value for name, value in told.items() if value is not None}

    def over(self, other: "CsvFormat") -> "CsvFormat":
        """Return these settings, and those of another where this has none."""
        return CsvFormat(**{**other.given, **self.given})

    def separator(self, ending: str) -> str:
        """Return the separator of a file with this ending; ConfigError if the decimal sign is the same."""
        sep = self.sep or SEPARATORS[ending]
        if sep == (self.decimal or "."):
            raise ConfigError(
                f"a separator must differ from the decimal sign, and both are {sep!r}: add --sep ';' (or data.sep)."
            )
        return sep


def opened(path: Path, encoding: str | None) -> IO[str]:
    """Open a CSV file, compressed or not, as text."""
    unpack = gzip.open if path.suffix == ".gz" else open
    return unpack(path, "rt", newline="", encoding=encoding or "utf-8-sig")


def check_separator(path: Path, sep: str, encoding: str | None) -> None:
    """Raise a DataError if the first lines of a file are one field by this separator and several by another one."""
    lines = _head(path, encoding)
    other = _seems_separated(lines, sep)
    if other is not None and len(lines[0].split(sep)) == 1:
        raise DataError(f"{path} must be separated by {sep!r}, and it seems to be separated by {_way_out(other)}.")


def why_unreadable(path: Path, sep: str, encoding: str | None, error: Exception) -> str | None:
    """Return what a file that cannot be read seems to be, with the option to give; None if nothing is recognised."""
    if isinstance(error, UnicodeError):
        guess = encoding_of(path)
        told = f"its text is not in {encoding or 'UTF-8'}"
        return f"{told} and seems to be {guess}: add --encoding {guess} (or data.encoding)" if guess else told
    if isinstance(error, csv.Error) and "field limit" in str(error):
        most = csv.field_size_limit()
        return f"a cell has more than {most:,} characters: cut it, close its quotation mark, or write Parquet"
    try:
        other = _seems_separated(_head(path, encoding), sep)
    except (OSError, EOFError, ValueError):
        return None
    return None if other is None else f"it seems to be separated by {_way_out(other)}"


def _way_out(sep: str) -> str:
    return f"{CANDIDATES[sep]}: add --sep {CANDIDATES[sep]} (or data.sep in a configuration)"


def _head(path: Path, encoding: str | None) -> list[str]:
    with opened(path, encoding) as file:
        text = file.read(BYTES // 10)
    lines = [line for line in text.splitlines() if line.strip()][: LINES + 1]
    return lines[:-1] if len(lines) > LINES else lines


def _seems_separated(lines: list[str], sep: str) -> str | None:
    """Return another separator that divides all lines into the same number of fields, more than one."""
    for other in CANDIDATES:
        rows = list(csv.reader(io.StringIO("\n".join(lines)), delimiter=other)) if other != sep else []
        widths = {len(row) for row in rows}
        if len(rows) > 1 and len(widths) == 1 and widths.pop() > 1:
            return other
    return None


def encoding_of(path: Path) -> str | None:
    """Guess the encoding of a file that is not UTF-8."""
    unpack = gzip.open if path.suffix == ".gz" else open
    with unpack(path, "rb") as file:
        head = file.read(BYTES)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in head:
        return "utf-16"
    return "cp1252" if any(0x80 <= byte <= 0x9F for byte in head) else "latin-1"


def _is_encoding(name: str) -> bool:
    try:
        return bool(codecs.lookup(name)._is_text_encoding)
    except (LookupError, ValueError):  # codecs.lookup: there is none; a name that holds a null character
        return False
