"""Which class an answer names: answers are text, whatever the classes are."""

import re
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from experiments.labels.columns import shortened
from loop.errors import ConfigError

_NUMBER = re.compile(r"[+-]?(\d{1,40}(\.\d{0,40})?|\.\d{1,40})([eE][+-]?\d{1,3})?", re.ASCII)
UNSURE = "cannot tell"  # the answer of somebody who looked and does not know


@dataclass(frozen=True)
class ClassNames:
    """The classes that an answer may name, told from each other as text.

    An answer names the class that it equals as text; where there is none, the one that it equals but for blanks around
    it, as a number ("1.0" is class 1), or but for upper and lower case (a spreadsheet writes TRUE), if that is one.

    Parameters
    ----------
    classes : tuple of object
        As in ``Schema.classes``.

    Raises
    ------
    ConfigError
        If there are fewer than two, one is empty text or missing, or two are the same as text.
    """

    classes: tuple[object, ...]

    def __post_init__(self) -> None:
        texts = self.texts
        if len(texts) < 2:
            raise ConfigError(f"A label must have at least two classes, got {len(texts)}: name the classes.")
        if "" in texts or any(each is None or each != each for each in self.classes):
            raise ConfigError("A class must have a name, and one is empty: name it.")
        if twice := [text for text in texts if texts.count(text) > 1]:
            raise ConfigError(f"Classes must differ as text, and two are {shortened(twice[0])}: rename one.")

    @cached_property
    def texts(self) -> list[str]:
        """The classes as text, in their order."""
        return [str(each) for each in self.classes]

    @cached_property
    def unsure(self) -> str:
        """The answer that counts as none; no class is called so."""
        word = UNSURE
        while any(text.strip().casefold() == word for text in self.texts):
            word = f"({word})"
        return word

    def find(self, text: str) -> int | None:
        """Return the position of the class that text names, None if there is none."""
        if (exact := self._exact.get(text)) is not None:
            return exact
        trimmed = text.strip()
        for key, known in self._lenient if trimmed else ():
            if (found := known.get(key(trimmed))) is not None:
                return found
        return None

    def is_unsure(self, text: str) -> bool:
        """Tell whether an answer, none of the classes, says that its author does not know."""
        return text.strip().casefold() == self.unsure

    def listed(self) -> str:
        """Name up to ten classes for a message."""
        more = f" and {len(self.texts) - 10} more" if len(self.texts) > 10 else ""
        return ", ".join(shortened(text) for text in self.texts[:10]) + more

    @cached_property
    def _exact(self) -> dict[str, int]:
        return {text: place for place, text in enumerate(self.texts)}

    @cached_property
    def _lenient(self) -> list[tuple[Callable[[str], Hashable], dict[Hashable, int]]]:
        keys: tuple[Callable[[str], Hashable], ...] = (str.strip, as_number, str.casefold)
        return [(key, _unambiguous(self.texts, key)) for key in keys]


def named(classes: Iterable[object] | ClassNames) -> ClassNames:
    """Return classes with their names."""
    return classes if isinstance(classes, ClassNames) else ClassNames(tuple(classes))


def as_number(text: str) -> Decimal | None:
    """Return the exact number that text writes, None if it writes none."""
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def _unambiguous(texts: Sequence[str], key: Callable[[str], Hashable]) -> dict[Hashable, int]:
    """Map what texts become under a key to their positions; what two of them become is left out."""
    keys = [key(text.strip()) for text in texts]
    return {each: place for place, each in enumerate(keys) if each is not None and keys.count(each) == 1}
