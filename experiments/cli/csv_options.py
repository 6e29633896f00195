"""Options that say how a file is read or written: the form of a CSV, columns left out, dates taken apart."""

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
Text = Annotated[list[str] | None, typer.Option("--text", help="Column of texts to read; may be repeated.")]
DateParts = Annotated[
    list[str] | None,
    typer.Option("--date-parts", help="Such as created=hour,weekday; without parts all. May be repeated."),
]


def parts_told(told: list[str] | None) -> dict[str, list[str]] | None:
    """Return the columns of ``created=hour,weekday`` with their parts, None = none are told."""
    if not told:
        return None
    parts: dict[str, list[str]] = {}
    for each in told:
        column, sign, names = each.rpartition("=")
        parts.setdefault(column if sign else each, []).extend(names.replace(" ", "").split(",") if sign else ["all"])
    return parts


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
