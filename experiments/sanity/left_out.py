"""Rows that are in neither part of a split, and why."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from experiments.data.sources import Dataset
from loop.types import Table


@dataclass(frozen=True)
class LeftOut:
    """How many rows of a table are in neither part, and how many of them because of their group."""

    rows: int  # of the whole table
    left_out: int
    by_group: int
    group: str | None  # column

    @classmethod
    def of(cls, dataset: Dataset, train: Table, test: Table, grouped: bool) -> Self:
        """Count the rows of a data set in neither part; ``grouped``: groups were kept on one side of a time."""
        out = np.ones(len(dataset.frame), dtype=bool)
        for part in (train, test):
            out[part.row_number] = False
        group = dataset.group if grouped and dataset.time is not None else None
        if group is None or not out.any():
            return cls(len(out), int(out.sum()), 0, None)
        own = dataset.frame[group]
        seen = own.iloc[train.row_number].dropna().unique()
        return cls(len(out), int(out.sum()), int((own.isin(seen).to_numpy() & out).sum()), group)

    @property
    def sentence(self) -> str:
        """Say how many and why; empty if there are none."""
        if not self.left_out:
            return ""
        copies = self.left_out - self.by_group
        why = [f"{self.by_group:,} as their {self.group!r} is in the training part, too"] if self.by_group else []
        why += [f"{copies:,} as copies of training rows"] if copies else []
        return f"{self.left_out:,} of {self.rows:,} rows were left out, {' and '.join(why)}"
