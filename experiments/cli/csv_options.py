"""Options that say how a CSV file is written, for all commands that read or write one."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from experiments.data.csv_format import CsvFormat

Sep = Annotated[str | None, typer.Option("--sep", help="CSV: between fields, such as ';'.")]
Encoding = Annotated[str | None, typer.Option("--encoding", help="CSV: such as latin-1; default UTF-8.")]
Decimal = Annotated[str | None, typer.Option("--decimal", help="CSV: decimal sign, . or a comma.")]
SpreadsheetSafe = Annotated[
    bool, typer.Option("--spreadsheet-safe", help="CSV: text that a spreadsheet would run gets an apostrophe.")
]
Drop = Annotated[list[str] | None, typer.Option("--drop", help="Column to leave out; may be repeated.")]


def form_for(run_dir: Path, path: Path, sep: str | None, encoding: str | None, decimal: str | None) -> "CsvFormat":
    """Return how a file for a run is written: as told, else as the data of the run.

    Raises
    ------
    ConfigError
        If one is out of range.
    """
    from experiments.data.csv_format import CsvFormat
    from experiments.storage.run_folder import form_of

    return CsvFormat(sep, encoding, decimal).over(form_of(run_dir, path))
