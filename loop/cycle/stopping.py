"""When to stop before the last generation."""

from collections.abc import Sequence

from loop.evaluation.drift import collapse
from loop.types import Generation


def reason_to_stop(history: Sequence[Generation], *, generations: int, patience: int) -> str | None:
    """Name the reason to stop after ``history``, or None to go on.

    Parameters
    ----------
    history : sequence of Generation
        All generations so far.
    generations : int
        Most generations of a run.
    patience : int
        Number of generations rolled back in a row after which the run stops.
    """
    if len(history) >= generations:
        return "all generations done"
    if history and history[-1].counts["kept"] == 0:
        return "no row passed the gates"
    rolled_back = [not generation.decision.kept for generation in history[-patience:]]
    if len(rolled_back) == patience and all(rolled_back):
        return f"{patience} generations in a row were rolled back"
    if collapse([generation.drift for generation in history]):
        return "coverage of real rows shrank two generations in a row"
    return None
