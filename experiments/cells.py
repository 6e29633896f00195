"""Cells of an experiment: each is worked once, kept in a file, and found again by the next run."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from joblib import Parallel, delayed
from rich.console import Console
from rich.progress import Progress

Key = TypeVar("Key")
Rows = list[dict[str, Any]]  # of one cell, as JSON holds them


def digest(settings: object) -> str:
    """Return twelve hexadecimal digits that stand for settings which JSON can hold."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]


def each_cell(
    keys: Sequence[Key],
    work: Callable[[Key], Rows],
    path_of: Callable[[Key], Path],
    *,
    jobs: int,
    console: Console,
) -> Iterator[Rows]:
    """Yield the rows of each cell in order, from its file if it was finished before.

    Parameters
    ----------
    work
        Makes the rows of a cell; with several jobs it runs in other processes.
    path_of
        Names the file of a cell: different for whatever makes a difference to its rows.
    """

    def found_or_made(key: Key) -> Rows:
        path = path_of(key)
        if path.exists():
            found: Rows = json.loads(path.read_text(encoding="utf-8"))
            return found
        rows = work(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(rows), encoding="utf-8")
        partial.replace(path)
        return rows

    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("cells", total=len(keys))
        for rows in Parallel(n_jobs=jobs, return_as="generator")(delayed(found_or_made)(key) for key in keys):
            progress.advance(task)
            yield rows
