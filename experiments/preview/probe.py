"""How long a run may take: its loop and plain models on a few of its rows, scaled to all of them."""

import copy
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from experiments.arms.plain import HEATS, MOST_ROWS, Kind, kinds
from experiments.arms.tuned_baseline import tunable
from experiments.preview.ready import Ready
from loop.cycle.conclusion import conclude
from loop.cycle.controller import prepare
from loop.cycle.driver import turn
from loop.cycle.parts import Parts
from loop.data.split import folds
from loop.seeds import stream
from loop.types import Table

SIZES = (400, 1200)  # rows of the two probes: what costs the same for any number of rows is told from the rest
PROBED_LANES = 2
FEWEST = 12  # rows of each class in a probe, where there are so many


@dataclass(frozen=True)
class Estimate:
    """Seconds that a run may take, by what it does, and what the probe took."""

    seconds: Mapping[str, float]
    probe: float

    @property
    def total(self) -> float:
        """Return the sum."""
        return sum(self.seconds.values())


def estimate(ready: Ready) -> Estimate:
    """Run one generation on a few training rows, and fit each plain model once, to tell how long the run may take.

    Seconds are taken to grow in proportion to the rows and to the lanes, which holds roughly. No test row is read.
    """
    started, table, config = time.perf_counter(), ready.inputs.train, ready.config
    sizes = [min(len(table), size) for size in SIZES]
    timed = [_loop_on(ready.parts, _some(table, size, config.loop.seed), config.loop.seed) for size in sizes]
    n, most = _rows_at_most(ready), ready.generations_at_most
    fits = (len(np.unique(ready.inputs.folds[ready.inputs.folds >= 0])) + 1) / (PROBED_LANES + 1)
    at = {stage: fits * _line(sizes, [each[stage] for each in timed], n[stage]) for stage in n}
    seconds = {"teacher and generators": at["prepare"], "generations": most * at["turn"], "final": at["conclude"]}
    loop = sum(seconds.values())
    if config.arms.run and config.arms.plain:
        seconds["plain models"] = min(config.arms.plain_seconds, _plain(ready))
    if config.arms.run and config.arms.untargeted:
        seconds["the loop without its aim"] = loop
    if config.arms.run and config.arms.tuning and tunable(ready.parts.learner):
        seconds["the tuned arm"] = loop
    return Estimate(seconds, time.perf_counter() - started)


def _rows_at_most(ready: Ready) -> Mapping[str, int]:
    """Return the real rows that each stage works on; new rows are a share of them, and the probe makes as many."""
    real, settings = len(ready.inputs.train), ready.parts.settings
    new = min(settings.most_rows, settings.budget * real)
    few = round(real / (1 + settings.budget) + new / (1 + settings.budget))
    return {"prepare": real, "turn": min(real, few), "conclude": min(real, few)}


def _some(table: Table, size: int, seed: int) -> Table:
    """Draw rows, of each class in proportion but not too few."""
    rng, chosen = stream(seed, "probe"), list[np.ndarray]()
    for code in range(table.n_classes):
        rows = np.flatnonzero(table.y == code)
        wanted = max(FEWEST, round(size * len(rows) / len(table)))
        chosen.append(rng.permutation(rows)[:wanted])
    return table.take(np.sort(np.concatenate(chosen)))


def _loop_on(parts: Parts, table: Table, seed: int) -> Mapping[str, float]:
    """Run one generation; return the seconds of its stages."""
    rng, once = stream(seed, "probe", "loop"), replace(parts, settings=replace(parts.settings, generations=1))
    one = replace(once, supplies=once.supplies[-1:])
    ids, clock = folds(table.y, rng, k=PROBED_LANES), [time.perf_counter()]
    prepared = prepare(one, table, ids, rng)
    clock.append(time.perf_counter())
    history, _ = turn(prepared)
    clock.append(time.perf_counter())
    conclude(prepared, history)
    clock.append(time.perf_counter())
    return dict(zip(("prepare", "turn", "conclude"), np.diff(clock).tolist(), strict=True))


def _line(sizes: list[int], seconds: list[float], n: int) -> float:
    """Return the seconds for n rows on the line through two measurements; never below the last of them in rate."""
    (small, large), (quick, slow) = sizes, seconds
    if large == small:
        return slow
    slope = max(0.0, (slow - quick) / (large - small))
    return float(slow + slope * (n - large))


def _plain(ready: Ready) -> float:
    """Return the seconds of all plain models: their variants in the first lanes, the best in the others and on all."""
    table, seed = ready.inputs.train, ready.config.loop.seed
    few = _some(table, SIZES[0], seed)
    lanes = len(np.unique(ready.inputs.folds[ready.inputs.folds >= 0]))

    def of(kind: Kind) -> float:
        learner = copy.deepcopy(kind.variants[0])
        one = _seconds(lambda: learner.fit(few, stream(seed, "probe", kind.name)))
        heats = min(HEATS, lanes)
        rows = min(len(table), MOST_ROWS) if kind.slow else len(table)
        return one * (rows / len(few)) * (heats * len(kind.variants) + lanes - heats + 1)

    return sum(map(of, kinds(ready.inputs.schema)))


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
