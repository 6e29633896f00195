"""The command ``weakspot audit``: what a synthetic table is worth, and what it tells about the rows behind it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.cli.csv_options import Decimal, Drop, Encoding, Sep, Text
from experiments.cli.output import check_absent, console, print_json, say
from loop.errors import ConfigError

if TYPE_CHECKING:
    from experiments.data.files import Reading
    from experiments.trust.audit.inputs import Asked, Material

FOLDER = "audit"  # in that of a run


# Long: one line for each option
def audit(  # Wide: each parameter is an option of the command
    real: Annotated[str, typer.Argument(help="File of real rows, or folder of a run.", metavar="REAL|RUN_DIR")],
    synthetic: Annotated[Path | None, typer.Argument(help="File of synthetic rows made from them.")] = None,
    target: Annotated[str | None, typer.Option(help="Column of the classes.")] = None,
    positive: Annotated[str | None, typer.Option(help="Class to catch; default the rarest.")] = None,
    controls: Annotated[Path | None, typer.Option(help="File of real rows that were never used.")] = None,
    generator: Annotated[str | None, typer.Option(help="Generator to fit on one half of the real rows.")] = None,
    by: Annotated[str | None, typer.Option(help="Column whose values make groups.")] = None,
    drop: Drop = None,
    text: Text = None,
    sep: Sep = None,
    encoding: Encoding = None,
    decimal: Decimal = None,
    out: Annotated[Path | None, typer.Option(help="Folder for page and figures; of a run: audit/ in it.")] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Same seed, same figures.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON alone.")] = False,
) -> None:
    """Audit synthetic rows: how alike and how useful they are, and whether they tell whose rows they were made from."""
    from experiments.data.arrays.opening import reader_of

    given: dict[str, object] = {"--target": target, "--positive": positive, "--controls": controls, "--by": by}
    given |= {"--generator": generator, "--drop": drop or None, "--text": text or None}
    given |= {"--sep": sep, "--encoding": encoding, "--decimal": decimal}
    is_run = synthetic is None and Path(real).is_dir() and reader_of(Path(real)) is None
    if is_run:
        check_absent("a run has all that its audit needs", given)
    from experiments.report.progress import steps_shown
    from experiments.trust.audit import output
    from experiments.trust.audit.audit import audit as audited
    from experiments.trust.audit.inputs import Asked
    from experiments.trust.audit.terminal import show
    from loop.seeds import stream

    folder = Path(real) / FOLDER if is_run and out is None else out
    if folder is not None:
        output.check_replaceable(folder)
    if not is_run and target is None and Path(real).exists():
        raise ConfigError("an audit needs the column of the classes, got none: add --target COLUMN.")
    reading = _reading(drop, sep, encoding, decimal)
    asked = Asked(real, synthetic, target, positive, controls, generator, by, reading, seed, tuple(text or ()))
    with steps_shown("audit"):
        material = _of_run(Path(real), seed) if is_run else _of_tables(asked, as_json)
        findings = audited(material.evidence, stream(seed, "audit"), by=material.by)
    told = output.record_of(material.name, findings)
    show(told, console(silent=as_json))
    if folder is not None:
        output.write(told, folder)
        if not as_json:
            say(f"{folder}: {', '.join(output.FILES)}")
    print_json(told["headline"])


def _of_tables(asked: "Asked", silent: bool) -> "Material":
    from experiments.trust.audit.inputs import material_of

    return material_of(asked, (lambda sentence: None) if silent else say)


def _of_run(folder: Path, seed: int) -> "Material":
    from experiments.trust.audit.inputs import Material
    from experiments.trust.audit.of_rows import evidence_of
    from experiments.trust.audit.run_rows import rows_of
    from loop.seeds import stream

    return Material(folder.resolve().name, evidence_of(*rows_of(folder), stream(seed, "evidence")))


def _reading(drop: list[str] | None, sep: str | None, encoding: str | None, decimal: str | None) -> "Reading":
    from experiments.data.csv_format import CsvFormat
    from experiments.data.files import Reading

    return Reading(CsvFormat(sep, encoding, decimal), tuple(drop or ()))
