"""Each reason to stop, when it holds and when it does not."""

from dataclasses import replace

import pytest

from loop.cycle.stopping import reason_to_stop
from loop.testing.trackers import generation
from loop.types import Generation


def turn(index: int, kept: bool = True, coverage: float = 0.9) -> Generation:
    made = generation(index, kept=kept, n=2)
    return replace(made, drift={"drift/coverage": coverage, "drift/rare_category_coverage": 1.0})


def reason(history: list[Generation], generations: int = 9, patience: int = 2) -> str | None:
    return reason_to_stop(history, generations=generations, patience=patience)


def test_a_loop_that_has_not_begun_goes_on() -> None:
    assert reason([]) is None


def test_stops_after_the_last_generation() -> None:
    assert reason([turn(1)], generations=2) is None
    assert reason([turn(1), turn(2)], generations=2) == "all generations done"


def test_stops_when_no_row_passed_the_gates() -> None:
    empty = turn(1)
    empty.counts["kept"] = 0
    assert reason([empty]) == "no row passed the gates"
    assert reason([empty, turn(2)]) is None


@pytest.mark.parametrize("patience", [1, 2, 3])
def test_stops_when_patience_is_over(patience: int) -> None:
    lost = [turn(1), *(turn(2 + number, kept=False) for number in range(patience))]
    assert reason(lost[:-1], patience=patience) is None
    assert reason(lost, patience=patience) == f"{patience} generations in a row were rolled back"
    assert reason([*lost, turn(9)], patience=patience) is None


def test_rolled_back_generations_apart_from_each_other_do_not_count() -> None:
    assert reason([turn(1, kept=False), turn(2), turn(3, kept=False)]) is None


def test_stops_when_coverage_shrinks_twice() -> None:
    shrinking = [turn(index, coverage=1 - 0.1 * index) for index in range(1, 4)]
    assert reason(shrinking[:2]) is None
    assert reason(shrinking) == "coverage of real rows shrank two generations in a row"
    assert reason([*shrinking, turn(4)]) is None
