"""Whether the power calculation of the report is right: how often the stated number of rows proves a planted gain.

Run as ``python -m experiments.benchmarks.power``. Two models give scores of which one is better by a known gain. One
test part is drawn, the number that would prove the planted gain is stated from it, a new test part with so many rows is
drawn, and it is seen whether it proves the gain. ``as_seen`` does the same with the gain that the first part shows, as
the report must, where it is positive and not proven. The last line is JSON.
"""

import json
from dataclasses import asdict, dataclass
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from joblib import Parallel, delayed

from experiments.arms.scoring import SCORE, proves
from experiments.benchmarks.options import console
from experiments.report.labels_needed import POWER, labels_needed, standard_error
from loop.evaluation.bootstrap import paired
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import score
from loop.seeds import stream
from loop.types import Interval

LARGE, TIMES = 20_000, 12  # rows to catch of the large test parts on which a planted gain is known, and their number


@dataclass(frozen=True)
class Population:
    """Scores of two models: how far apart the classes are for each, and how alike the models err."""

    name: str
    share: float  # of the class to catch
    positives: int  # of the test part at hand
    old: float  # distance of the classes in standard deviations
    new: float
    alike: float  # correlation of the errors of the two models
    group: int = 1  # rows of a group, which share half of their variance


POPULATIONS = (
    Population("common, 40 positives", 0.10, 40, 1.6, 1.85, 0.7),
    Population("rare, 60 positives", 0.02, 60, 2.4, 2.6, 0.7),
    Population("rare, alike, 100 positives", 0.02, 100, 2.4, 2.5, 0.9),
    Population("30 groups of 4", 0.10, 120, 1.6, 1.8, 0.7, group=4),
)


def drawn(
    population: Population, positives: int, rng: np.random.Generator
) -> tuple[JudgeRows, tuple[np.ndarray, np.ndarray]]:
    """Draw a test part: its rows, and the probabilities (n, 2) of both models."""
    size = population.group
    units = np.array([max(1, round(positives / size)), max(1, round(positives / population.share / size))])
    units[1] -= units[0]
    y = np.repeat([1, 0], units * size)
    unit = np.repeat(np.arange(units.sum()), size)
    kept = 0.5 if size > 1 else 0.0  # share of the variance that the rows of a group have in common

    def noise() -> np.ndarray:
        shared, own = rng.standard_normal(units.sum())[unit], rng.standard_normal(len(y))
        both: np.ndarray = np.sqrt(kept) * shared + np.sqrt(1 - kept) * own
        return both

    common = noise()
    chances = []
    for distance in (population.old, population.new):
        values = distance * y + np.sqrt(population.alike) * common + np.sqrt(1 - population.alike) * noise()
        chance = 1 / (1 + np.exp(-values))
        chances.append(np.column_stack([1 - chance, chance]))
    return JudgeRows(y, 1, unit=unit if size > 1 else None), (chances[0], chances[1])


def planted(population: Population) -> float:
    """Return the gain of the better model in average precision, known from very large test parts."""
    gains = []
    for number in range(TIMES):
        tested, (old, new) = drawn(population, LARGE, stream(number, "planted"))
        gains.append(score(SCORE, tested, new) - score(SCORE, tested, old))
    return float(np.mean(gains))


def seen(population: Population, positives: int, rng: np.random.Generator) -> tuple[JudgeRows, Interval]:
    """Draw a test part and compare the two models on it as the report does."""
    tested, (old, new) = drawn(population, positives, rng)
    return tested, paired(SCORE, tested, old, new, rng).difference


def simulated(population: Population, gain: float, seed: int) -> dict[str, object]:
    """State the number from one test part and try it on a new one, for the planted gain and for the one seen."""
    rng = stream(seed, population.name)
    tested, difference = seen(population, population.positives, rng)
    counts = int(tested.is_positive.sum()), len(tested), tested.fewest
    error = standard_error(asdict(difference))
    result: dict[str, object] = {"population": population.name, "gain": gain}
    for name, assumed in (("planted", gain), ("as_seen", difference.estimate)):
        needed = labels_needed(assumed, error, *counts)
        asked = needed is not None and (name == "planted" or not proves(difference, tested))
        result[f"{name}_positives"] = needed.positives if needed and asked else None
        again = seen(population, needed.positives, rng) if needed and asked else None
        result[f"{name}_proven"] = None if again is None else proves(again[1], again[0])
    return result


def main(
    simulations: Annotated[int, typer.Option(min=1, help="Simulations, dealt to the populations in turn.")] = 200,
    jobs: Annotated[int, typer.Option(min=1, help="Simulations side by side.")] = 2,
) -> None:
    """Count how often the stated number of rows proves a gain; print one line of JSON last."""
    gains = [planted(each) for each in POPULATIONS]
    dealt = [(POPULATIONS[i % len(POPULATIONS)], gains[i % len(POPULATIONS)], i) for i in range(simulations)]
    results = pd.DataFrame(Parallel(n_jobs=jobs)(delayed(simulated)(*each) for each in dealt))
    figures = results.set_index("population").astype(float)
    console().print(figures.groupby(level=0).mean().round(3).to_string())
    told: dict[str, object] = {"simulations": simulations, "wanted": POWER}
    for name in ("planted", "as_seen"):
        proven = figures[f"{name}_proven"].dropna()
        told |= {f"{name}_proven": round(float(proven.mean()), 3), f"{name}_simulations": len(proven)}
    print(json.dumps(told))


if __name__ == "__main__":
    typer.run(main)
