"""The journal of a run on the local disk: one JSON object per line, new rows as Parquet, copies of attached files."""

import json
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from loop.cycle.generation_codec import interval, to_record
from loop.cycle.generation_codec import shape as generation_shape
from loop.cycle.ledger import Ledger
from loop.data.parquet_file import write_frame
from loop.errors import DataError, TrackingError
from loop.protocols import Child, Tracker
from loop.support import record_checks as checks
from loop.support.atomic import replaced, write_file
from loop.support.format import stamped, unstamped
from loop.support.own_files import LARGEST_TEXT, own_file
from loop.support.plain_json import Record, parse, plain
from loop.tracking.records import rows_frame, rows_marks, verdict_record
from loop.types import Generation, LoopVerdict

JOURNAL = "records.jsonl"
MEASURED = "seconds"  # in the names of metrics that differ each time
STATUSES = ("finished", "interrupted", "failed")
_verdict = checks.fields(
    {"kept": checks.count, "gain": checks.number, "interval": interval, "proven": checks.flag, "sentence": checks.text}
)
_common = {"kind": checks.text, "time_ms": checks.count}
_child = {
    "name": checks.text,
    "params": checks.mapped(checks.optional(checks.scalar)),
    "metrics": checks.mapped(checks.number),
    "tags": checks.mapped(checks.text),
    "curves": checks.mapped(checks.listed(checks.number)),
}
_dataset = checks.fields(
    {"name": checks.text, "digest": checks.text, "source": checks.text, "context": checks.text},
    {"columns": checks.mapped(checks.text), "profile": checks.mapped(checks.number)},
)
_more = {"seconds": checks.number, "datasets": checks.listed(_dataset)}  # since 0.5
KINDS: Mapping[str, checks.Check] = {  # kinds of records, with the check of each
    "start": checks.fields(
        _common
        | {
            "id": checks.text,
            "name": checks.text,
            "params": checks.mapped(checks.optional(checks.scalar)),
            "tags": checks.mapped(checks.text),
        },
        _more,
    ),
    "generation": checks.both(generation_shape, checks.fields(_common | {"file": checks.path_inside})),
    "metrics": checks.fields(
        _common | {"values": checks.mapped(checks.number), "step": checks.integer(-checks.LARGEST)}
    ),
    "tags": checks.fields(_common | {"values": checks.mapped(checks.text)}),
    "attach": checks.fields(_common | {"file": checks.path_inside, "folder": checks.text}),
    "register": checks.fields(
        _common
        | {
            "folder": checks.path_inside,
            "description": checks.text,
            "tags": checks.mapped(checks.text),
            "proven": checks.flag,
        }
    ),
    "child": checks.fields(_common | _child, _more),
    "finish": checks.fields(_common | {"status": checks.text_in(STATUSES), "verdict": checks.optional(_verdict)}),
}


class JsonlTracker:
    """Keep the records of a run in a folder.

    ``records.jsonl`` gets one line per record (the kinds of `KINDS`), each on the disk before the call returns;
    ``rows/generation-001.parquet`` holds the new rows of a generation, ``files/`` copies of attached files. A folder
    with a journal is continued as the same run: what it already says of a generation or a metric is not said twice.

    Parameters
    ----------
    folder : Path
        Created at `start`.
    again : bool
        Whether a finished run may be opened again. If not, a second fit cannot overwrite the rows of the first.

    Raises
    ------
    TrackingError
        From every method, if the disk does not accept the record; from `start`, if the folder holds a finished run.
    """

    def __init__(self, folder: Path, again: bool = False) -> None:
        self.folder, self.again = Path(folder), again
        self._open = False
        self._known: set[str] = set()  # what need not be recorded again, see `_keys`
        self._marks: Mapping[str, str] = rows_marks({})

    def start(self, run: Mapping[str, object]) -> None:
        """Open the run, or continue it after an interruption."""
        with self._disk():
            earlier = read_records(self.folder)  # before anything is changed on disk
        if not self.again and earlier and earlier[-1].get("status") == "finished":
            raise TrackingError(
                f"A run must have a folder of its own, and {self.folder} holds a finished one: name another."
            )
        with self._disk():
            self.folder.mkdir(parents=True, exist_ok=True)
            _cut_torn_line(self.folder / JOURNAL)
        identity = earlier[0]["id"] if earlier else uuid.uuid4().hex
        self._open = True
        self._known = {key for record in earlier for key in _keys(record)}
        self._marks = rows_marks(run.get("tags"))
        self._append("start", stamped({"id": identity, "name": "", "params": {}, "tags": {}, **run}))

    def record(self, generation: Generation) -> None:
        """Keep the rows of one generation, then its record."""
        path = f"rows/generation-{generation.index:03d}.parquet"
        frame = rows_frame(Ledger.of([generation], generation.rows))
        with self._disk():
            write_file(self.folder / path, lambda partial: write_frame(frame, partial, self._marks))
        record = {**to_record(generation), "file": path}
        if _keys({"kind": "generation", **record}).isdisjoint(self._known):  # else stopped before its checkpoint
            self._append("generation", record)

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Keep metrics of the run itself."""
        new = {name: value for name, value in values.items() if _point(name, step, value) not in self._known}
        if new:
            self._append("metrics", {"values": new, "step": step})
            self._known |= {_point(name, step, value) for name, value in new.items()}

    def tags(self, values: Mapping[str, str]) -> None:
        """Keep words about the run by name."""
        self._append("tags", {"values": values})

    def attach(self, path: Path, folder: str = "") -> None:
        """Keep a copy of a file or directory under ``files/folder``."""
        target = (Path("files") / folder / path.name).as_posix()
        with self._disk():
            if path.is_dir():
                with replaced(self.folder / target) as partial:
                    shutil.copytree(path, partial, dirs_exist_ok=True)
            else:
                write_file(self.folder / target, lambda partial: shutil.copyfile(path, partial))
        self._append("attach", {"file": target, "folder": folder})

    def child(self, child: Child) -> None:
        """Keep one finished arm of a comparison."""
        self._append("child", vars(child))

    def keep_model(
        self,
        write: Callable[[Path], object],
        description: str = "",
        tags: Mapping[str, str] | None = None,
        *,
        proven: bool = False,
    ) -> None:
        """Keep no model: the run's folder already has one, and this one is in MLflow's format."""

    def register(self, folder: str, description: str, tags: Mapping[str, str], proven: bool) -> None:
        """Keep that a model, a directory that is attached, is to be registered, with what its version says."""
        self._append("register", {"folder": folder, "description": description, "tags": tags, "proven": proven})

    def complaints(self) -> tuple[str, ...]:
        """Return nothing: an error of the disk is raised at once."""
        return ()

    def finish(self, verdict: LoopVerdict | None, status: str) -> None:
        """Close the run; without an open run, do nothing."""
        if self._open:
            self._append("finish", {"status": status, "verdict": verdict_record(verdict)})
            self._open = False

    def _append(self, kind: str, content: Mapping[str, object]) -> None:
        if not self._open:
            raise TrackingError(f"A run takes records between start and finish, got a {kind!r} outside: call start.")
        record = {"kind": kind, "time_ms": time.time_ns() // 1_000_000, **content}
        with self._disk(), (self.folder / JOURNAL).open("a", encoding="utf-8") as journal:
            journal.write(json.dumps(plain(record), allow_nan=False) + "\n")
            journal.flush()
            os.fsync(journal.fileno())

    @contextmanager
    def _disk(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            why = error.strerror or str(error)
            raise TrackingError(
                f"Records must be kept on the local disk, but {self.folder} does not take them ({why}): "
                "make room or name another folder."
            ) from error


def read_records(folder: Path) -> list[Record]:
    """Read the journal of a folder, oldest record first; a last line cut off by a crash is left out.

    Raises
    ------
    TrackingError
        For the first line that is not a record, or if another version wrote the journal.
    """
    path = Path(folder) / JOURNAL
    if not path.exists():
        return []
    try:
        content = own_file(path, most=LARGEST_TEXT).read_text(encoding="utf-8", errors="replace")
    except ValueError as error:
        raise TrackingError(f"A journal must be a file of records, and {path} is none ({error}): remove it.") from error
    lines = content.split("\n")
    return [_record(line, f"line {number} of {path}") for number, line in enumerate(lines[:-1], start=1)]


def _record(line: str, where: str) -> Record:
    try:
        record = parse(line)
    except ValueError:
        record = None
    if not isinstance(record, dict) or "kind" not in record:
        raise TrackingError(f"Every line of a journal must hold a record, {where} holds none: remove it.")
    if record["kind"] == "start":
        _check_format(record, where)
    try:
        KINDS[checks.text_in(KINDS)(record["kind"], "its kind")](record, "the record")
    except DataError as error:
        raise TrackingError(
            f"A record of a journal must be as the run wrote it, but in {where} {error}: remove that line."
        ) from error
    return record


def _keys(record: Mapping[str, Any]) -> set[str]:
    """Return what a record says, without its times, as far as it must not be said twice."""
    if record["kind"] == "metrics":
        return {_point(name, record["step"], value) for name, value in record["values"].items()}
    if record["kind"] == "generation":
        told = {name: value for name, value in record.items() if name not in ("time_ms", "seconds")}
        return {json.dumps(plain(told), sort_keys=True)}
    return set()


def _point(name: str, step: int, value: object) -> str:
    """Return what tells points of a metric apart: not seconds, which a resumed run measures anew; the first stand."""
    return json.dumps([name, step, MEASURED if MEASURED in name else plain(value)])


def _check_format(start: Record, where: str) -> None:
    try:
        unstamped(start, where, "run it again in another folder")
    except DataError as error:
        raise TrackingError(str(error)) from error


def _cut_torn_line(journal: Path) -> None:
    if journal.exists():
        content = journal.read_bytes()
        os.truncate(journal, content.rfind(b"\n") + 1)


_: type[Tracker] = JsonlTracker
