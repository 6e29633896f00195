"""Laws that every generator must obey: one file for each promise. Each law takes a maker of unfitted generators."""

from collections.abc import Callable

from loop.testing.generators import conditioning, honesty, learning, reproducibility, values
from loop.testing.generators.common import Make
from loop.testing.held import hold

LAWS: tuple[Callable[[Make], None], ...] = (
    *conditioning.LAWS,
    *values.LAWS,
    *honesty.LAWS,
    *learning.LAWS,
    *reproducibility.LAWS,
)
COPYING_LAWS = honesty.COPYING_LAWS
SLOW_LAWS = reproducibility.SLOW_LAWS


def check_generator(make: Make, *, copies: bool = False, slow: bool = False) -> None:
    """Hold a generator to the laws of generators, on small tables; it takes seconds, or minutes if fitting is slow.

    Parameters
    ----------
    make : callable
        Makes an unfitted generator, such as the class itself; called anew for each fit.
    copies : bool
        Whether every discrete value is copied from a real row: then the rows it comes from must be among the parents.
    slow : bool
        Whether to fit it in a second Python process too, which must be able to import its class.

    Raises
    ------
    AssertionError
        With the first law that is broken, and what was seen.
    """
    hold((*LAWS, *COPYING_LAWS * copies, *SLOW_LAWS * slow), make)
