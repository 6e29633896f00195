"""Laws run one after the other; the first that is broken is named, with what was seen."""

import pickle
import re
import traceback
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import numpy as np

from loop.errors import ConfigError

Law = TypeVar("Law", bound=Callable[..., None])
Result = TypeVar("Result")


def entered(laws: list[Any]) -> Callable[[Law], Law]:
    """Return a decorator that enters a law at the end of ``laws``."""

    def enter(law: Law) -> Law:
        laws.append(law)
        return law

    return enter


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


def leaves_the_global_random_state(act: Callable[[], object]) -> None:
    """Assert that an act neither draws from NumPy's global random state nor seeds it."""
    np.random.random()  # noqa: NPY002 - moves the state, so that a part which seeds it shows each time
    before = repr(np.random.get_state())  # noqa: NPY002 (its position too: a single draw moves nothing else)
    act()
    assert repr(np.random.get_state()) == before, "the global random state has moved"  # noqa: NPY002


def leaves_unchanged(inputs: object, act: Callable[[], Result], change: str) -> Result:
    """Assert that an act leaves its inputs byte for byte, or say that ``change``; return its result."""
    before = pickle.dumps(inputs)
    result = act()
    assert pickle.dumps(inputs) == before, change
    return result


def needs_a_teacher_only_if_it_says_so(part: object, act: Callable[[], object], acts: str) -> None:
    """Assert that an act without a teacher raises ConfigError if and only if the part's ``needs_teacher`` says so."""
    refused = False
    try:
        act()
    except ConfigError:
        refused = True
    needs = getattr(part, "needs_teacher", False)
    assert refused == needs, f"needs_teacher is {needs}, and without a teacher it {'refuses' if refused else acts}"


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
