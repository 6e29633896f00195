"""The splits of every benchmark in one place, so that one test covers all of them."""

from collections.abc import Callable, Mapping
from functools import partial

from experiments.benchmarks import no_signal, rare_digits
from experiments.benchmarks.cost import cost
from experiments.benchmarks.fidelity import fidelity
from experiments.benchmarks.labels import stream
from experiments.benchmarks.unseen import simulated, subgroups, weeks
from experiments.data.protocols import fraud_split, suite_split
from experiments.data.split import Split

SPLITS: Mapping[str, Callable[[], Split]] = {
    "rare_suite": partial(suite_split, "vehicle_fraud", 0),
    "card_fraud": partial(fraud_split, "2018-04-01"),
    "no_signal: noise": partial(no_signal.split_of, "noise", 0),
    "no_signal: permuted table": partial(no_signal.split_of, "permuted", 0),
    "no_signal: permuted payments": partial(no_signal.split_of, "permuted", 1),
    "rare_digits": partial(rare_digits.split_of, 0),
    "fidelity: own split": partial(fidelity.split_of, "adult", 0),
    "fidelity: at random": partial(fidelity.split_of, "shoppers", 0),
    "cost: mammography": cost.mammography,
    "labels: a stream": lambda: stream.split_of(stream.payments("2018-04-01", 7)),
    "unseen: a scenario hidden": partial(weeks.split_of, "2018-04-01", 2),
    "unseen: risk without it": partial(weeks.split_of, "2018-04-01", 2, weeks.CLEAN_RISK),
    "unseen: a subgroup of adult hidden": partial(subgroups.split_of, "adult", 0),
    "unseen: a subgroup of shoppers hidden": partial(subgroups.split_of, "shoppers", 0),
    "unseen: a scenario that begins late": partial(simulated.split_of, 0),
}
