"""Learners inside others on disk: each in a folder of its own, listed with its name in the catalogue.

Only learners of the catalogue are read back, and only from folders inside: a file cannot name a class to import.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol, cast, runtime_checkable

from learners import LEARNERS, WRAPPERS
from learners.common.persistence import Storable, Suited, read_record
from loop.errors import ConfigError, DataError
from loop.protocols import Learner, Predictor
from loop.support import record_checks
from loop.support.atomic import write_json
from loop.types import Schema

FILE = "learners.json"


@runtime_checkable
class Composite(Protocol):
    """A learner that consists of other learners."""

    def nested_learners(self) -> Sequence[Learner]:
        """Return the fitted learners that it answers with; before the fit, those that it will fit."""
        ...


def with_nested(learner: Predictor) -> Iterator[Predictor]:
    """Yield a learner, then the learners that it consists of, at any depth."""
    yield learner
    if isinstance(learner, Composite):
        for each in learner.nested_learners():
            yield from with_nested(each)


def misfit(learner: Predictor, schema: Schema) -> str | None:
    """Return how rows of a schema differ from those that a learner, or one inside it, was fitted on; None = not."""
    told = (each.misfit(schema) for each in with_nested(learner) if isinstance(each, Suited))
    return next((misfit for misfit in told if misfit), None)


def name_of(kind: type) -> str | None:
    """Return the name of a class of learners, None if it is in no catalogue."""
    return LEARNERS.name_of(kind) or WRAPPERS.name_of(kind)


def names() -> tuple[str, ...]:
    """Return the names that a saved learner may bear."""
    return (*LEARNERS.names(), *WRAPPERS.names())


def kind_of(name: str, place: str) -> type[Storable]:
    """Return the class of one of `names`, imported.

    Parameters
    ----------
    name : str
    place : str
        Where the name was read, for the message.

    Raises
    ------
    DataError
        If such learners are never saved.
    """
    kind: type = (LEARNERS if name in LEARNERS.names() else WRAPPERS).kind(name)
    if not issubclass(kind, Storable):
        record_checks.refuse(place, "a learner that can be saved", name)
    return kind


def storable(learner: Predictor) -> tuple[str, Storable]:
    """Return the name of a learner, and the learner typed as one that can be saved.

    Raises
    ------
    ConfigError
        If it, or a learner inside it, cannot be saved.
    """
    for each in with_nested(learner):
        if name_of(type(each)) is None or not isinstance(each, Storable):
            inside = "" if each is learner else f" inside {type(learner).__name__}"
            others = [name for name in LEARNERS.names() if name != name_of(type(each))]
            raise ConfigError(
                f"a learner to be saved must be one of {', '.join(others)}, or a blend of them, "
                f"with save and load, got {type(each).__name__}{inside}: use another."
            )
    return cast("tuple[str, Storable]", (name_of(type(learner)), learner))


def save_learners(learners: Sequence[Learner], folder: Path) -> None:
    """Write fitted learners into folders inside a folder, which is made, and their list beside them.

    Raises
    ------
    ConfigError
        If one of them cannot be saved; then nothing is written.
    """
    listed = [(f"learner-{number}", *storable(learner)) for number, learner in enumerate(learners)]
    for place, _, learner in listed:
        learner.save(folder / place)
    write_json(folder / FILE, [{"name": name, "folder": place} for place, name, _ in listed])


def load_learners(folder: Path) -> tuple[Learner, ...]:
    """Read the fitted learners that `save_learners` has written, in their order.

    Raises
    ------
    DataError
        If the list is missing or damaged, or names a learner that does not exist or a folder that is not inside.
    """
    entry = record_checks.fields(
        {"name": record_checks.text_in(names()), "folder": record_checks.path_inside}, known_only=True
    )
    listed = read_record(folder / FILE, record_checks.listed(entry))
    places = [f"{folder / FILE}.{number}" for number in range(len(listed))]
    homes = [_inside(folder, each["folder"], place) for each, place in zip(listed, places, strict=True)]
    kinds = [kind_of(each["name"], place) for each, place in zip(listed, places, strict=True)]
    loaded: list[Any] = [kind.load(home) for kind, home in zip(kinds, homes, strict=True)]
    return tuple(loaded)


def _inside(folder: Path, name: str, place: str) -> Path:
    """Return a folder inside another; links out of it are refused."""
    home = folder / name
    if not home.resolve().is_relative_to(folder.resolve()):
        record_checks.refuse(place, "a path inside the folder", name)
    if not home.is_dir():
        raise DataError(f"{place} must name a folder beside the list, and {name!r} is none: save the learner again.")
    return home
