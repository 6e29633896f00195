"""Real rows of a stated pattern, named in a column of the data: those among the test rows say what is caught of it.

The column is no feature, and no decision of a run reads it.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np

from experiments.arms.names import REAL_ONLY
from experiments.config.run_config import RunConfig
from experiments.config.supplies import StatedConfig
from experiments.run.inputs import RunInputs
from experiments.run.result import Result
from loop.cycle.held_back import above_others
from loop.errors import DataError
from loop.evaluation.proportion import proportion
from loop.support.plain_json import Record, plain
from loop.types import Table


@dataclass(frozen=True, eq=False)
class Named:
    """The real rows of a stated pattern, all of one class, the commonest among those that carry its name."""

    supply: str
    label: int
    train: int  # so many of them are training rows
    test: np.ndarray  # (m,) positions in the test rows
    others: int  # rows of the name that are of another class: they are left out

    @property
    def sentence(self) -> str:
        """How many there are, in words."""
        left_out = f"; {self.others:,} of other classes are left out" if self.others else ""
        return f"{self.supply}: {self.train:,} real rows in training, {len(self.test):,} in the test part{left_out}"


def named_rows(config: RunConfig, inputs: RunInputs) -> tuple[Named, ...]:
    """Find the real rows of each stated supply; none if no column names them, or none has its name.

    Raises
    ------
    DataError
        If the configuration gives a name that no row carries.
    """
    column = inputs.dataset.scenario
    stated = () if column is None else (entry for entry in config.supplies if isinstance(entry, StatedConfig))
    return tuple(each for entry in stated for each in _of_entry(entry, str(column), inputs))


def caught_of(named: tuple[Named, ...], inputs: RunInputs, result: Result) -> list[Record]:
    """Measure what is caught of them in the test part, by the learner on real rows alone and the delivered model.

    Caught are rows that score above 99 % of the judge rows of other classes, as among the rows held back.
    """
    judged = inputs.train.y[result.looped.outcome.judged]
    proba = [result.proba[name] for name in (REAL_ONLY, result.delivery.name)]
    found = []
    for each in named:
        if len(each.test):
            shares = {}
            for when, known, tested in zip(("before", "after"), result.judged, proba, strict=True):
                hits = above_others(known, judged, tested[each.test], each.label)
                shares[when] = asdict(proportion(int(hits.sum()), len(hits)))
            found.append(plain({"supply": each.supply, "rows": len(each.test), **shares}))
    return found


def _of_entry(entry: StatedConfig, column: str, inputs: RunInputs) -> Iterator[Named]:
    for supply, value in entry.named().items():
        train, test = (_carry(inputs, part, column, value) for part in (inputs.train, inputs.test))
        classes = np.concatenate([inputs.train.y[train], inputs.test.y[test]])
        if len(classes):
            label = int(np.bincount(classes).argmax())
            own = np.flatnonzero(test & (inputs.test.y == label))
            yield Named(supply, label, int((inputs.train.y[train] == label).sum()), own, int((classes != label).sum()))
        elif entry.real_rows is not None:
            raise DataError(
                f"real_rows must be a value of the column {column!r}, and no row has {value!r}: correct it, or leave "
                "it out until there are some."
            )


def _carry(inputs: RunInputs, rows: Table, column: str, value: object) -> np.ndarray:
    """Tell which rows (n,) carry a name."""
    values = inputs.dataset.frame[column].iloc[rows.row_number]
    carry: np.ndarray = ((values == value) | (values.astype("str") == str(value))).fillna(False).to_numpy(dtype=bool)
    return carry
