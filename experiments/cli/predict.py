"""The command ``weakspot predict``: scores, alerts and reasons for new rows."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.cli.csv_options import Decimal, Encoding, Sep, SpreadsheetSafe, form_for
from experiments.cli.output import check_apart, check_safe, check_suffix, say, to_screen
from loop.errors import ConfigError

if TYPE_CHECKING:
    from experiments.data.spreadsheet import Cells
    from experiments.predict.scorer import Scorer


def predict(  # Wide: each parameter is an option of the command
    run_dir: Annotated[Path, typer.Argument(help="Folder of a run.", metavar="RUN_DIR")],
    data: Annotated[Path, typer.Option(help="File of rows to score, of any size.")],
    out: Annotated[Path | None, typer.Option(help=".csv or .parquet; default: CSV on the screen.")] = None,
    at: Annotated[
        str | None, typer.Option(help='Alert at this operating point of the run, such as "precision 0.9".')
    ] = None,
    keep: Annotated[str | None, typer.Option(help="Columns to pass through, such as id,amount.")] = None,
    reasons: Annotated[int | None, typer.Option(min=1, help="So many columns that matter most for each row.")] = None,
    spreadsheet_safe: SpreadsheetSafe = False,
    sep: Sep = None,
    encoding: Encoding = None,
    decimal: Decimal = None,
) -> None:
    """Score new rows with the final model of a run: probabilities of each class, alerts, reasons."""
    check_suffix(out)
    check_apart(out, data)
    check_safe(spreadsheet_safe, out)
    from experiments.data.spreadsheet import Cells
    from experiments.predict.alerts import alerts_of
    from experiments.predict.reasons import Reasons
    from experiments.predict.scorer import Scorer
    from experiments.storage.run_folder import MODEL, load_model
    from experiments.trust.provenance.leaving import home_of, note

    form = form_for(run_dir, data, sep, encoding, decimal)
    model = load_model(run_dir / MODEL)
    scorer = Scorer(
        model,
        _names(keep),
        None if at is None else alerts_of(run_dir, at),
        None if reasons is None else Reasons.of(model, reasons),
        form,
    )
    cells = Cells(spreadsheet_safe)
    _write(scorer, data, out, cells)
    lost = None if out is None else note(home_of(run_dir), [out], "predict")
    for sentence in filter(None, (*scorer.notes, *_told(scorer), cells.told(), lost)):
        say(sentence, err=True)


def _names(keep: str | None) -> tuple[str, ...]:
    """Take apart names that are separated by commas; a name with a comma in it is quoted, as in a CSV."""
    import csv

    try:
        fields = next(csv.reader([keep or ""], skipinitialspace=True), [])
    except csv.Error:
        raise ConfigError(
            f"--keep must hold names with commas between them, got {str(keep)[:60]!r}: "
            "put a name with a comma or a line break in double quotes."
        ) from None
    return tuple(dict.fromkeys(name.strip() for name in fields if name.strip()))


def _write(scorer: "Scorer", data: Path, out: Path | None, cells: "Cells") -> None:
    """Write all or nothing: to a file, or on the screen once the last piece is scored."""
    import tempfile

    from experiments.predict.writing import write_csv, write_parquet
    from loop.support import atomic

    def to_csv(path: Path) -> None:
        with path.open("wb") as file:
            write_csv(map(cells.of, scorer.frames(data)), file)

    if out is None:
        with tempfile.TemporaryFile() as file:
            write_csv(map(cells.of, scorer.frames(data)), file)
            file.seek(0)
            to_screen(file)
    elif out.suffix == ".csv":
        atomic.write_file(out, to_csv, private=True)
    else:
        atomic.write_file(out, lambda path: write_parquet(scorer.frames(data), path), private=True)


def _told(scorer: "Scorer") -> list[str]:
    told = scorer.unlike.sentences
    if scorer.alerts is not None:
        name = scorer.alerts.name
        why = "; no threshold met that point on the judge rows" if scorer.alerts.none_possible else ""
        told.append(f"{scorer.alerted:,} of {scorer.unlike.rows:,} rows are alerted on at {name!r}{why}.")
    if scorer.reasons is not None and scorer.reasons.inside:
        told.append("Reasons are those of the model's first member, XGBoost, not of all of it.")
    return told
