"""One lazy catalogue for each kind of part: a class is imported when its name is used; other packages may add names.

The catalogues of the parts in `loop` are at the end; those of generators and learners are in their packages.
"""

import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import is_dataclass
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from loop.errors import ConfigError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from loop.encoders import Encoder
    from loop.protocols import Acquisition, Gate, Labeller, RegionFinder

Part = TypeVar("Part")
OURS = "weakspot"
PLACE = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*:[^\W\d]\w*")  # of the user's own code: module:Class
ALLOWED = "WEAKSPOT_PARTS"  # environment variable: places that may be imported though nobody writes them


class Catalogue(Generic[Part]):
    """Classes of one kind of part by name, imported on use.

    Parameters
    ----------
    part : str
        Name of the kind of part in messages, for example "learner".
    homes : mapping of str to str
        ``package.module:Class`` by name, for the parts of this project.
    group : str, optional
        Group of the entry points by which other packages add names; None = no others.
    methods : tuple of str
        Methods that a class of another package must have; it must also be a dataclass, its fields being the settings.

    Examples
    --------
    >>> Catalogue("gate", {"copies": "loop.gates.copies:Copies"}).kind("copies").__name__
    'Copies'
    """

    def __init__(
        self, part: str, homes: Mapping[str, str], group: str | None = None, methods: tuple[str, ...] = ()
    ) -> None:
        self.part, self.homes, self.group, self.methods = part, dict(homes), group, methods
        self._admitted: dict[str, None] = {}  # places of the user's own code

    def names(self) -> tuple[str, ...]:
        """Return all names: ours in their order, those of other packages, then places of code that is admitted."""
        return tuple(dict.fromkeys((*self.homes, *sorted(self._others()), *self._own())))

    def admit(self, name: str) -> str:
        """Return a name; if it is a place, ``module:Class``, this process may use that code from now on.

        For names that a user has written on purpose, as importing a module runs it; never for what a file of a model
        says. A place must also be named in the variable `ALLOWED` where nobody has written it.

        Raises
        ------
        ConfigError
            If the place cannot be imported, or is no such part.
        """
        if self.group is not None and PLACE.fullmatch(name):
            self._placed(name)
            self._admitted[name] = None
        return name

    def _own(self) -> tuple[str, ...]:
        if self.group is None:
            return ()
        allowed = os.environ.get(ALLOWED, "").replace(",", " ").split()
        return (*self._admitted, *(name for name in allowed if PLACE.fullmatch(name)))

    def _placed(self, name: str) -> type[Part]:
        module, _, public = name.partition(":")
        return self._checked(f"{self.part} {name!r}", name, lambda: getattr(import_module(module), public))

    def check(self, name: str) -> str:
        """Return a name for which there is exactly one part; nothing is imported.

        Raises
        ------
        ConfigError
            If there is none, with the names that exist; if there are several, with the packages that register it.
        """
        check_name(self.part, name, self.names())
        owners = [OURS] * (name in self.homes) + [_owner(entry) for entry in self._others().get(name, ())]
        if len(owners) > 1:
            raise ConfigError(
                f"{self.part} {name!r} must be registered once, got it from {' and '.join(owners)}: "
                f"uninstall {owners[-1]} or rename the part in it."
            )
        return name

    def kind(self, name: str) -> type[Part]:
        """Import the class of a name.

        Raises
        ------
        ConfigError
            As `check`, and if the class of another package cannot be imported or lacks a method.
        """
        self.check(name)
        if name in self._own():
            return self._placed(name)
        if name not in self.homes:
            return self._loaded(self._others()[name][0])
        module, _, public = self.homes[name].partition(":")
        return cast("type[Part]", getattr(import_module(module), public))

    def make(self, name: str, **settings: object) -> Part:
        """Create the part of a name; settings are the arguments of its class."""
        return self.kind(name)(**settings)

    def name_of(self, kind: type) -> str | None:
        """Return the name of a class, None if it is in no catalogue."""
        home = f"{kind.__module__}:{kind.__qualname__}"
        own = next((name for name, place in self.homes.items() if place == home), None)
        own = own or next((name for name in self._own() if name == home), None)
        return own or next((name for name in sorted(self._others()) if self._is_other(name, kind)), None)

    def _is_other(self, name: str, kind: type) -> bool:
        """Tell whether another package registers this class under the name, whatever module the class is defined in."""
        try:
            return name not in self.homes and self.kind(name) is kind
        except ConfigError:  # a broken package: the class at hand could be imported, so it is not this one
            return False

    def _others(self) -> Mapping[str, tuple["EntryPoint", ...]]:
        """Return the entry points of other packages by name."""
        return {} if self.group is None else _registered(tuple(sys.path)).get(self.group, {})

    def _loaded(self, entry: "EntryPoint") -> type[Part]:
        return self._checked(f"{self.part} {entry.name!r} of {_owner(entry)}", entry.value, entry.load)

    def _checked(self, what: str, place: str, load: Callable[[], object]) -> type[Part]:
        """Import a class that is not ours, and check that it is such a part."""
        try:
            found = load()
        except Exception as error:  # a module of another package may fail in any way
            why = " ".join(f"{type(error).__name__}: {error}".split())[:120]
            raise ConfigError(
                f"{what} must be importable, and {place} is not ({why}): repair or uninstall it."
            ) from error
        able = all(callable(getattr(found, name, None)) for name in self.methods)
        if not isinstance(found, type) or not is_dataclass(found) or not able:
            raise ConfigError(
                f"{what} must be a dataclass with {' and '.join(self.methods)}, and {place} is not: "
                "repair or uninstall it."
            )
        return cast("type[Part]", found)


def check_name(what: str, name: str, names: Iterable[str]) -> str:
    """Return a name if it is one of ``names``.

    Raises
    ------
    ConfigError
        If it is not; the message lists the names that exist and similar ones.
    """
    names = tuple(names)
    if name not in names:
        from difflib import get_close_matches

        close = " or ".join(get_close_matches(name, names, n=2))
        way_out = f"did you mean {close}?" if close else "choose one of these"
        raise ConfigError(f"{what} must be one of {', '.join(names)}, got {name!r}: {way_out}")
    return name


def lazy(module: str, homes: Iterable[str]) -> Callable[[str], object]:
    """Return the ``__getattr__`` of a package that loads its public names, ``package.module:Name``, on first use."""
    where = {public: place for place, _, public in (home.partition(":") for home in homes)}

    def load(name: str) -> object:
        if name not in where:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        return getattr(import_module(where[name]), name)

    return load


@lru_cache(maxsize=1)
def _registered(path: tuple[str, ...]) -> Mapping[str, Mapping[str, tuple["EntryPoint", ...]]]:
    """Return entry points by group and name; of a package installed twice the first on the path counts."""
    from importlib.metadata import distributions  # slow to load, and not needed to name the classes

    found: dict[str, dict[str, dict[str, EntryPoint]]] = {}
    for distribution in distributions(path=list(path)):
        try:
            entries = distribution.entry_points
        except (TypeError, ValueError, OSError):
            # A package with unreadable metadata registers nothing. importlib.metadata raises TypeError for a line
            # without "=", and ValueError for text that is not UTF-8.
            continue
        for entry in entries:
            if not entry.group.startswith(f"{OURS}."):
                continue
            found.setdefault(entry.group, {}).setdefault(entry.name, {}).setdefault(distribution.name, entry)
    return {group: {name: tuple(each.values()) for name, each in by_name.items()} for group, by_name in found.items()}


def _owner(entry: "EntryPoint") -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist is not None else "another package"


def _of_loop(part: str, method: str, **homes: str) -> "Catalogue[Any]":
    """Return the catalogue of a kind of part of one method, to which other packages may add."""
    return Catalogue(part, homes, group=f"{OURS}.{part}s", methods=(method,))


FINDERS: "Catalogue[RegionFinder]" = _of_loop(
    "finder",
    "find",
    tree="loop.regions.tree:TreeFinder",
    by_class="loop.regions.by_class:ByClass",
    nowhere="loop.regions.nowhere:Nowhere",
)
ACQUISITIONS: "Catalogue[Acquisition]" = _of_loop(
    "acquisition",
    "score",
    gap="loop.supplies.acquisition:Gap",
    entropy="loop.supplies.acquisition:Entropy",
    blindness="loop.supplies.acquisition:Blindness",
    variance="loop.supplies.acquisition:Variance",
    highest_score="loop.supplies.acquisition:HighestScore",
    mixture="loop.supplies.acquisition:Mixture",
    random="loop.supplies.acquisition:Uniform",
)
LABELLERS: "Catalogue[Labeller]" = _of_loop(
    "labeller", "label", teacher="loop.supplies.labelling:ByTeacher", condition="loop.supplies.labelling:ByCondition"
)
# Encoders are learners' business; a schema knows them by these names, and loads one only where it has such a column.
ENCODERS: "Catalogue[Encoder]" = Catalogue(
    "encoder",
    {
        "pixels": "learners.encoders.pixels:Pixels",
        "curves": "learners.encoders.curves:Curves",
        "words": "learners.encoders.words:Words",
    },
    group=f"{OURS}.encoders",
    methods=("fit", "columns", "stacked", "cells", "to_json", "from_json"),
)
GATES: "Catalogue[Gate]" = _of_loop(
    "gate",
    "judge",
    domain="loop.gates.domain:Domain",
    copies="loop.gates.copies:Copies",
    contradicted="loop.gates.contradicted:Contradicted",
    label="loop.gates.label:Label",
)
