"""Progress on the terminal: a bar while a stage runs and a line when it is done; in a file only the lines."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from experiments.report.console import say_marked, shown, terminal
from loop.support.progress import listening
from loop.tracking.printing import generation_note
from loop.types import Generation


class Stages:
    """Show the stages of a run, of which there are about ``total``.

    If the console is no terminal, only finished lines are written, so that logs stay readable.

    Attributes
    ----------
    seconds : float
        Spent in all finished stages; time between stages does not count.
    """

    def __init__(self, console: Console, total: int) -> None:
        self._console, self._bar = console, _bar(console)
        self._task = self._bar.add_task("", total=total)
        self._stage, self._started, self.seconds = "", time.perf_counter(), 0.0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def begin(self, stage: str) -> None:
        """Begin a stage and show its name."""
        self._stage, self._started = stage, time.perf_counter()
        self._bar.update(self._task, description=stage)

    def end(self, note: str = "") -> float:
        """Write the line of the stage that has ended; return its seconds."""
        seconds = time.perf_counter() - self._started
        self.seconds += seconds
        line = f"{shown(self._stage):<24} [dim]{seconds:6.1f} s[/dim]  {shown(note)}".rstrip()
        say_marked(self._console, line)
        self._bar.advance(self._task)
        return seconds


@contextmanager
def watching(console: Console, generations: int) -> Iterator[Callable[[Generation], None]]:
    """Show the progress of a loop of at most so many generations; yields the function to call after each."""
    with Stages(console, total=generations) as stages:
        stages.begin("up to generation 1")

        def watch(generation: Generation) -> None:
            stages.end(generation_note(generation))
            stages.begin(f"generation {generation.index + 1}")

        yield watch


@contextmanager
def steps_shown(work: str) -> Iterator[None]:
    """Show a progress bar for parts that report their steps; it disappears at the end."""
    with _bar(terminal(errors=True)) as bar:
        task = bar.add_task(work, total=None)
        with listening(lambda done, total: bar.update(task, completed=done, total=total)):
            yield


def _bar(console: Console) -> Progress:
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
