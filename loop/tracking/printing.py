"""Progress in lines of text, for notebooks and scripts."""

import time
from collections.abc import Callable

from loop.support.visible import visible
from loop.types import Generation, Table


def generation_note(generation: Generation) -> str:
    """Summarise a generation in one line."""
    decision, score = generation.decision, generation.scores["average_precision"]
    word = "kept" if decision.kept else "rolled back"
    now = f"{score.estimate:.3f} [{score.low:.3f}, {score.high:.3f}]"
    return f"{word} ({decision.reason}), {len(generation.rows):,} new rows, average precision {now}"


def printing(table: Table, most: int) -> Callable[[Generation], None]:
    """Print what begins, and return what prints each generation as it ends.

    Parameters
    ----------
    table : Table
        Training rows.
    most : int
        Generations at most.
    """
    schema, started = table.schema, time.perf_counter()
    caught = int((table.y == schema.positive).sum())
    _say(
        f"{len(table):,} rows, {caught:,} of class {schema.classes[schema.positive]!r}; fitting teacher and generators"
    )

    def say(generation: Generation) -> None:
        seconds = time.perf_counter() - started
        _say(f"generation {generation.index} of {most}, after {seconds:.1f} s: {generation_note(generation)}")

    return say


def _say(line: str) -> None:
    print(visible(line), flush=True)  # notebooks show it at once
