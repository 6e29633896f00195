"""The tables of an audit: read from files, made by a generator, or those of a run."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from experiments.cli.generating.fit import unfitted
from experiments.data.arrays.text import with_texts
from experiments.data.files import Reading, read_file, reading_of
from experiments.data.sources import Dataset, load
from experiments.trust.audit.evidence import Evidence, halves, refitted, two_tables, with_controls
from loop.data.encoding import check_range, encode
from loop.data.schema import infer
from loop.errors import ConfigError, DataError
from loop.protocols import Generator
from loop.seeds import stream
from loop.types import Region, Request, Schema, Table

OTHER_ROWS = (
    "Figures on membership are those of {name}, fitted here on one half of the real rows; the others are of the "
    "synthetic table that was given."
)
GROUPING = ("categorical", "boolean", "integer")  # kinds of columns whose values can make groups


@dataclass(frozen=True)
class Asked:
    """What is to be audited."""

    real: str  # a file, or a named source
    synthetic: Path | None
    target: str | None
    positive: str | None = None
    controls: Path | None = None
    generator: str | None = None
    by: str | None = None
    reading: Reading | None = None
    seed: int = 0
    text: tuple[str, ...] = ()  # columns of texts


@dataclass(frozen=True, eq=False)
class Material:
    """The evidence, and how it is named and looked at."""

    name: str
    evidence: Evidence
    by: int | None = None  # position of the column of groups


def material_of(asked: Asked, say: Callable[[str], None]) -> Material:
    """Read the tables of an audit, and fit the generator if one is named.

    Categories and ranges are those of all real rows, the controls among them.

    Raises
    ------
    WeakspotError
        If a table, a column or the generator breaks a rule, or options do not fit together.
    """
    if asked.controls is not None and asked.generator is not None:
        raise ConfigError("members come from --controls or from --generator, got both: leave one of them out.")
    if asked.synthetic is None and asked.generator is None:
        raise ConfigError("synthetic rows must be a file or come from --generator NAME, got neither: give one of them.")
    dataset = load(
        asked.real,
        asked.target,
        positive=asked.positive,
        reading=replace(asked.reading or Reading(), text=asked.text),
    )
    dataset = with_texts(dataset, asked.text) if asked.text else dataset
    real, unseen = _real(dataset, asked, say)
    by = None if asked.by is None else _place(asked.by, real.schema)
    synthetic = None if asked.synthetic is None else _others(asked.synthetic, real.schema, asked.reading)
    name = dataset.name if asked.synthetic is None else asked.synthetic.name
    return Material(name, _evidence(asked, real, unseen, synthetic), by)


def draw(generator: Generator, n: int, rng: np.random.Generator) -> Table:
    """Draw n rows of any place and class."""
    return generator.sample(Request(Region(), None, n), rng).table


def _evidence(asked: Asked, real: Table, unseen: Table | None, synthetic: Table | None) -> Evidence:
    rng = stream(asked.seed, "evidence")
    if unseen is not None and synthetic is not None:
        return with_controls(real, synthetic, unseen, rng)
    if asked.generator is None and synthetic is not None:
        return two_tables(real, synthetic, rng)
    name = str(asked.generator)

    def make(members: Table) -> Table:
        fitted = unfitted(name).fit(members, stream(asked.seed, "fit"))
        return draw(fitted, len(members), stream(asked.seed, "draw"))

    found = refitted(real, make, rng)
    if synthetic is None:
        return found
    known, held_out = halves(real, stream(asked.seed, "held out"))
    return replace(found, known=known, held_out=held_out, synthetic=synthetic, said=(OTHER_ROWS.format(name=name),))


def _real(dataset: Dataset, asked: Asked, say: Callable[[str], None]) -> tuple[Table, Table | None]:
    """Return the real rows, and those of the controls, both encoded by one schema."""
    frames = [dataset.frame]
    for sentence in dataset.said:
        say(sentence)
    if asked.controls is not None:
        frames.append(_frame(asked.controls, dataset.frame, asked.reading))
    schema = infer(
        pd.concat(frames, ignore_index=True), dataset.target, positive=dataset.positive, encoders=dataset.encoders
    )
    for column, reason in schema.excluded:
        say(f"left out of the audit, {column}: {reason}")
    tables = [encode(schema, frame) for frame in frames]
    for table in tables:
        check_range(schema, table.X)
    return tables[0], tables[1] if len(tables) > 1 else None


def _frame(path: Path, like: pd.DataFrame, reading: Reading | None) -> pd.DataFrame:
    """Read rows that must have all columns of another table; the same columns are text."""
    text = [str(name) for name in like if pd.api.types.is_string_dtype(like[name])]
    frame = read_file(path, replace(reading or Reading(), text=text)).frame
    lacking = [name for name in like if name not in frame]
    if lacking:
        raise DataError(f"{path} must have the columns of the real rows, and lacks {lacking[0]!r}: export it again.")
    return frame[list(like)]


def _others(path: Path, schema: Schema, reading: Reading | None) -> Table:
    """Read synthetic rows by the schema of the real ones; categories that no real row has count as missing."""
    own = reading_of(schema, None if reading is None else reading.format)
    words = [schema.target] if all(isinstance(name, str) for name in schema.classes) else []
    table = encode(schema, read_file(path, replace(own, text=[*own.text, *words])).frame)
    check_range(schema, table.X)
    return table


def _place(name: str, schema: Schema) -> int:
    """Return the position of a column whose values can make groups."""
    known = [column.name for column in schema.columns if column.kind in GROUPING]
    if name not in known:
        raise ConfigError(
            f"--by must be a column of categories, of whole numbers or of yes and no, got {name!r}: "
            f"{'choose ' + ', '.join(known[:10]) if known else 'there is none, leave it out'}."
        )
    return schema.names.index(name)
