"""Laws that parts must obey, for the tests of whoever writes a part, and the small tables that they are tried on.

Each kind of part has a module with its laws and one function that checks them all. The laws are assertions.
"""

from typing import TYPE_CHECKING

from loop.catalogue import lazy

if TYPE_CHECKING:
    from loop.testing.acquisitions import check_acquisition
    from loop.testing.finders import check_finder
    from loop.testing.gates import check_gate
    from loop.testing.generators import check_generator
    from loop.testing.labellers import check_labeller
    from loop.testing.learners import check_learner
    from loop.testing.teachers import check_teacher
    from loop.testing.trackers import check_tracker

if not __debug__:  # else every law would pass, whatever the part does
    raise RuntimeError("loop.testing needs assertions, and python -O strips them: run without -O and PYTHONOPTIMIZE.")

__all__ = [
    "check_acquisition",
    "check_finder",
    "check_gate",
    "check_generator",
    "check_labeller",
    "check_learner",
    "check_teacher",
    "check_tracker",
]

__getattr__ = lazy(
    __name__,
    (
        "loop.testing.acquisitions:check_acquisition",
        "loop.testing.finders:check_finder",
        "loop.testing.gates:check_gate",
        "loop.testing.generators:check_generator",
        "loop.testing.labellers:check_labeller",
        "loop.testing.learners:check_learner",
        "loop.testing.teachers:check_teacher",
        "loop.testing.trackers:check_tracker",
    ),
)
