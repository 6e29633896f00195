"""Columns of texts."""

from collections.abc import Collection
from dataclasses import replace

from experiments.data.columns import require_column
from experiments.data.sources import Dataset
from loop.catalogue import ENCODERS
from loop.errors import DataError


def with_texts(dataset: Dataset, columns: Collection[str]) -> Dataset:
    """Return a data set with columns of texts that an encoder makes columns of.

    Raises
    ------
    DataError
        If there is no such column, or it has another role.
    """
    for name in columns:
        require_column(dataset.frame, dataset.name, "column of texts", name)
        if name in dataset.roles:
            raise DataError(f"A column of texts must be a feature, and {name!r} has another role: leave it out.")
    return replace(dataset, encoders={**dataset.encoders, **{name: ENCODERS.make("words") for name in columns}})
