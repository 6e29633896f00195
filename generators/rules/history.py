"""Columns computed from the earlier rows of the same entity."""

from __future__ import annotations

import numpy as np

from generators.rules.book import Book
from generators.rules.draws import Columns, parameter
from generators.rules.sources import Source
from loop.errors import ConfigError


def history(source: Source, where: str, columns: Columns, book: Book) -> np.ndarray:
    """Compute a history column (n,) from the earlier rows of each row's entity; NaN where there are none.

    Parameters
    ----------
    source : Source
        Of a kind in `HISTORY`.
    where : str
        The column, named in errors.
    columns : mapping of str to np.ndarray
        Columns drawn so far, each (n,), entity and elapsed seconds included.
    book : Book
        Names the column of the entity.

    Raises
    ------
    ConfigError
        If the mean is of text, a window is negative, or the book has no entities.
    """
    if book.events is None:  # `read_book` refuses such a book
        raise ConfigError(f"{where} must follow entities over time: add a section events.")
    entity, elapsed = columns[book.events.entity], columns["elapsed"]
    order = np.lexsort((elapsed, entity))
    whose, when = entity[order], elapsed[order]
    place = np.arange(len(order))
    before = place - np.searchsorted(whose, whose)  # earlier rows of the entity
    if source.kind == "seconds_since_last":
        told = np.where(before > 0, when - np.roll(when, 1), np.nan)
    elif source.kind == "count_before":
        window = parameter(where, source.numbers["seconds"], columns)[order]
        if (window < 0).any():
            raise ConfigError(f"{where}: seconds must be 0 or more, got {window.min():g}: correct its expression.")
        line = whose * (when.max(initial=0.0) + 1.0) + when  # one time line, entity after entity
        told = np.minimum(place - np.searchsorted(line, line - window), before).astype(float)
    else:
        told = _mean_before(where, source.of, columns[source.of], order, before)
    back = np.empty(len(order))
    back[order] = told
    return back


def _mean_before(where: str, of: str, values: np.ndarray, order: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Return the mean of present values in the earlier rows, (n,) in the given order."""
    if values.dtype == object:
        raise ConfigError(f"{where!r}: mean_before must be of a column of numbers, {of!r} is text: choose another one.")
    x, place = values[order].astype(float), np.arange(len(order))
    present = ~np.isnan(x)
    total, count = (np.append(0.0, np.cumsum(each)) for each in (np.where(present, x, 0.0), present))
    seen = count[place] - count[place - before]
    mean: np.ndarray = np.where(seen > 0, (total[place] - total[place - before]) / np.maximum(seen, 1), np.nan)
    return mean
