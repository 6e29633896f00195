"""Refuse rows that equal a real row of another class in all columns that their supply states."""

from dataclasses import dataclass

import numpy as np

from loop.data.split import duplicate_groups
from loop.errors import ConfigError
from loop.types import Table, Verdict

REASON = "equals real rows of another class"


@dataclass(frozen=True)
class Contradicted:
    """Refuses a stated row that a real row of another class equals: the statement describes that class, too.

    Of a row with soft labels, every class with a probability above zero is its own.

    Parameters
    ----------
    columns : tuple of str
        The columns that are stated; empty = all. Those that the schema leaves aside, such as a time, are not compared.
    """

    columns: tuple[str, ...] = ()

    def judge(self, candidates: Table, reference: Table, rng: np.random.Generator) -> Verdict:
        """Refuse candidates whose stated columns are those of a row of ``reference`` of another class.

        Raises
        ------
        ConfigError
            If a column is neither in the table nor left aside.
        """
        names, aside = reference.schema.names, {name for name, _ in reference.schema.excluded}
        if unknown := [name for name in self.columns if name not in names and name not in aside]:
            raise ConfigError(f"columns of a gate must be in the table, got {unknown[0]!r}: correct it.")
        told = [number for number, name in enumerate(names) if name in self.columns or not self.columns]
        rows = duplicate_groups(np.concatenate([reference.X, candidates.X])[:, told])
        real, made = np.split(rows, [len(reference)])
        held = np.zeros((rows.max(initial=-1) + 1, reference.n_classes), dtype=bool)  # by which classes of real rows
        held[real, reference.y] = True
        return Verdict.refuse((held[made] & (candidates.targets == 0)).any(axis=1), REASON)
