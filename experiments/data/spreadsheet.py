"""Cells of a CSV that a spreadsheet would run as formulas, and the apostrophe that makes them text.

Excel and LibreOffice run a cell that begins with = + - or @, also where it came from a file, and Excel in some
languages one that begins with their wide forms; leading tabs and line breaks are skipped. An apostrophe before such a
cell makes it text. Text that begins with an apostrophe gets another one, so taking one away gives every text back.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from pandas.api.types import is_bool_dtype, is_datetime64_any_dtype, is_numeric_dtype

OPTION = "--spreadsheet-safe"
FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")
MARK = "'"
_NUMBER = re.compile(r"[+-]?(?:\d[\d_]*(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?")


def runs(value: object) -> bool:
    """Tell whether a spreadsheet would run a cell as a formula; a number is none, whether text or not."""
    return isinstance(value, str) and value.startswith(FORMULA) and not _NUMBER.fullmatch(value)


def guarded(value: object) -> object:
    """Put an apostrophe before text that a spreadsheet would run as a formula; numbers come back as they are."""
    if isinstance(value, (int, float)):
        return value
    text = str(value)
    return f"{MARK}{text}" if runs(text) or text.startswith(MARK) else text


def unguarded(text: str) -> str:
    """Undo `guarded`."""
    return text.removeprefix(MARK)


@dataclass
class Cells:
    """Counts the cells of frames that a spreadsheet would run; if ``safe``, they get an apostrophe.

    The names of the columns count, once.
    """

    safe: bool
    found: int = 0
    begun: bool = False

    def of(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return a frame as it is to be written, the first one or a later one of the same columns."""
        names = [str(name) for name in frame.columns]
        self.found += 0 if self.begun else sum(map(self._changes, names))
        self.begun = True
        texts = [place for place in range(frame.shape[1]) if _may_be_text(frame.iloc[:, place])]
        made = {place: self._column(frame.iloc[:, place]) for place in texts}
        if not self.safe:
            return frame
        columns = [made.get(place, frame.iloc[:, place]) for place in range(frame.shape[1])]
        whole = pd.concat(columns, axis=1) if columns else frame.copy()
        whole.columns = pd.Index([guarded(name) for name in names])
        return whole

    def told(self) -> str | None:
        """Say how many cells there were, and what was done about them; None if there was none."""
        if not self.found:
            return None
        cells = "1 cell begins" if self.found == 1 else f"{self.found:,} cells begin"
        if self.safe:
            return f"{cells} as formulas do, and got an apostrophe before it: a spreadsheet shows them as text."
        return f"{cells} as formulas do, which a spreadsheet would run: {OPTION} makes them text."

    @property
    def _changes(self) -> Callable[[object], bool]:
        return (lambda value: guarded(value) != value) if self.safe else runs

    def _column(self, values: pd.Series) -> pd.Series:
        values = values.astype(object)
        texts = values[values.map(lambda value: isinstance(value, str))]
        self.found += int(texts.map(self._changes).sum())
        return values.where(~values.index.isin(texts.index), texts.map(guarded)) if self.safe and len(texts) else values


def _may_be_text(values: pd.Series) -> bool:
    return not (is_numeric_dtype(values) or is_bool_dtype(values) or is_datetime64_any_dtype(values))
