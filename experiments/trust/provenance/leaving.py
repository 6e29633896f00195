"""Tables and files that leave the folder of a run: described where they go, and noted in the folder they come from.

What is not noted cannot be found again when rows are to be forgotten.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from experiments.data.files import digests
from experiments.data.sources import path_of
from experiments.storage import run_folder
from experiments.trust.provenance.croissant import Making, write_beside
from experiments.trust.provenance.record import BOOK, PART, TABLE, Input, Provenance, Terms
from loop.errors import DataError
from loop.support import atomic
from loop.support import record_checks as checks

FILE = "written.json"  # in the folder of a run: what was written elsewhere from it
_shape = checks.listed(checks.fields(dict.fromkeys(("path", "sha256", "what"), checks.text), known_only=True))


@dataclass(frozen=True)
class Written:
    """A file that was written elsewhere."""

    path: str  # absolute
    sha256: str
    what: str  # the command that wrote it

    @property
    def unchanged(self) -> bool:
        """Whether it is still there as it was written."""
        return digests([self.path]).get(self.path) == self.sha256


def home_of(folder: Path | None) -> Path | None:
    """Return the folder of the run that a folder is, or is the generator or model of; None if it is of none."""
    if folder is None:
        return None
    folder = folder.resolve()
    inside = folder.name in (run_folder.GENERATOR, run_folder.MODEL)
    return next((each for each in (folder, *([folder.parent] if inside else [])) if _is_run(each)), None)


def _is_run(folder: Path) -> bool:
    return (folder / run_folder.FINGERPRINT).is_file()


def noted(run: Path) -> tuple[Written, ...]:
    """Return what was written elsewhere from the folder of a run.

    Raises
    ------
    DataError
        If the note is damaged.
    """
    path = run / FILE
    if not path.is_file():
        return ()
    try:
        return tuple(Written(**each) for each in _shape(run_folder.read_json(path), "it"))
    except DataError as error:
        raise DataError(f"{path} must hold what was written elsewhere, but {error}: correct or remove it.") from error


def note(run: Path | None, paths: Sequence[Path], what: str) -> str | None:
    """Note files that were written from the folder of a run; return what is to be said if that failed.

    Files inside the folder need no note.
    """
    apart = [path.resolve() for path in paths if run is not None and not path.resolve().is_relative_to(run.resolve())]
    if run is None or not apart:
        return None
    try:
        known = {each.path: each for each in noted(run)}
        known |= {path: Written(path, digest, what) for path, digest in digests(map(str, apart)).items()}
        atomic.write_json(run / FILE, [asdict(each) for each in known.values()])
    except OSError as error:
        return f"{run} does not take a note of what was written ({error.strerror}): retract will not find it."
    return None


def provenance_of(
    model: Path | None,
    data: str | None,
    settings: Mapping[str, object],
    protected: bool = False,
    terms: Terms = Terms(),  # noqa: B008  (frozen)
) -> Provenance:
    """Return what rows are made from: by the generator of a run, one saved elsewhere or fitted on a file, or a book.

    A generator that was saved elsewhere says itself what it was fitted on, and under which ``terms``.

    Of a table that is ``protected`` no digest is told: it would let anybody try a guess at the whole table, which a
    promise of differential privacy rules out.
    """
    home = home_of(model) or model
    told = None if home is None else Provenance.read(home)
    if told is not None:
        return told
    given = _input(model, data)
    given = replace(given, sha256=None) if protected else given
    mark = hashlib.sha256(json.dumps([asdict(given), {key: str(each) for key, each in settings.items()}]).encode())
    return Provenance(mark.hexdigest(), version("weakspot"), (replace(given, **asdict(terms)),))


def _input(model: Path | None, data: str | None) -> Input:
    if data is not None:
        path = path_of(data)
        return Input(TABLE, path.name if path.is_file() else data, digests([str(path)]).get(str(path)))
    model = model or Path()
    inside = next((each for each in (model, model / "settings.json") if each.is_file()), model)
    return Input(BOOK if model.is_file() else PART, model.name, digests([str(inside)]).get(str(inside)))


def describe_rows(out: Path, frame: pd.DataFrame, told: Provenance, settings: Mapping[str, object]) -> Path:
    """Write the description of new rows beside their file, and return its path."""
    what = f"{len(frame):,} synthetic rows made by weakspot generate. They are no real rows."
    return write_beside(out, frame, Making(told, f"{out.stem} synthetic rows", what, settings))
