"""The schedule on paper, and what the benchmark sums up."""

from pathlib import Path

import pytest

from experiments.benchmarks.scaling.scaling import config_of, headline
from experiments.benchmarks.scaling.schedule import makespan, speedups


@pytest.mark.parametrize(
    ("seconds", "workers", "wanted"),
    [([3, 3, 2, 2, 2], 1, 12), ([3, 3, 2, 2, 2], 2, 7), ([5, 1, 1, 1], 2, 5), ([1, 2], 8, 2), ([], 2, 0)],
)
def test_the_longest_goes_first_to_whom_is_free(seconds: list[float], workers: int, wanted: float) -> None:
    assert makespan(seconds, workers) == wanted


def test_what_is_serial_bounds_the_gain() -> None:
    gains = speedups([1.0] * 8, 2.0, (1, 2, 4, 8))
    assert gains == {1: 1.0, 2: pytest.approx(10 / 6), 4: 2.5, 8: pytest.approx(10 / 3)}


def test_the_ratio_is_that_of_medians() -> None:
    def turns(*seconds: float) -> list[dict[str, float]]:
        return [{"start": 1.0, "seconds": each, "serial": 0.5} for each in seconds]

    told = headline(
        {"threads": turns(9, 8, 7), "one worker": turns(10, 30, 11), "two workers": turns(6, 5, 5.5)}, [2.0, 2.0]
    )
    assert (told["two_over_one"], told["two_over_threads"]) == (2.0, 1.45)
    assert told["on_paper"] == {"1": 1.0, "2": 1.8, "4": 1.8, "8": 1.8}


def test_every_seed_has_two_cells(tmp_path: Path) -> None:
    assert len(config_of(tmp_path, 4).runs()) == 8
