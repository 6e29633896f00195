"""The section ``data`` of a configuration: which table, and the roles of its columns."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from pydantic import Field, field_validator, model_validator

from experiments.config.part_sections import AnyFloat, Line, Section
from experiments.data.arrays.opening import reader_of
from experiments.data.csv_format import CsvFormat
from experiments.data.files import Reading
from experiments.data.remaining import as_if_never
from experiments.data.row_numbers import numbers_of
from loop.data.date_parts import Part, Wishes, wanted
from loop.errors import ConfigError

NONE = "none"  # switches a default off


class WithoutConfig(Section):
    """Rows that a run is to know nothing of, as `weakspot retract` writes it; neither key tells what they held."""

    rows: str  # their numbers in the source, from 0, such as "17, 203, 500-612"
    remaining: str = Field(pattern="^[0-9a-f]{64}$")  # digest of the others, see `experiments.data.remaining`

    @field_validator("rows")
    @classmethod
    def _are_numbers(cls, rows: str) -> str:
        numbers_of(rows)
        return rows


class LongConfig(Section):
    """A table with a row for each step of each series, of which each series becomes a row."""

    key: str  # column that names the series
    time: str  # column that orders its steps
    values: tuple[str, ...] = Field(min_length=1)  # columns of the channels


class DataConfig(Section):
    """Which table, and the roles of its columns."""

    source: str  # a file, a folder of Parquet files, or sklearn:NAME, openml:NAME, simulation:key=value,..., suite:NAME
    target: str | None = None  # needed for files
    positive: bool | int | AnyFloat | str | None = None  # the class to catch, None = the rarest
    time: str | None = None  # later rows test; "none" = ignore the time column of the source
    group: str | None = None  # rows of one group stay on one side; "none" as above
    scenario: str | None = None  # names the pattern of a row, for those that are known; see `experiments.run.real_rows`
    drop: tuple[str, ...] = ()  # columns that are left out
    date_parts: dict[str, tuple[Part, ...]] = Field(default={})  # parts that replace a column of dates
    text: tuple[str, ...] = ()  # columns of texts, which an encoder makes columns of
    long: LongConfig | None = None  # series that are written a row for each step
    sep: str | None = None  # of a CSV: the character between fields; None = a comma, in a .tsv a tabulator
    encoding: str | None = None  # of a CSV, None = UTF-8
    decimal: str | None = None  # of a CSV, None = a point
    rows_in_memory: int = Field(default=Reading().rows_in_memory, ge=100)  # that are drawn of a folder of Parquet files
    test_size: float = Field(default=0.3, gt=0, lt=1)
    answers: str | None = None  # folder of a snapshot of labels that were asked for, see `experiments.labels.store`
    licence: Line = None
    origin: Line = None
    without: WithoutConfig | None = None  # rows that were retracted

    def __hash__(self) -> int:
        return hash(self.model_dump_json())  # a mapping has no hash of its own

    @property
    def has_arrays(self) -> bool:
        """Whether rows have images, series or texts beside their columns."""
        return bool(self.text or self.long) or reader_of(Path(self.source)) is not None

    @property
    def format(self) -> CsvFormat:
        """How the file is written if it is a CSV."""
        return CsvFormat(self.sep, self.encoding, self.decimal)

    @contextmanager
    def opened(self) -> Iterator[str]:
        """Yield the source as it is to be read: if rows were retracted, a file without them.

        Raises
        ------
        DataError
            If what remains is not what it was.
        """
        if self.without is None:
            yield self.source
            return
        rows, remaining = numbers_of(self.without.rows), self.without.remaining
        with as_if_never(Path(self.source), rows, remaining, self.format) as path:
            yield str(path)

    @model_validator(mode="after")
    def _is_written(self) -> Self:
        _ = self.format  # refuses settings out of range
        return self

    @field_validator("date_parts", mode="before")
    @classmethod
    def _are_known(cls, told: Wishes | None) -> dict[str, tuple[Part, ...]]:
        return wanted(told)

    @field_validator("answers")
    @classmethod
    def _is_snapshot(cls, answers: str | None) -> str | None:
        if answers is not None and not Path(answers).is_dir():
            raise ConfigError(f"data.answers must be a folder of answers, and {answers} is none: use run --continue.")
        return answers

    @field_validator("source")
    @classmethod
    def _exists(cls, source: str) -> str:
        if ":" not in source and source != "simulation" and not Path(source).exists():
            raise ConfigError(
                f"data must be a file, a folder of Parquet files or a named source, and {source!r} is no file: check "
                "the path."
            )
        return source
