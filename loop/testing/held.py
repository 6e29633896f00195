"""Laws run one after the other; the first that is broken is named, with what was seen."""

import re
import traceback
from collections.abc import Callable, Iterable


def hold(laws: Iterable[Callable[..., None]], *arguments: object) -> None:
    """Run laws with the same arguments.

    Parameters
    ----------
    laws : iterable of callable
        Each raises AssertionError if it is broken.
    *arguments
        What each law is called with.

    Raises
    ------
    AssertionError
        With the name of the first law that is broken, and what was seen. Any other error of a part passes through.
    """
    for law in laws:
        try:
            law(*arguments)
        except AssertionError as breach:
            raise AssertionError(f"the law {law.__name__} is broken: {_seen(breach)}") from breach


def _seen(breach: AssertionError) -> str:
    """Return the message, or else the assertion itself and the numbers, words and flags that it speaks of."""
    if str(breach):
        return str(breach).strip()
    frame, _ = list(traceback.walk_tb(breach.__traceback__))[-1]
    line = traceback.extract_tb(breach.__traceback__)[-1].line or "an assertion without a source line"
    words = dict.fromkeys(re.findall(r"\b[a-z_]\w*\b", line))
    known = [(word, frame.f_locals[word]) for word in words if word in frame.f_locals]
    plain = [f"{word} = {value!r}" for word, value in known if isinstance(value, bool | int | float | str)]
    return ", ".join([f"not so: {line}", *plain])
