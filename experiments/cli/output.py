"""Output of the command line: tables on a terminal or in a file, rows in a file or on the screen."""

import sys
from collections.abc import Mapping
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING

from loop.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

WIDTH = 150  # columns of tables that go to a file


def console(width: int = WIDTH, *, silent: bool = False) -> "Console":
    """Return the console for tables, as wide as the terminal; characters that it cannot encode become "?".

    A silent one prints nothing.
    """
    from rich.console import Console

    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    return Console(width=None if sys.stdout.isatty() else width, quiet=silent)


def check_absent(why: str, options: Mapping[str, object]) -> None:
    """Raise a ConfigError if some of the options were given that must not be, for a reason."""
    given = [name for name, value in options.items() if value is not None]
    if given:
        raise ConfigError(f"{why}, got {' and '.join(given)} too: leave them out.")


def check_suffix(out: Path | None) -> None:
    """Raise ConfigError unless rows can be written to a file of this name."""
    if out is not None and out.suffix not in (".csv", ".parquet"):
        raise ConfigError(f"--out must end in .csv or .parquet, got {out.name}: rename it.")
    if out is not None and out.is_dir():
        raise ConfigError(f"--out must be a file, and {out} is a folder: name a file in it.")


def check_apart(out: Path | None, *sources: Path | None) -> None:
    """Raise ConfigError if a file that is read would be written over, by whatever name."""
    for source in sources:
        if out is not None and source is not None and out.exists() and source.exists() and out.samefile(source):
            raise ConfigError(f"--out must be another file than the one that is read, got {out} for both: rename it.")


def write(frame: "pd.DataFrame", out: Path | None) -> None:
    """Write rows to a file, or as CSV on the screen."""
    from experiments.data.files import write_table

    if out is None:
        # In UTF-8 like files: the encoding of the terminal may lack characters of a category.
        sys.stdout.flush()
        sys.stdout.buffer.write(frame.to_csv(index=False).encode())
        sys.stdout.buffer.flush()
    else:
        write_table(frame, out)
