"""The commands ``weakspot init`` and ``weakspot schema``: a configuration to begin with, and its schema for editors."""

import json
from pathlib import Path
from typing import Annotated

import typer

from experiments.cli.csv_options import Decimal, Encoding, Sep
from experiments.cli.output import say
from loop.errors import ConfigError
from loop.support.commands import command

SCHEMA = "weakspot.schema.json"
Made = tuple[Path, str]  # a file and its text


def init(  # Wide: each parameter is an option of the command
    file: Annotated[Path, typer.Argument(help="Table: .csv, .csv.gz, .tsv or .parquet.", metavar="FILE")],
    target: Annotated[str, typer.Option(help="Column to predict.")],
    positive: Annotated[str | None, typer.Option(help="Class to catch; default the rarest.")] = None,
    out: Annotated[Path | None, typer.Option(help="File to write; default: named after the table.")] = None,
    sep: Sep = None,
    encoding: Encoding = None,
    decimal: Decimal = None,
) -> None:
    """Write a configuration for a table, with comments, that runs as it is."""
    out = Path(file.name.partition(".")[0] + ".yaml") if out is None else out
    if out.exists():
        raise ConfigError(f"init writes a new file, and {out} is there: name another with --out, or remove it.")
    if out.suffix not in (".yaml", ".yml"):
        raise ConfigError(f"--out must end in .yaml or .yml, got {out.name}: rename it.")
    text = _drafted({"source": str(file), "target": target, "positive": positive}, (sep, encoding, decimal))
    from loop.support.atomic import write_text

    schema = _schema_beside(out)
    write_text(out, f"# yaml-language-server: $schema=./{SCHEMA}\n{_head(file, out)}{text}")
    for path, content in schema:
        write_text(path, content)
    say(f"{out}: written, with {SCHEMA} for editors. Look at the comments, then: {command('run', out)}")
    say(f"What it would do, and how long: {command('run', out, '--dry-run')}")


def schema(
    kind: Annotated[str, typer.Argument(help="run, compare or tune.")] = "run",
) -> None:
    """Print the JSON schema of configurations, for editors."""
    typer.echo(_schema_of(kind))


def _drafted(told: dict[str, str | None], form: tuple[str | None, ...]) -> str:
    """Write the configuration for a table, once sure that a run takes it."""
    import yaml

    from experiments.config.data_config import DataConfig
    from experiments.config.draft import draft
    from experiments.config.reader import validated
    from experiments.config.run_config import RunConfig
    from experiments.config.strategies import STRATEGIES
    from experiments.data.files import Reading, read_file

    given = dict(zip(("sep", "encoding", "decimal"), form, strict=True))
    data: DataConfig = validated(DataConfig, {**told, **given})
    frame = read_file(Path(data.source), Reading(data.format, roles=(str(data.target),))).frame
    text = draft(data, frame, ", ".join(STRATEGIES))
    validated(RunConfig, yaml.safe_load(text))
    return text


def _head(file: Path, out: Path) -> str:
    return f"# {command('run', out)}: {file.name}. Keys that are left out have defaults; see docs/your-data.md.\n"


def _schema_beside(out: Path) -> list[Made]:
    """Return the schema to be written beside a configuration; none if another file has its name."""
    from experiments.config.editor_schema import is_ours
    from loop.support.plain_json import parse

    path = out.parent / SCHEMA
    try:
        ours = not path.exists() or is_ours(parse(path.read_bytes()))
    except ValueError:  # no JSON: not ours to replace
        ours = False
    return [(path, _schema_of("run") + "\n")] if ours else []


def _schema_of(kind: str) -> str:
    from experiments.config.editor_schema import editor_schema

    return json.dumps(editor_schema(kind), indent=2, ensure_ascii=False)
