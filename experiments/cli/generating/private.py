"""Fitting a private generator on a file: options, and what is said of it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from loop.errors import ConfigError

if TYPE_CHECKING:
    from experiments.cli.generating.fit import Source
    from experiments.config.statement import Statement
    from generators.private.tree import PrivateTree
    from loop.types import Schema

NAME = "private_tree"

Epsilon = Annotated[float | None, typer.Option(help=f"{NAME}: how much a person may change what is said.")]
Delta = Annotated[float | None, typer.Option(help=f"{NAME}: chance that it does not hold; default 1e-6.")]
SchemaFile = Annotated[
    Path | None, typer.Option("--schema", help=f"{NAME}: YAML that states columns, ranges, classes.")
]
Group = Annotated[str | None, typer.Option(help=f"{NAME}: column of cards or customers, who are protected as a whole.")]
MostRows = Annotated[int | None, typer.Option(help=f"{NAME}: rows of a group that count; the others are left out.")]


@dataclass(frozen=True)
class Protection:
    """Options of a private generator, as given."""

    epsilon: float | None = None
    delta: float | None = None
    schema: Path | None = None
    group: str | None = None
    most_rows_per_group: int | None = None

    @property
    def options(self) -> dict[str, object]:
        """Return the options by their names on the command line."""
        return {f"--{name.replace('_', '-')}": value for name, value in vars(self).items()}

    def check(self) -> None:
        """Raise ConfigError unless all is stated that must be."""
        if self.epsilon is None or self.schema is None:
            lacking = "--epsilon" if self.epsilon is None else "--schema FILE"
            raise ConfigError(
                f"{NAME} must be told --epsilon and --schema FILE, and {lacking} is not given: kinds, ranges and "
                "classes read from the rows would tell of them. See docs/trust.md."
            )
        if (self.group is None) != (self.most_rows_per_group is None):
            raise ConfigError(
                f"--group and --most-rows-per-group belong together, got {self.group} and {self.most_rows_per_group}: "
                "give both or neither."
            )


def fitted_privately(
    source: "Source", protection: Protection, ask: Callable[["Schema"], object], say: Callable[[str], None]
) -> tuple["PrivateTree", "Schema"]:
    """Fit a private generator on all rows of a source, and keep it if a folder is named.

    What can be refused without a look at the rows is refused before the fit, which spends the budget.

    Raises
    ------
    WeakspotError
        If an option, the statement, the file, the request or the folder breaks a rule.
    """
    from experiments.data.csv_format import CsvFormat
    from experiments.data.files import Reading
    from experiments.data.sources import load
    from experiments.data.stated import stated_table
    from experiments.report.progress import steps_shown
    from generators.common.persistence import save
    from loop.seeds import stream
    from loop.support.commands import command

    statement, generator = _checked(source, protection)
    if not statement.bought_categories:
        ask(statement.stated_schema())
    text = [statement.target, *statement.columns, *([] if protection.group is None else [protection.group])]
    form = CsvFormat(*source.written)
    frame = load(source.data, statement.target, reading=Reading(form, source.drop, text=text)).frame
    table = stated_table(frame, statement, protection.group, form.decimal or ".")
    with steps_shown("fitting"):
        generator = generator.fit(table, stream(0, "unused"))
    repeated = "its noise comes from the system, so this fit cannot be repeated, and each fit spends anew"
    say(f"{generator.privacy()}; {repeated}.")
    if source.folder is not None:
        save(generator, source.folder)
        say(
            f"{source.folder}: the fitted generator; rows of it cost nothing more: {command('generate', source.folder)}"
        )
    return generator, generator.schema_


def _checked(source: "Source", protection: Protection) -> tuple["Statement", "PrivateTree"]:
    """Return the statement and the unfitted generator, once sure that nothing else is to be refused."""
    from experiments.config.statement import statement_of
    from generators.common.persistence import check_replaceable
    from generators.private.tree import PrivateTree

    protection.check()
    if source.folder is not None:
        check_replaceable(source.folder)
    if source.date_parts:
        raise ConfigError(f"--date-parts are for other generators than {NAME}: leave them out.")
    statement = statement_of(Path(str(protection.schema)))
    if source.target not in (None, statement.target):
        wanted = f"--target must be that of --schema, {statement.target[:60]!r}"
        raise ConfigError(f"{wanted}, got {source.target!r}: leave it out.")
    delta = PrivateTree.delta if protection.delta is None else protection.delta
    most, bought = protection.most_rows_per_group, statement.bought_categories
    made = PrivateTree(float(protection.epsilon or 0.0), delta, most_rows_per_group=most, bought_categories=bought)
    return statement, made
