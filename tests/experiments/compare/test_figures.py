"""Pictures of comparisons: what is drawn is what was measured, and no name covers another."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.text import Annotation

from experiments.compare.figures import cliques, critical_difference_diagram, front, pareto

ARMS = ("real only", "real only, tuned", "class weight", "random oversampling", "SMOTE", "untargeted")
LOOPS = ("teacher itself", "loop: targeted", "loop: untargeted")


def names_in(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


@given(st.lists(st.floats(1, 9), min_size=2, max_size=9), st.floats(0.1, 9))
def test_a_bar_joins_two_arms_if_and_only_if_they_are_not_told_apart(ranks: list[float], difference: float) -> None:
    ordered = np.sort(ranks)
    bars = cliques(ordered, difference)
    for one, other in itertools.combinations(range(len(ordered)), 2):
        joined = any(start <= one and other <= end for start, end in bars)
        assert joined == (ordered[other] < ordered[one] + difference)
    assert not any(a[0] <= b[0] and b[1] <= a[1] for a, b in itertools.permutations(bars, 2))


def test_the_diagram_names_every_arm_with_its_rank() -> None:
    ranks = pd.Series(np.arange(1.0, 10) + 0.25, index=[*ARMS, *LOOPS])
    texts = names_in(critical_difference_diagram(ranks, 3.0, "Friedman"))
    assert {f"{arm}  ({rank:.2f})" for arm, rank in ranks.items()} <= set(texts)
    assert "critical difference 3.00" in texts


@given(st.lists(st.tuples(st.floats(0.1, 9), st.floats(-1, 1)), min_size=1, max_size=9))
def test_the_front_holds_what_nothing_beats(points: list[tuple[float, float]]) -> None:
    seconds, gain = np.array(points).T
    best = front(seconds, gain)
    for one in range(len(points)):
        beaten = (
            (seconds <= seconds[one]) & (gain >= gain[one]) & ((seconds < seconds[one]) | (gain > gain[one]))
        ).any()
        twin = any(points[one] == points[other] for other in best)
        assert beaten != twin
    assert (np.diff(gain[best]) > 0).all()


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 1000))
@pytest.mark.parametrize("spread", [0.01, 1.0])
def test_no_name_covers_another(spread: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    arms = [*ARMS, *LOOPS]
    summary = pd.DataFrame({"seconds_fit": np.exp(3 * rng.normal(size=9)), "difference": spread * rng.normal(size=9)})
    figure = pareto(summary.set_axis(arms), "real only")
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts if text.get_text()]
    assert sorted(name for name in names_in(figure) if name) == sorted(arms)
    assert sum(one.overlaps(other) for one, other in itertools.combinations(boxes, 2)) == 0
    assert all(isinstance(text, Annotation) for text in figure.axes[0].texts)
