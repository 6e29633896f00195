"""What still holds retracted rows or derives from them, file by file."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from experiments.config.given import TaughtRows, VotedRows
from experiments.config.reader import load_config
from experiments.config.run_config import RunConfig
from experiments.labels.store import LABELS
from experiments.storage import run_folder
from experiments.trust.provenance.leaving import noted
from loop.errors import WeakspotError
from loop.tracking.forgetting import Traces

HOLDS, DERIVES, CLEAN = "holds rows", "derives from rows", "neither"
WITHOUT_ROWS = (run_folder.CONFIG, run_folder.LOCK, run_folder.MARKER)  # settings; an empty file; status and seconds
WHY = {  # of the first folder or the file in the folder of a run
    run_folder.GENERATOR: (HOLDS, "a generator: it may keep the rows it was fitted on"),
    LABELS: (HOLDS, "questions about rows, and answers"),
    run_folder.MODEL: (DERIVES, "the delivered model"),
    "export": (DERIVES, "the delivered model, exported"),
    run_folder.CHECKPOINTS: (DERIVES, "new rows with their parents, weak regions and scores"),
    run_folder.JOURNAL: (DERIVES, "new rows and records"),
    run_folder.FINGERPRINT: (DERIVES, "digests of the rows: a guess could be tried out"),
    "provenance.json": (DERIVES, "digest of the file: a guess could be tried out"),
}
EXAMPLE = ("input_example.json", "serving_input_example.json")  # of a model in MLflow's format: training rows
OF_CODE = "code of weakspot, kept with the model"
CODE = "model/code/"  # of a model in MLflow's format
OTHERWISE = (DERIVES, "made from the rows")


@dataclass(frozen=True)
class Item:
    """One place, with what is there."""

    kind: str
    place: str
    why: str
    path: Path | None = None  # of a file that may be deleted


@dataclass(frozen=True)
class Inventory:
    """Everything that is known to hold retracted rows or to derive from them."""

    run: tuple[Item, ...]  # files of the run's folder
    elsewhere: tuple[Item, ...]  # files that were written from it, as far as they are as they were written
    records: tuple[Item, ...]  # in MLflow
    out_of_reach: tuple[Item, ...]  # what weakspot does not delete

    def lines(self) -> Iterator[str]:
        """Yield the inventory in lines."""
        parts = {
            "In the folder of the run": self.run,
            "Written elsewhere from it": self.elsewhere,
            "In MLflow": self.records,
            "Not deleted by weakspot": self.out_of_reach,
        }
        for title, items in parts.items():
            code = sum(each.why == OF_CODE for each in items)
            if items:
                yield f"{title}:"
                yield from (f"  {each.kind:<17}  {each.place}: {each.why}" for each in items if each.why != OF_CODE)
            if code:
                yield f"  {CLEAN:<17}  {code:,} files in {CODE}: {OF_CODE}"

    @property
    def doomed(self) -> tuple[Item, ...]:
        """The files that may be deleted: all but settings and status of the run."""
        return (*self.elsewhere, *(each for each in self.run if each.place not in WITHOUT_ROWS))


def inventory_of(run: Path, config: RunConfig, replay: Path, traces: Traces) -> Inventory:
    """List what holds rows of a run or derives from them; ``replay`` is the run without them."""
    written = noted(run)
    elsewhere = tuple(Item(DERIVES, each.path, each.what, Path(each.path)) for each in written if each.unchanged)
    changed = [each for each in written if not each.unchanged]
    return Inventory(
        tuple(_of_file(path, run) for path in sorted(run.rglob("*")) if path.is_file()),
        elsewhere,
        tuple(_of_record(place, why) for place, why in traces.told),
        (
            Item(HOLDS, config.data.source, "the source itself, which is yours: remove the rows there"),
            *(Item(HOLDS, each, "may hold such rows, too: not looked at") for each in _other_files(config)),
            *(Item(DERIVES, each.path, f"{each.what}; moved or changed since, look for it") for each in changed),
            *_other_runs(run, config, replay),
            Item(DERIVES, "copies", "models served or copied elsewhere, printed reports, rows on screens"),
        ),
    )


def _of_record(place: str, why: str) -> Item:
    if CODE in place:
        return Item(CLEAN, place, OF_CODE)
    return Item(HOLDS if place.endswith(EXAMPLE) else DERIVES, place, why)


def _of_file(path: Path, run: Path) -> Item:
    inside = path.relative_to(run)
    kind, why = WHY.get(inside.parts[0], OTHERWISE)
    if str(inside) in WITHOUT_ROWS:
        kind, why = CLEAN, "settings or status"
    elif path.name in EXAMPLE:
        kind, why = HOLDS, "training rows as an example of what the model takes"
    elif CODE in inside.as_posix():
        kind, why = CLEAN, OF_CODE
    return Item(kind, str(inside), why, path)


def _other_files(config: RunConfig) -> Iterator[str]:
    yield from (each.unlabelled for each in config.supplies if isinstance(each, (TaughtRows, VotedRows)))


def _other_runs(run: Path, config: RunConfig, replay: Path) -> Iterator[Item]:
    """Yield the other runs in the same folder that have read the same file."""
    source = Path(config.data.source).resolve()
    for folder in sorted(run.resolve().parent.iterdir()):
        if folder in (run.resolve(), replay.resolve()) or not (folder / run_folder.FINGERPRINT).is_file():
            continue
        try:
            other = load_config(RunConfig, run_folder.configuration(folder)).data
        except WeakspotError:
            yield Item(DERIVES, str(folder), "a run whose configuration cannot be read: look at it")
            continue
        if Path(other.source).resolve() == source:
            left_out = f", without rows {other.without.rows[:40]}" if other.without else ""
            yield Item(DERIVES, str(folder), f"another run on this file{left_out}: retract there, too")
