"""Work that is done again leaves no handles, threads or files behind, and growth is seen where there is some."""

import os
import tempfile
from collections.abc import Iterator

import pandas as pd
import pytest

from experiments.benchmarks.cost.soak import growth, turns, watched


def test_generations_leave_nothing_open() -> None:
    seen = watched(turns, 5)
    assert len(seen) == 5
    assert (seen.loc[2:, ["handles", "threads", "temporary_files"]].nunique() == 1).all()


def test_growth_is_seen() -> None:
    left: list[int] = []

    def leaking(number: int) -> Iterator[None]:
        for _ in range(number):
            left.append(tempfile.mkstemp()[0])
            yield

    grown = growth(watched(leaking, 10))
    for each in left:
        os.close(each)
    assert grown["handles"] == pytest.approx(6, abs=1)
    assert grown["temporary_files"] == pytest.approx(6, abs=1)
    assert growth(pd.DataFrame({"mb": [900.0, 500.0, 500.0, 501.0, 500.0, 500.0]}))["mb"] == 0
