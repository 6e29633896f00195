"""Printing on a terminal: what came with the data is shown as `loop.support.visible` writes it, and is never obeyed."""

import sys
from collections.abc import Iterable
from io import TextIOWrapper

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape
from rich.segment import Segment
from rich.table import Table

from loop.support.visible import visible

WIDTH = 150  # columns of tables that go to a file
WRAPPED = ("decision", "weak region", "operating point", "difference")  # columns that are wrapped on a narrow terminal


class VisibleConsole(Console):
    """A console that prints no character of a text that is not seen, whoever made that text.

    Marks of style are rich's own, such as ``[bold]``; text from data goes through `shown` before it stands among them.
    """

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render as `rich.console.Console` does, and write out what is not seen."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(visible(segment.text, lines=True), segment.style)


def terminal(width: int = WIDTH, *, silent: bool = False, errors: bool = False) -> VisibleConsole:
    """Return a console, as wide as the terminal; characters that it cannot encode become "?".

    Parameters
    ----------
    width : int
        Columns of tables that go to a file.
    silent : bool
        Whether it prints nothing.
    errors : bool
        Whether it prints where errors are printed.
    """
    stream = sys.stderr if errors else sys.stdout
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="replace")
    wide = None if stream.isatty() else width
    return VisibleConsole(width=wide, quiet=silent, stderr=errors, emoji=False, highlight=False)


def shown(text: object) -> str:
    """Return text to stand among marks of style: none of its characters acts as one, or is not seen."""
    return escape(visible(str(text)))


def say(console: Console, told: object, style: str | None = None) -> None:
    """Print a sentence on a line of its own, however long."""
    console.print(visible(str(told)), style=style, highlight=False, markup=False, emoji=False, soft_wrap=True)


def say_marked(console: Console, told: str) -> None:
    """Print a line with marks of style; what came with the data has gone through `shown`."""
    console.print(told, highlight=False, emoji=False, soft_wrap=True)


def empty_table(title: str, columns: Iterable[str], left: Iterable[str]) -> Table:
    """Return a table without rows; columns but those on the ``left`` are of figures."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, caption_justify="left", pad_edge=False)
    for column in columns:
        table.add_column(column, justify="left" if column in left else "right", no_wrap=column not in WRAPPED)
    return table
