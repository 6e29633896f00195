"""Laws that every gate must obey. Each takes a maker of gates and asserts."""

from collections.abc import Callable
from dataclasses import fields, replace

import numpy as np

from loop.protocols import Gate
from loop.rows import Rows
from loop.testing.held import entered, hold, leaves_the_global_random_state
from loop.testing.tables import mixed_table
from loop.types import Table, Verdict

Make = Callable[[], Gate]
LAWS: list[Callable[[Make], None]] = []
law = entered(LAWS)


@law
def counts_add_up(make: Make) -> None:
    candidates = mixed_candidates()
    verdict = _judge(make, candidates)
    assert verdict.keep.dtype == bool
    assert verdict.keep.shape == verdict.reason.shape == (len(candidates),)
    assert ((verdict.reason == "") == verdict.keep).all(), "a row has a reason if and only if it is refused"
    assert int(verdict.keep.sum()) + sum(verdict.counts().values()) == len(candidates)


@law
def leaves_its_inputs_alone(make: Make) -> None:
    candidates, reference = mixed_candidates(), mixed_table()
    before = _arrays(candidates) + _arrays(reference)
    make().judge(candidates, reference, _rng())
    for array, copy in zip(_now(candidates) + _now(reference), before, strict=True):
        np.testing.assert_array_equal(array, copy)


@law
def does_not_care_for_the_order_of_rows(make: Make) -> None:
    candidates = _distinct(mixed_candidates())
    order = _rng(1).permutation(len(candidates))
    plain, permuted = _judge(make, candidates), _judge(make, candidates.take(order))
    np.testing.assert_array_equal(permuted.reason, plain.reason[order])


@law
def refuses_as_many_duplicates_in_any_order(make: Make) -> None:
    candidates = mixed_candidates()
    order = _rng(1).permutation(len(candidates))
    assert _judge(make, candidates).counts() == _judge(make, candidates.take(order)).counts()


@law
def takes_no_candidates(make: Make) -> None:
    verdict = _judge(make, mixed_candidates().take(np.arange(0)))
    assert verdict.keep.shape == verdict.reason.shape == (0,)


@law
def repeats_itself_with_the_same_seed(make: Make) -> None:
    candidates = mixed_candidates()
    np.testing.assert_array_equal(_judge(make, candidates).reason, _judge(make, candidates).reason)


@law
def leaves_the_global_random_state_alone(make: Make) -> None:
    leaves_the_global_random_state(lambda: _judge(make, mixed_candidates()))


@law
def keeps_its_settings(make: Make) -> None:
    gate = make()
    before = repr(vars(gate))
    gate.judge(mixed_candidates(), mixed_table(), _rng())
    assert repr(vars(gate)) == before


def passes_real_rows(make: Make) -> None:
    table = mixed_table()
    assert make().judge(table, table, _rng()).keep.all()


def refuses_a_copied_row(make: Make) -> None:
    reference = mixed_table()
    verdict = make().judge(mixed_candidates(), reference, _rng())
    copied = _in(mixed_candidates().X, reference.X)
    assert copied.any()
    assert (verdict.reason[copied] == "copy of a real row").all()


def check_gate(make: Make) -> None:
    """Hold a gate to the laws of all gates, on good rows, copies, duplicates, impossible values and odd labels.

    `passes_real_rows` and `refuses_a_copied_row` are laws of some gates only: call them beside it where they apply.

    Parameters
    ----------
    make : callable
        Makes a gate, such as the class itself.

    Raises
    ------
    AssertionError
        With the first law that is broken, and what was seen.
    """
    hold(LAWS, make)


def mixed_candidates() -> Table:
    """Build rows of every fault: good ones, copies, duplicates, impossible values and contradicted labels."""
    real = mixed_table()
    fresh = mixed_table(200, seed=1)
    X = fresh.X.copy()
    X[:20] = real.X[:20]  # copies of real rows
    X[20:40] = X[40:60]  # copies of candidates
    X[60:70, 0] = 1e9  # amount out of range
    X[70:80, 1] = np.nan  # score may not be missing
    X[80:90, 2] += 0.5  # visits are whole
    X[90:100, 4] = 2.0  # night is 0 or 1
    X[100:110, 5] = 17.0  # no such merchant
    X[110:115, 1] = np.inf
    y = fresh.y.copy()
    y[120:160] = 1 - y[120:160]
    X[160:180, 1] = -9.0  # scores as low as no fraud has
    y[160:180] = 1
    n = len(X)
    return replace(fresh, rows=Rows(X), y=y, soft=np.eye(2)[y] * 0.8 + 0.1, generation=np.ones(n, np.int64))


def _judge(make: Make, candidates: Table) -> Verdict:
    return make().judge(candidates, mixed_table(), _rng())


def _now(table: Table) -> list[np.ndarray]:
    values = (*(getattr(table, field.name) for field in fields(table)), table.X, *table.rows.arrays.values())
    return [value for value in values if isinstance(value, np.ndarray)]


def _arrays(table: Table) -> list[np.ndarray]:
    return [value.copy() for value in _now(table)]


def _distinct(table: Table) -> Table:
    first = np.unique(np.nan_to_num(table.X, nan=-1.5), axis=0, return_index=True)[1]
    return table.take(np.sort(first))


def _in(X: np.ndarray, reference: np.ndarray) -> np.ndarray:
    seen = {row.tobytes() for row in reference}
    return np.array([row.tobytes() in seen for row in X])


def _rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)
