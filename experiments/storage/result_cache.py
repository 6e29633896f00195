"""Cells of an experiment: each is computed once, kept in a file, and read from there by the next run."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

from joblib import Parallel, delayed, parallel_config
from rich.console import Console
from rich.progress import Progress

from experiments.data.sources import stamp_of
from experiments.scale.workers import Workers
from loop.errors import WeakspotError
from loop.support import atomic
from loop.support.own_files import own_text
from loop.support.parallel.side_by_side import place_of_work
from loop.support.plain_json import parse

Key = TypeVar("Key")
Records = list[dict[str, Any]]  # of one cell, as JSON holds them


def accept(*_: object) -> None:
    """Check nothing."""


def digest(settings: object) -> str:
    """Return a digest of twelve hexadecimal digits of settings that JSON can hold."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]


def digest_of(work: object, source: str) -> str:
    """Return a short digest of the ``repr`` of work, the file of the source, and the version of this package.

    The number of jobs is left out of it.
    """
    return digest([re.sub(r"\bjobs=\d+", "", repr(work)), stamp_of(source), version("weakspot")])


def each_cell(
    keys: Sequence[Key],
    work: Callable[[Key], Records],
    path_of: Callable[[Key], Path],
    *,
    jobs: int,
    console: Console,
) -> Iterator[Records]:
    """Yield the rows of each cell as `found_or_worked` does, with a progress bar."""
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("cells", total=len(keys))
        for rows in found_or_worked(keys, work, path_of, jobs=jobs):
            progress.advance(task)
            yield rows


def found_or_worked(
    keys: Sequence[Key],
    work: Callable[[Key], Records],
    path_of: Callable[[Key], Path],
    *,
    jobs: int,
    check: Callable[[Records, Key], object] = accept,
) -> Iterator[Records]:
    """Yield the rows of each cell in order, from its file if it was finished before.

    Each cell writes its own file as soon as it is done, so a killed run loses only unfinished cells.

    Parameters
    ----------
    keys : sequence
        One key for each cell.
    work : callable
        Computes the rows of a cell; with several jobs it runs in other processes, with one thread each.
    path_of : callable
        Returns the file of a cell; its name must depend on everything that the rows depend on.
    jobs : int
        Cells side by side.
    check : callable
        Raises a DataError for rows of a file that the cell cannot have made: then it is worked again.

    Raises
    ------
    WeakspotError
        If a worker was killed.
    """

    if isinstance(place := place_of_work(), Workers):
        yield from _on_workers(place, keys, work, path_of, check)
        return

    def found_or_made(key: Key) -> Records:
        path = path_of(key)
        rows = _found_for(key, path, check)
        if rows is None:
            rows = work(key)
            atomic.write_text(path, json.dumps(rows))
        return rows

    if jobs == 1:
        yield from map(found_or_made, keys)
        return
    with parallel_config(backend="loky", inner_max_num_threads=1):
        parallel = Parallel(n_jobs=jobs, return_as="generator")
    try:
        yield from parallel(delayed(found_or_made)(key) for key in keys)
    except BrokenExecutor as error:
        raise WeakspotError(
            "workers must run to the end, and one was killed, perhaps for lack of memory: start fewer with --jobs; "
            "run the same command to go on."
        ) from error


def _on_workers(
    workers: Workers,
    keys: Sequence[Key],
    work: Callable[[Key], Records],
    path_of: Callable[[Key], Path],
    check: Callable[[Records, Key], object],
) -> Iterator[Records]:
    """Yield the rows of each cell in order; this process writes the files, as workers may have other disks."""
    paths = [path_of(key) for key in keys]
    rows = [_found_for(key, path, check) for key, path in zip(keys, paths, strict=True)]
    missing = [number for number, of_cell in enumerate(rows) if of_cell is None]
    ends = workers.as_they_end(work, [keys[number] for number in missing])
    for number in range(len(paths)):
        while (of_cell := rows[number]) is None:
            at, made = next(ends)
            atomic.write_text(paths[missing[at]], json.dumps(made))
            rows[missing[at]] = made
        yield of_cell


def found(path: Path, check: Callable[[Records], object] = accept) -> Records | None:
    """Return the rows of a finished cell; None if its file is missing, unreadable, or refused by a check."""
    try:
        rows = parse(own_text(path))
        if not (isinstance(rows, list) and rows and all(isinstance(row, dict) and row for row in rows)):
            return None
        check(rows)
    except (FileNotFoundError, ValueError):  # a DataError of the check is one, too
        return None
    return rows


def _found_for(key: Key, path: Path, check: Callable[[Records, Key], object]) -> Records | None:
    return found(path, lambda rows: check(rows, key))
