"""From a piece of a file to what is delivered of it: columns passed through, probabilities, alerts, reasons."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from experiments.data.arrays.opening import reader_of
from experiments.data.csv_format import CsvFormat
from experiments.data.files import Reading, TableFile, read_file, reading_of
from experiments.predict.alerts import Alerts
from experiments.predict.pieces import pieces
from experiments.predict.reasons import Reasons
from experiments.predict.unlike import Unlike
from loop.data.encoding import original_names
from loop.data.intake import require
from loop.errors import ConfigError
from loop.model import Model

FLAG = "alert"


@dataclass(eq=False)
class Scorer:
    """Scores a file with a model; `unlike` and `alerted` count what went through.

    Raises
    ------
    ConfigError
        If a column that is passed through has the name of one that is added.
    """

    model: Model
    keep: tuple[str, ...] = ()
    alerts: Alerts | None = None
    reasons: Reasons | None = None
    form: CsvFormat = field(default_factory=CsvFormat)  # of a CSV
    notes: list[str] = field(default_factory=list)  # what was done to the file, a sentence each
    unlike: Unlike = field(default_factory=Unlike)
    alerted: int = 0

    def __post_init__(self) -> None:
        flags = [] if self.alerts is None else [FLAG]
        added = {*self._scores, *flags, *(self.reasons.names(len(self.model.schema.columns)) if self.reasons else [])}
        if taken := sorted(added & set(self.keep)):
            raise ConfigError(f"--keep must not name what predict adds, got {', '.join(taken)}: rename it in the file.")

    def frames(self, path: Path) -> Iterator[pd.DataFrame]:
        """Yield what is delivered of each piece of a file, in order.

        Raises
        ------
        DataError
            If the file cannot be read, or its columns are not those of the model.
        """
        if (reader := reader_of(path)) is not None:
            yield self._of(path, TableFile(reader(path, labelled=False).frame))
            return
        for piece in pieces(path, self.form):
            yield self._of(piece)

    @property
    def _scores(self) -> list[str]:
        return [f"p_{name}" for name in self.model.classes_]

    def _of(self, piece: Path, opened: TableFile | None = None) -> pd.DataFrame:
        schema, keep = self.model.schema, list(self.keep)
        dates = original_names(schema)
        used = {*schema.names, *dates, *([self.alerts.miss_cost] if self.alerts else [])}
        apart = bool(used & set(keep))  # a number that is used, too, is not passed through as it was read
        apart &= opened is None
        file = opened or read_file(piece, reading_of(schema, self.form, [] if apart else keep))
        frame = file.frame
        self.notes += [note for note in file.notes if note not in self.notes and _concerns(note, frame, used)]
        require(keep, frame)
        rows = self.model.encoded(frame)
        self.unlike.add(schema, frame, rows.X)
        proba = self.model.proba_of(rows)
        parts = [_kept(piece, keep, frame, apart, self.form) if opened is None else frame[keep]] if keep else []
        parts.append(pd.DataFrame(proba, columns=self._scores))
        if self.alerts is not None:
            flags = self.alerts.flags(proba[:, schema.positive], frame)
            self.alerted += int(flags.sum())
            parts.append(pd.DataFrame({FLAG: flags}))
        if self.reasons is not None:
            parts.append(self.reasons.frame(rows, self.model))
        return pd.concat(parts, axis=1)


def _concerns(note: str, frame: pd.DataFrame, used: Collection[str | None]) -> bool:
    """Tell whether a note is about the file as a whole or a column that is read, not about one that is not."""
    name = note.partition(":")[0]
    return name in used or name not in frame


def _kept(piece: Path, keep: list[str], frame: pd.DataFrame, apart: bool, form: CsvFormat) -> pd.DataFrame:
    """Return columns as the file has them: text of a CSV digit by digit, columns of Parquet with their types."""
    if piece.name.lower().endswith(".parquet"):
        import pyarrow.parquet as pq

        whole = pq.read_table(piece, columns=keep)
        frame = whole.to_pandas(types_mapper=pd.ArrowDtype, ignore_metadata=True)
    elif apart:
        frame = read_file(piece, Reading(form, text=keep)).frame
    return frame[keep]
