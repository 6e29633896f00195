"""Refuse rows that equal a real row of another class in all columns that their supply states."""

from dataclasses import dataclass

import numpy as np

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
        classes: dict[bytes, set[int]] = {}  # of the real rows that hold these values
        for key, label in zip(_keys(reference, told), reference.y.tolist(), strict=True):
            classes.setdefault(key, set()).add(label)
        possible = [set(np.flatnonzero(target)) for target in candidates.targets]  # several if labels are soft
        mine = zip(_keys(candidates, told), possible, strict=True)
        refused = [bool(classes.get(key, set()) - labels) for key, labels in mine]
        return Verdict.refuse(np.array(refused, dtype=bool), REASON)


def _keys(table: Table, columns: list[int]) -> list[bytes]:
    """Return the bytes of each row's values, with one kind of zero and one of missing."""
    X = table.X[:, columns] + 0.0  # no negative zero
    return [row.tobytes() for row in np.where(np.isnan(X), np.nan, X)]
