"""The stated number of rows proves a planted gain about as often as it says, and a quarter of it does not."""

from dataclasses import asdict

import numpy as np

from experiments.arms.scoring import proves
from experiments.benchmarks.power import POPULATIONS, planted, seen
from experiments.report.labels_needed import labels_needed, standard_error
from loop.seeds import stream

SIMULATIONS = 40


def test_the_stated_number_proves_a_planted_gain_and_a_quarter_of_it_does_not() -> None:
    population = POPULATIONS[0]
    gain, rng = planted(population), stream(0, "power")
    proven = np.zeros(2)
    for _ in range(SIMULATIONS):
        tested, difference = seen(population, population.positives, rng)
        needed = labels_needed(gain, standard_error(asdict(difference)), 40, len(tested), tested.fewest)
        assert needed is not None
        for place, positives in enumerate((needed.positives, needed.positives // 4)):
            again, now = seen(population, positives, rng)
            proven[place] += proves(now, again)
    assert 0.6 <= proven[0] / SIMULATIONS <= 0.95
    assert proven[1] / SIMULATIONS <= 0.5
