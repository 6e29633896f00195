"""Digests of a run's inputs tell runs on other rows apart, arrays beside the columns included."""

from dataclasses import replace

import numpy as np
import pandas as pd

from experiments.storage.run_folder import fingerprint, whole_fingerprint
from loop.rows import Rows
from loop.testing.tables import mixed_table


def test_arrays_beside_the_columns_count() -> None:
    table, folds, aside = mixed_table(30), np.zeros(30, dtype=np.int64), pd.DataFrame(index=range(30))
    image = np.arange(120.0).reshape(30, 4)
    kinds = ({}, {"image": image}, {"image": image[::-1]}, {"picture": image}, {"image": image.reshape(30, 2, 2)})
    tables = [replace(table, rows=Rows(table.X, arrays)) for arrays in kinds]
    assert len({fingerprint(each, folds) for each in tables}) == len(kinds)
    assert len({whole_fingerprint(each, table, folds, aside) for each in tables}) == len(kinds)
    assert len({whole_fingerprint(table, each, folds, aside) for each in tables}) == len(kinds)
