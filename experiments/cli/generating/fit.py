"""Fitting a generator on a file or a named source, for rows on demand."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import cast

from experiments.arms.forms.form import form_of
from experiments.cli.generating.private import NAME as PRIVATE
from experiments.cli.generating.private import Protection, fitted_privately
from experiments.cli.generating.rows import BOOKS, DEFAULT, table_of
from experiments.cli.output import check_absent
from experiments.data.csv_format import CsvFormat
from experiments.data.files import Reading
from experiments.report.progress import steps_shown
from generators import GENERATORS
from generators.common.persistence import Savable, check_replaceable, save
from generators.rules.rules import Rules
from loop.data.date_parts import wanted
from loop.encoders import misfit
from loop.errors import ConfigError
from loop.protocols import Private
from loop.seeds import stream
from loop.support.commands import command
from loop.types import Request, Schema, Table


@dataclass(frozen=True)
class Source:
    """What to fit a generator on, which one, and where to keep it."""

    data: str  # a file or a named source
    target: str | None
    generator: str | None  # None = the usual one
    folder: Path | None
    drop: Sequence[str] = ()  # columns that are left out
    written: tuple[str | None, ...] = ()  # separator, encoding and decimal sign of a CSV
    date_parts: Mapping[str, Sequence[str]] = field(default_factory=dict)  # columns of dates with the parts wanted
    text: Sequence[str] = ()  # columns of texts


@dataclass(frozen=True, eq=False)
class Fitted:
    """A fitted generator, and the real rows behind it."""

    generator: Savable
    schema: Schema
    table: Table | None = None  # None = they are protected, or it was fitted before
    seconds: float = 0.0  # to fit it

    @property
    def promise(self) -> str | None:
        """What the generator promises of the rows it was fitted on, None = nothing."""
        return self.generator.privacy() if isinstance(self.generator, Private) else None


def fitted_on(
    source: Source,
    ask: Callable[[Schema], Request],
    seed: int,
    say: Callable[[str], None],
    protection: Protection = Protection(),  # noqa: B008  (frozen)
) -> Fitted:
    """Fit a generator on all rows of a source, and keep it if a folder is named.

    Whatever can be refused is refused before the fit, a request that the schema does not allow (``ask``) too.

    Raises
    ------
    WeakspotError
        If the generator, the table, the request or the folder breaks a rule.
    """
    if source.generator == PRIVATE:
        return Fitted(*fitted_privately(source, protection, ask, say))
    check_absent(f"only {PRIVATE} protects rows", protection.options)
    if source.folder is not None:
        check_replaceable(source.folder)
    reading = Reading(CsvFormat(*source.written), source.drop, text=source.text)
    named = None if source.generator is None else unfitted(source.generator)
    table = table_of(source.data, source.target, say, reading, wanted(source.date_parts))
    ask(table.schema)
    generator = named or _usual(table.schema)
    if fault := misfit(generator, table.schema, makes_rows=True):
        raise ConfigError(f"the generator must suit the rows, but {fault}: name another with --generator.")
    started = time.perf_counter()
    with steps_shown("fitting"):
        generator = generator.fit(table, stream(seed, "fit"))
    seconds = time.perf_counter() - started
    if source.folder is not None:
        save(generator, source.folder)
        say(f"{source.folder}: the fitted generator, for {command('generate', source.folder)}")
    return Fitted(generator, table.schema, table, seconds)


def _usual(schema: Schema) -> Savable:
    form = form_of(schema)
    return unfitted(DEFAULT) if form is None else cast(Savable, form.generator)


def unfitted(name: str) -> Savable:
    """Make a generator of the catalogue with its default settings, or of a rule book given by its path.

    Raises
    ------
    ConfigError
        If there is no such generator or book, or it needs more than its name.
    """
    if Path(name).suffix in BOOKS:
        return Rules(name)
    kind = GENERATORS.kind(name)
    if not issubclass(kind, Savable) or not is_dataclass(kind):
        raise ConfigError(f"a generator must be a dataclass with save and load here, {name} is none: choose another.")
    needed = [each.name for each in fields(kind) if each.init and each.default is each.default_factory is MISSING]
    if needed:
        raise ConfigError(
            f"a generator must work by its name alone here, {name} needs {', '.join(needed)}: choose another one."
        )
    return kind()
