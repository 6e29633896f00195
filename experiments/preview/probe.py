"""How long a run may take: its loop and other models on a few of its rows and columns, scaled to all of them."""

import copy
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from experiments.arms.alternatives import balanced
from experiments.arms.kind import Kind
from experiments.arms.plain import HEATS, MOST_ROWS, kinds
from experiments.arms.tuned_baseline import tunable
from experiments.preview.ready import Ready
from loop.cycle.conclusion import conclude
from loop.cycle.controller import prepare
from loop.cycle.driver import turn
from loop.cycle.parts import Parts
from loop.data.split import folds
from loop.protocols import Learner
from loop.seeds import stream
from loop.types import Table

SIZES = (300, 900)  # rows of the two probes: what costs the same for any number of rows is told from the rest
MOST_COLUMNS = 40  # of a probe; seconds are taken to grow in proportion to the columns
PROBED_LANES = 2
FEWEST = 12  # rows of each class in a probe, where there are so many
SAMPLERS = 2  # arms that oversample, see `experiments.arms.arms`
REST = 10.0  # seconds of what is not probed: costs of serving, the sealed test, pictures, files and records
ROUGH = 2.0  # a run may take so many times as long as told, or be so many times as fast


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
    """Run one generation on a few training rows, and fit the other models once, to tell how long the run may take.

    Seconds are taken to grow in proportion to the rows, columns and lanes, which holds roughly. No test row is read.
    """
    started, config, seconds = time.perf_counter(), ready.config, dict(loop_seconds(ready))
    loop = sum(seconds.values())
    if config.arms.run and config.arms.plain:
        seconds["plain models"] = plain_seconds(ready)
    if config.arms.run:
        seconds["weighted and oversampled rows"] = _alternatives(ready)
    if config.arms.run and config.arms.untargeted:
        seconds["the loop without its aim"] = loop
    if config.arms.run and config.arms.tuning and tunable(ready.parts.learner):
        seconds["the tuned arm"] = loop
    seconds["test and files"] = REST
    return Estimate(seconds, time.perf_counter() - started)


def loop_seconds(ready: Ready) -> Mapping[str, float]:
    """Return the seconds of the loop alone, by stage."""
    table, wider = _narrowed(ready)
    seed, sizes = ready.config.loop.seed, _sizes(table)
    timed = [_loop_on(ready.parts, _some(table, size, seed), seed) for size in sizes]
    n, most = _rows_at_most(ready), ready.generations_at_most
    fits = wider * (_lanes(ready) + 1) / (PROBED_LANES + 1)
    at = {stage: fits * _line(sizes, [each[stage] for each in timed], n[stage]) for stage in n}
    return {"teacher and generators": at["prepare"], "generations": most * at["turn"], "final": at["conclude"]}


def _lanes(ready: Ready) -> int:
    return len(np.unique(ready.inputs.folds[ready.inputs.folds >= 0]))


def _sizes(table: Table) -> list[int]:
    return [min(len(table), size) for size in SIZES]


def _narrowed(ready: Ready) -> tuple[Table, float]:
    """Return the training rows with some of many columns, and how many times as many there are.

    Where something names columns (a rule book, a constraint, groups), all of them stay.
    """
    table, config = ready.inputs.train, ready.config
    named = config.fairness.columns or config.constraints or config.files()
    n = len(table.schema.columns)
    if n <= MOST_COLUMNS or named or table.rows.arrays:
        return table, 1.0
    keep = np.linspace(0, n - 1, MOST_COLUMNS).round().astype(int)
    schema = replace(table.schema, columns=tuple(table.schema.columns[at] for at in keep))
    return replace(table, rows=replace(table.rows, X=table.X[:, keep]), schema=schema), n / MOST_COLUMNS


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


def plain_seconds(ready: Ready) -> float:
    """Return the seconds of all plain models: their variants in the first lanes, the best in the others and on all.

    None is begun once their time is over; the last may go beyond it.
    """
    (table, wider), seed, lanes = _narrowed(ready), ready.config.loop.seed, _lanes(ready)
    sizes = _sizes(table)
    few = [_some(table, size, seed) for size in sizes]

    def of(kind: Kind) -> float:
        heats = min(HEATS, lanes)
        rows = min(len(table), MOST_ROWS) if kind.slow else len(table)
        one = _fit_seconds(kind.variants[0], few, sizes, rows)
        return wider * one * (heats * len(kind.variants) + lanes - heats + 1)

    each = [of(kind) for kind in kinds(table.schema)]
    return min(sum(each), ready.config.arms.plain_seconds + max(each))


def _alternatives(ready: Ready) -> float:
    """Return the seconds of the learner with weights, and on oversampled rows with its capacity chosen out of fold."""
    (table, wider), parts, lanes = _narrowed(ready), ready.parts, _lanes(ready)
    sizes = _sizes(table)
    few = [_some(table, size, ready.config.loop.seed) for size in sizes]
    even = [balanced(each, "RandomOverSampler", stream(ready.config.loop.seed, "probe", "even")) for each in few]
    rows = table.n_classes * int(np.bincount(table.y).max())
    large = [len(each) for each in even]
    learners = [each for each in (parts.learner, parts.augmented_learner) if each is not None]
    fits = [_fit_seconds(each, even, large, rows) for each in learners]
    chosen = lanes * sum(fits) if len(fits) > 1 else 0.0
    return wider * (_fit_seconds(parts.learner, few, sizes, len(table)) + SAMPLERS * (chosen + max(fits)))


def _fit_seconds(learner: Learner, tables: Sequence[Table], sizes: list[int], rows: int) -> float:
    """Return the seconds of one fit on so many rows, by fits on few."""

    def seconds(table: Table) -> float:
        started = time.perf_counter()
        copy.deepcopy(learner).fit(table, stream(0, "probe", "fit"))
        return time.perf_counter() - started

    return _line(sizes, [seconds(each) for each in tables], rows)
