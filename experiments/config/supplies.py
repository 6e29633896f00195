"""The section ``supplies`` of a configuration: where new rows come from."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from experiments.config.given import TaughtRows, VotedRows
from experiments.config.part_sections import Line, Section, as_list
from experiments.config.strategies import STRATEGIES
from experiments.data.files import digests
from generators.rules.book import Book
from generators.rules.reading import read_book, read_content
from generators.rules.rules import Rules
from loop.catalogue import ACQUISITIONS, LABELLERS, check_name
from loop.errors import ConfigError
from loop.gates import Contradicted, Domain
from loop.supplies.supply import TAUGHT, Supply

NAMED, STATED, TAUGHT_ROWS, VOTED = "named", "stated", "taught rows", "voted"  # kinds of entries: a name, or a mapping


class StatedConfig(Section):
    """Rows that a rule book states: one supply for each of its scenarios."""

    book: str  # path of a rule book
    scenario: str | None = None  # only this one
    rows: int = Field(default=400, ge=1, le=10_000_000)  # of each scenario, in the whole run
    acquisition: Literal["blindness", "random"] = "blindness"
    labeller: Literal["condition", "teacher"] = "condition"  # teacher: the control, without the book's knowledge
    # what names real rows of the scenario in the column `data.scenario`; None = the name of the scenario
    real_rows: bool | int | float | str | None = None
    licence: Line = None
    origin: Line = None

    @model_validator(mode="after")
    def _readable(self) -> Self:
        names = self.scenarios()
        if self.real_rows is not None and len(names) > 1:
            raise ConfigError(
                f"real_rows must name the rows of one scenario, and {self.book} has {', '.join(names)}: add scenario."
            )
        return self

    def named(self) -> Mapping[str, bool | int | float | str]:
        """Return what names the real rows of each supply in the column `data.scenario`."""
        return {_name(each): each if self.real_rows is None else self.real_rows for each in self.scenarios()}

    def scenarios(self) -> Sequence[str]:
        """Return the names of the scenarios that are stated.

        Raises
        ------
        ConfigError
            If the book cannot be read, or has no scenario of the name.
        """
        names = [scenario.name for scenario in self._book().scenarios if scenario.weight]
        return names if self.scenario is None else [check_name("scenario", self.scenario, names)]

    def make(self) -> tuple[Supply, ...]:
        """Return the supplies."""
        return tuple(self._supply(name) for name in self.scenarios())

    def _book(self) -> Book:
        return read_book(read_content(Path(self.book)))

    def _supply(self, scenario: str) -> Supply:
        book = self._book().only(scenario)
        whole = book.scenarios[0].where is not None  # all of a real row is told, with what is stated moved
        return Supply(
            generator=Rules(self.book, scenario=scenario),
            acquisition=ACQUISITIONS.make(self.acquisition),
            labeller=LABELLERS.make(self.labeller),
            gates=(Domain(), Contradicted(() if whole else book.stated())),
            name=_name(scenario),
            rows=self.rows,
            aimed=False,
            stated=True,
        )


MAPPINGS: Mapping[str, type[Section]] = {STATED: StatedConfig, TAUGHT_ROWS: TaughtRows, VOTED: VotedRows}


def _name(scenario: str) -> str:
    return f"{STATED}: {scenario}"


def _kind(entry: object) -> str:
    if isinstance(entry, str):
        return NAMED
    if isinstance(entry, Section):
        return next(kind for kind, model in MAPPINGS.items() if isinstance(entry, model))
    keys = entry if isinstance(entry, dict) else {}
    return STATED if "unlabelled" not in keys else VOTED if "book" in keys else TAUGHT_ROWS


Entry = Annotated[
    Annotated[str, Tag(NAMED)]
    | Annotated[StatedConfig, Tag(STATED)]
    | Annotated[TaughtRows, Tag(TAUGHT_ROWS)]
    | Annotated[VotedRows, Tag(VOTED)],
    Discriminator(_kind),
]


def entries_of(supplies: object) -> Sequence[object]:
    """Return the entries of the section as they are validated: names of strategies, or the keys of stated supplies.

    The word taught stands for the strategy of the loop.

    Raises
    ------
    ConfigError
        If it is no list, or an entry is neither.
    """
    found = as_list("supplies", supplies)
    if not found:
        raise ConfigError("supplies must name where new rows come from, got none: begin with taught.")
    for entry in found:
        named = isinstance(entry, str) and entry in (TAUGHT, *STRATEGIES)
        if not named and not isinstance(entry, (dict, *MAPPINGS.values())):
            raise ConfigError(
                f"supplies must hold taught, a strategy ({', '.join(STRATEGIES)}), or a mapping with the key book or "
                f"unlabelled, got {entry!r}: correct it."
            )
    return found


def asked_in_order(
    entries: Sequence[Entry],
    named: Callable[[str], tuple[Supply, ...]],
    given: Callable[[TaughtRows | VotedRows], Supply],
) -> tuple[Supply, ...]:
    """Return the supplies of the entries: stated ones, rows of files, then those that ``named`` makes, each name once.

    Raises
    ------
    ConfigError
        If a scenario is stated twice, or a file given twice.
    """
    stated = [supply for entry in entries if isinstance(entry, StatedConfig) for supply in entry.make()]
    stated += [given(entry) for kind in (VotedRows, TaughtRows) for entry in entries if isinstance(entry, kind)]
    names = [supply.name for supply in stated]
    if twice := [name for name in names if names.count(name) > 1]:
        what = "give each file" if twice[0].startswith(TAUGHT) else "state each scenario"
        raise ConfigError(f"supplies must {what} once, got {twice[0]!r} twice: rename or remove one.")
    others = dict.fromkeys(entry for entry in entries if isinstance(entry, str))
    return (*stated, *(supply for name in others for supply in named(name)))


def check_no_real_rows(entries: Sequence[Entry]) -> None:
    """Raise ConfigError if an entry names real rows, though no column does."""
    for entry in entries:
        if isinstance(entry, StatedConfig) and entry.real_rows is not None:
            raise ConfigError(
                f"real_rows must be a value of the column data.scenario, got {entry.real_rows!r} and no such column: "
                "name it."
            )


def files_of(entries: Sequence[Entry]) -> dict[str, str]:
    """Return digests of the books and the files of rows."""
    rows = [entry.unlabelled for entry in entries if isinstance(entry, (TaughtRows, VotedRows))]
    books = [entry.book for entry in entries if isinstance(entry, (StatedConfig, VotedRows))]
    return digests([*rows, *books])
