"""How every benchmark splits its tables, in one place, so that one law can hold for all of them."""

from collections.abc import Callable, Mapping
from functools import partial

from experiments import bench, digits, fidelity, honest
from experiments.protocol_splits import fraud_split, suite_split
from experiments.split import Split

SPLITS: Mapping[str, Callable[[], Split]] = {
    "rare_suite": partial(suite_split, "vehicle_fraud", 0),
    "card_fraud": partial(fraud_split, "2018-04-01"),
    "no_signal: noise": partial(honest.split_of, "noise", 0),
    "no_signal: permuted table": partial(honest.split_of, "permuted", 0),
    "no_signal: permuted payments": partial(honest.split_of, "permuted", 1),
    "rare_digits": partial(digits.split_of, 0),
    "fidelity: own split": partial(fidelity.split_of, "adult", 0),
    "fidelity: at random": partial(fidelity.split_of, "shoppers", 0),
    "cost: mammography": bench.mammography,
}
