"""Whose turn it is, and when to stop before the last generation."""

from collections.abc import Sequence

from loop.cycle.parts import Parts
from loop.evaluation.drift import collapse
from loop.supplies.supply import Supply
from loop.types import Generation


def next_supply(parts: Parts, history: Sequence[Generation]) -> Supply | None:
    """Return the supply whose turn it is, the first of those with the fewest generations; None if all have ended."""
    settings = parts.settings
    turns = [(supply, [each for each in history if each.supply == supply.name]) for supply in parts.supplies]
    going = [
        (supply, own)
        for supply, own in turns
        if reason_to_stop(own, generations=settings.generations, patience=settings.patience) is None
    ]
    return min(going, key=lambda turn: len(turn[1]))[0] if going else None


def reason_to_stop(history: Sequence[Generation], *, generations: int, patience: int) -> str | None:
    """Name the reason to stop a supply after its ``history``, or None to go on.

    Parameters
    ----------
    history : sequence of Generation
        All generations of the supply so far.
    generations : int
        Most generations of a supply.
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
