"""The section ``data`` of a configuration: which table, and the roles of its columns."""

from pathlib import Path
from typing import Self

from pydantic import Field, field_validator, model_validator

from experiments.config.part_sections import AnyFloat, Section
from experiments.data.csv_format import CsvFormat
from experiments.data.files import Reading
from loop.data.date_parts import Part, Wishes, wanted
from loop.errors import ConfigError

NONE = "none"  # switches a default off


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
    sep: str | None = None  # of a CSV: the character between fields; None = a comma, in a .tsv a tabulator
    encoding: str | None = None  # of a CSV, None = UTF-8
    decimal: str | None = None  # of a CSV, None = a point
    rows_in_memory: int = Field(default=Reading().rows_in_memory, ge=100)  # that are drawn of a folder of Parquet files
    test_size: float = Field(default=0.3, gt=0, lt=1)
    answers: str | None = None  # folder of a snapshot of labels that were asked for, see `experiments.labels.store`

    def __hash__(self) -> int:
        return hash(self.model_dump_json())  # a mapping has no hash of its own

    @property
    def format(self) -> CsvFormat:
        """How the file is written if it is a CSV."""
        return CsvFormat(self.sep, self.encoding, self.decimal)

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
