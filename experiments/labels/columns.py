"""The columns of a queue of questions: the reserved ones first, then those of the row; and the kinds of questions."""

from collections.abc import Iterable, Sequence
from reprlib import Repr

import numpy as np
import pandas as pd

from loop.errors import DataError

RESERVED = ("question", "kind", "reason", "region", "score", "inclusion", "given", "label")
ASK, AUDIT, CHECK = "ask", "audit", "check"  # a row that a model chose; one drawn at random; a given label in doubt
KINDS = (ASK, AUDIT, CHECK)
PREFIX = {ASK: "p", AUDIT: "a", CHECK: "t"}  # first letter of the id of a question
TO_JUDGE = "drawn at random, to judge the model by"  # why a row of the audit is asked about
_short = Repr()
_short.maxlevel, _short.maxother = 2, 40


def key(question: str) -> str:
    """Return what names the row of a question: of the pool its values, of the table its number."""
    return question if question.startswith(PREFIX[CHECK]) else question[1:]


def row_number(question: str) -> int:
    """Return the row number of a question of the kind check."""
    return int(question[1:])


def reserved_names(taken: Iterable[str]) -> dict[str, str]:
    """Name the reserved columns beside those of a user: underscores go before a name until nobody else has it.

    Parameters
    ----------
    taken : iterable of str
        The user's own columns.

    Returns
    -------
    dict of str to str
        Reserved name to the name of its column.

    Examples
    --------
    >>> reserved_names(["amount", "label", "_label"])["label"]
    '__label'
    """
    used = set(taken)
    names = {}
    for name in RESERVED:
        column = name
        while column in used:
            column = f"_{column}"
        names[name] = column
        used.add(column)
    return names


def queue_of(questions: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Put the reserved columns before those of the rows.

    Parameters
    ----------
    questions : DataFrame, (n, 8)
        The columns of `RESERVED`; a missing ``label`` is empty.
    rows : DataFrame, (n, d)
        The rows they ask about, in the same order.

    Raises
    ------
    DataError
        If the two differ in length, or the questions are none that `check_queue` accepts.
    """
    if len(questions) != len(rows):
        raise DataError(f"Each question must have its row, got {len(questions):,} questions and {len(rows):,} rows.")
    rows = rows.reset_index(drop=True).set_axis([str(name) for name in rows.columns], axis=1)
    asked = questions.reset_index(drop=True).reindex(columns=list(RESERVED), fill_value="")
    if missing := [name for name in RESERVED[:-1] if name not in questions.columns]:
        raise DataError(f"Questions must have the columns {', '.join(RESERVED)}, and {missing[0]} is missing: add it.")
    queue = pd.concat([asked.rename(columns=reserved_names(rows.columns)), rows], axis=1)
    check_queue(queue)
    return queue


def positions(header: Sequence[str], wanted: Iterable[str] = RESERVED) -> dict[str, int]:
    """Find the reserved columns in a header.

    A column that alone has a reserved name, underscores before it or not, is that column. Where the user has columns of
    the same name, the reserved one is known by its place: it stands where `queue_of` put it.

    Returns
    -------
    dict of str to int
        Reserved name to its position; a name that is not there is left out.

    Raises
    ------
    DataError
        If a reserved column cannot be told from the user's, as columns were moved.
    """
    found = {}
    for name in wanted:
        alike = [place for place, column in enumerate(header) if column.lstrip("_") == name]
        if len(alike) == 1:
            found[name] = alike[0]
        elif alike:
            if RESERVED.index(name) not in alike:
                raise DataError(
                    f"Columns must stand where they were written as several are called {name!r}, and column"
                    f" {RESERVED.index(name) + 1} is another: move the columns back."
                )
            found[name] = RESERVED.index(name)
    return found


def check_queue(queue: pd.DataFrame) -> dict[str, int]:
    """Check that a frame is a queue, and return its reserved names, each with the position of its column.

    Raises
    ------
    DataError
        If a reserved column is missing, there is no question, one is empty or asked twice, or a kind is unknown.
    """
    places = positions([str(name) for name in queue.columns])
    if missing := [name for name in RESERVED if name not in places]:
        raise DataError(f"A queue must have the columns {', '.join(RESERVED)}, and {missing[0]} is missing: add it.")
    if queue.empty:
        raise DataError("A queue must hold at least one question, got none: ask for more rows.")
    questions = queue.iloc[:, places["question"]]
    if not questions.map(lambda value: isinstance(value, str) and value != "").all():
        raise DataError("A question must have an id of text such as 'p000123', and one has none: name each question.")
    if questions.duplicated().any():
        twice = shortened(questions[questions.duplicated()].iloc[0])
        raise DataError(f"A question must be asked once, and {twice} is there more than once: drop the others.")
    kinds = queue.iloc[:, places["kind"]]
    if not kinds.isin(KINDS).all():
        odd = shortened(kinds[~kinds.isin(KINDS)].iloc[0])
        raise DataError(f"A question must be of the kind {', '.join(KINDS)}, got {odd}: correct it.")
    return places


def shortened(value: object, most: int = 40) -> str:
    """Quote a value for a message, cut where it is long."""
    if not isinstance(value, str):
        return _short.repr(value)[:80]
    return repr(value) if len(value) <= most else f"{value[:most]!r}..."


def values_of(column: pd.Series) -> pd.Series:
    """Return a column as Python objects, missing values as ""; short floats keep the digits they are shown with."""
    values = column.astype(object)
    if column.dtype in (np.float16, np.float32):
        values = pd.Series([float(str(value)) for value in column.to_numpy()], column.index, dtype=object)
    return values.where(column.notna(), "")
