"""Output of the command line: tables on a terminal or in a file, rows in a file or on the screen."""

import json
import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import IO, TYPE_CHECKING

import typer

from loop.errors import ConfigError
from loop.support.visible import visible

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

NO_MARKS: Mapping[str, str] = MappingProxyType({})


def console(width: int | None = None, *, silent: bool = False) -> "Console":
    """Return the console for tables, see `experiments.report.console`; a silent one prints nothing."""
    from experiments.report.console import WIDTH, terminal  # imports rich

    return terminal(width or WIDTH, silent=silent)


def say(told: object, *, err: bool = False) -> None:
    """Print a sentence on a line of its own; what came with the data is seen and not obeyed."""
    typer.echo(visible(str(told)), err=err)


def tell_all(sentences: Iterable[str | None]) -> None:
    """Print what there is to say beside a result, on the standard error."""
    for each in filter(None, sentences):
        say(each, err=True)


def print_json(value: object) -> None:
    """Print values exactly, as JSON, whose escapes are ASCII."""
    typer.echo(json.dumps(value))


def check_absent(why: str, options: Mapping[str, object]) -> None:
    """Raise a ConfigError if some of the options were given that must not be, for a reason."""
    given = [name for name, value in options.items() if value is not None]
    if given:
        raise ConfigError(f"{why}, got {' and '.join(given)} too: leave them out.")


def check_suffix(out: Path | None, *, folder: bool = False) -> None:
    """Raise ConfigError unless rows can be written to a file of this name, or perhaps to a new folder."""
    if folder and out is not None and not out.suffix:
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise ConfigError(f"--out must be a new or empty folder, and {out} is not: choose another.")
        return
    if out is not None and out.suffix not in (".csv", ".parquet"):
        raise ConfigError(f"--out must end in .csv or .parquet, got {out.name}: rename it.")
    if out is not None and out.is_dir():
        raise ConfigError(f"--out must be a file, and {out} is a folder: name a file in it.")


def check_apart(out: Path | None, *sources: Path | None) -> None:
    """Raise ConfigError if a file that is read would be written over, by whatever name."""
    for source in sources:
        if out is not None and source is not None and out.exists() and source.exists() and out.samefile(source):
            raise ConfigError(f"--out must be another file than the one that is read, got {out} for both: rename it.")


def check_safe(safe: bool, out: Path | None) -> None:
    """Raise ConfigError if cells of a file are to be made safe that no spreadsheet runs."""
    if safe and out is not None and out.suffix != ".csv":
        raise ConfigError(f"--spreadsheet-safe is about CSV, and --out is {out.name}: leave it out, or name a .csv.")


def write(
    frame: "pd.DataFrame", out: Path | None, safe: bool = False, marks: Mapping[str, str] = NO_MARKS
) -> str | None:
    """Write rows to a file, or as CSV on the screen; return what is to be said of cells that look like formulas.

    ``marks`` are words in the metadata of a Parquet file.
    """
    from io import BytesIO

    from experiments.data.files import write_table
    from experiments.data.spreadsheet import Cells

    cells = Cells(safe)
    if out is None:
        # In UTF-8 like files: the encoding of the terminal may lack characters of a category.
        to_screen(BytesIO(cells.of(frame).to_csv(index=False).encode()))
    else:
        write_table(cells.of(frame) if out.suffix == ".csv" else frame, out, marks)
    return cells.told()


def to_screen(csv: IO[bytes]) -> None:
    """Print a CSV: exactly as it is, unless a terminal would obey what is in it."""
    sys.stdout.flush()
    if sys.stdout.isatty():
        for line in csv:
            sys.stdout.buffer.write(visible(line.decode(), lines=True).encode())
    else:
        shutil.copyfileobj(csv, sys.stdout.buffer)
    sys.stdout.buffer.flush()
