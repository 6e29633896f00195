"""What a run was made from: its input files with digest, licence and origin, carried to everything made from them."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Self

from experiments.config.given import TaughtRows, VotedRows
from experiments.config.part_sections import MOST_OF_LINE
from experiments.config.run_config import RunConfig
from experiments.config.supplies import StatedConfig
from experiments.data.files import digests
from experiments.data.sources import path_of
from experiments.labels.store import ROWS
from experiments.storage import run_folder
from loop.errors import ConfigError, DataError
from loop.support import atomic
from loop.support import record_checks as checks
from loop.support.format import stamped, unstamped
from loop.support.plain_json import Record

FILE = "provenance.json"  # in the folder of a run, its model, and an export of it
TABLE, UNLABELLED, BOOK, ANSWERS, PART = "table", "rows without labels", "rule book", "answers of people", "part"


@dataclass(frozen=True)
class Input:
    """A file, or a named source, that a run has read."""

    role: str
    name: str  # without its folder
    sha256: str | None  # None = no file
    licence: str | None = None  # None = not told
    origin: str | None = None

    @property
    def words(self) -> str:
        """The input in one line."""
        licence = f"licence {self.licence}" if self.licence else "licence not told"
        digest = f"SHA-256 {self.sha256}" if self.sha256 else "no file"
        return f"{self.role} {self.name} ({digest}; {licence}; {self.origin or 'origin not told'})"


@dataclass(frozen=True)
class Terms:
    """What the user tells of a table in the words of a command, as ``data: {licence, origin}`` does for a run.

    Raises
    ------
    ConfigError
        If one is empty or too long for a line.
    """

    licence: str | None = None
    origin: str | None = None

    def __post_init__(self) -> None:
        for name, line in vars(self).items():
            if line is not None and (not line.strip() or len(line) > MOST_OF_LINE):
                raise ConfigError(
                    f"--{name} must be a line of 1 to {MOST_OF_LINE} characters, got {len(line)}: "
                    "say it in a line, or leave it out."
                )


@dataclass(frozen=True)
class Provenance:
    """What a run was made from, and by which software."""

    run: str  # digest of data and settings, the same for a repeated run
    weakspot: str  # version
    inputs: tuple[Input, ...]  # the table first

    @classmethod
    def of(cls, config: RunConfig, run: str) -> Self:
        """Digest the inputs of a configuration; those of a table without its retracted rows are what remains."""
        return cls(run, version("weakspot"), tuple(_inputs(config)))

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Read what a folder of a run, a model or an export says; None where an earlier version wrote nothing.

        Raises
        ------
        DataError
            If it is damaged.
        """
        path = folder / FILE
        if not path.is_file():
            return None
        try:
            told = _shape(unstamped(run_folder.read_json(path), path, run_folder.AGAIN), "it")
        except DataError as error:
            raise DataError(f"{path} must be as the run wrote it, but {error}: {run_folder.AGAIN}.") from error
        return cls(told["run"], told["weakspot"], tuple(Input(**each) for each in told["inputs"]))

    def write(self, folder: Path) -> None:
        """Write it into a folder."""
        atomic.write_json(folder / FILE, stamped(self.record))

    @property
    def record(self) -> Record:
        """The same as plain values."""
        return asdict(self)

    @property
    def table(self) -> Input:
        """The table that the run learnt from."""
        return self.inputs[0]

    @property
    def licences(self) -> tuple[str, ...]:
        """The licences of all inputs, each once; those not told are missing."""
        return tuple(dict.fromkeys(each.licence for each in self.inputs if each.licence))

    @property
    def tags(self) -> dict[str, str]:
        """What a run in MLflow and files of its rows say, see `loop.tracking.records.CARRIED`."""
        told = {"weakspot.run": self.run, "weakspot.digest": self.table.sha256, "origin": self.table.origin}
        return {name: text for name, text in (told | {"licence": "; ".join(self.licences)}).items() if text}


_input = checks.fields(
    {"role": checks.text, "name": checks.text}
    | dict.fromkeys(("sha256", "licence", "origin"), checks.optional(checks.text)),
    known_only=True,
)
_shape = checks.fields({"run": checks.text, "weakspot": checks.text, "inputs": checks.listed(_input)})


def _inputs(config: RunConfig) -> Iterator[Input]:
    data = config.data
    with data.opened() as source:
        path = path_of(source)
        name = path.name if path.is_file() else source
        yield Input(TABLE, name, _sha256(path), data.licence, data.origin)
    if data.answers is not None:
        yield Input(ANSWERS, Path(data.answers).name, _sha256(Path(data.answers) / ROWS))
    for entry in config.supplies:
        if isinstance(entry, (TaughtRows, VotedRows)):
            yield _file(UNLABELLED, entry.unlabelled, entry)
        if isinstance(entry, (StatedConfig, VotedRows)):
            yield _file(BOOK, entry.book, entry)
    named = {*(config.generator.files() | config.teacher.files())}
    yield from (Input(PART, Path(each).name, _sha256(Path(each))) for each in sorted(named))


def _file(role: str, path: str, entry: TaughtRows | VotedRows | StatedConfig) -> Input:
    return Input(role, Path(path).name, _sha256(Path(path)), entry.licence, entry.origin)


def _sha256(path: Path) -> str | None:
    return digests([str(path)]).get(str(path))
