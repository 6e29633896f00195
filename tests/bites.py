"""The proof that laws bite: every deliberately bad part fails its law, and every law has a bad part."""

from collections.abc import Callable, Collection, Sequence
from typing import Any, TypeVar

import pytest

Law = Callable[[Any], None]
Test = Callable[..., None]
Part = TypeVar("Part", bound=Callable[..., Any])


class Breaks:
    """Mark a bad part with the laws that it must fail, as a decorator; `pairs` keeps them for `proofs`."""

    def __init__(self) -> None:
        self.pairs: list[tuple[Any, Law]] = []

    def __call__(self, *laws: Law) -> Callable[[Part], Part]:
        def keep(part: Part) -> Part:
            self.pairs.extend((part, law) for law in laws)
            return part

        return keep


def proofs(
    bad: Sequence[tuple[Any, Law]],
    laws: Collection[Law],
    *,
    unproved: Collection[Law] = (),
    errors: tuple[type[Exception], ...] = (AssertionError,),
) -> tuple[Test, Test]:
    """Return two tests: that the law bites, and that all laws are proved to bite but those known to be unproved.

    Parameters
    ----------
    bad
        Makers of bad parts, each with the law that it must fail.
    laws
        All laws of such parts.
    unproved
        Laws that no bad part is there for.
    errors
        What a law may raise at a bad part.
    """

    @pytest.mark.parametrize(("make", "law"), bad, ids=lambda part: part.__name__)
    def the_law_bites(make: Any, law: Law) -> None:
        with pytest.raises(errors):
            law(make)

    def every_law_is_proved_to_bite() -> None:
        bitten = {law for _, law in bad}
        assert not bitten & set(unproved)
        assert bitten | set(unproved) == set(laws)

    return the_law_bites, every_law_is_proved_to_bite
