"""What a search over settings would try, in words and as one record."""

import math
from collections.abc import Iterable, Mapping, Sequence

from experiments.config.run_config import RunConfig
from experiments.preview.plan import Plan, columns_lines, range_of, roughly, table_record
from experiments.preview.probe import loop_seconds, plain_seconds
from experiments.preview.ready import Ready
from experiments.run.warnings import found_before
from experiments.tune.config import TuneConfig
from experiments.tune.repeats import caps
from experiments.tune.space import Choices, Dimension, Range, Value
from experiments.tune.study import trials_done
from experiments.tune.trial import Lanes
from experiments.tune.tune import place_of
from loop.support.plain_json import Record
from loop.support.timing import lasting

GENERATIONS = "loop.generations"  # of which a trial has at most the highest of the space


def plan_of_search(config: TuneConfig, workers: int) -> Plan:
    """Check a search as it would be checked, and say what it would try; nothing is written.

    Raises
    ------
    WeakspotError
        As the search itself would, before its first trial.
    """
    readies = [Ready.of(_longest(config, position)) for position in range(len(config.sources))]
    tables = [Lanes(each.inputs.train, each.inputs.folds) for each in readies]
    done = trials_done(config, place_of(config, tables))
    left = max(0, config.trials - done)
    trial = sum(sum(loop_seconds(each).values()) for each in readies)
    searched = left * trial / min(workers, max(1, left))
    searched = searched if config.seconds is None else min(searched, config.seconds)
    seconds = {"trials": searched, "test": 2 * trial + sum(map(_plain, readies))}
    space = {key: _told(dimension, config.start[key]) for key, dimension in config.dimensions.items()}
    points = _points(config.dimensions.values())
    record: Record = {
        "dry_run": True,
        "tables": [table_record(each) for each in readies],
        "space": space,
        "points": points,
        "trials": config.trials,
        "finished": done,
        "generations": readies[0].generations_at_most,
        **range_of(sum(seconds.values())),
    }
    lines = [line for each in readies for line in _lines(each)]
    lines += [f"{key}: {told}" for key, told in space.items()]
    lines += caps(config, [table.sizes for table in tables])
    many = "without end" if points is None else f"{points:,}"
    shared = "" if config.storage is None else ", and those in the storage count, too"
    lines.append(
        f"points: {many}; trials: {left:,} to run, {done:,} finished{shared}; each at most "
        f"{record['generations']} generations, {len(readies)} tables"
    )
    lines.append(
        f"time: {roughly(sum(seconds.values()))} (at most about {lasting(trial)} a trial, {lasting(seconds['trials'])} "
        f"in all, test of the winner {lasting(seconds['test'])}), by a probe on a few rows. Nothing was written."
    )
    return Plan(tuple(lines), record)


def _longest(config: TuneConfig, position: int) -> RunConfig:
    """Return the start on one source, with the most generations that the space allows."""
    generations = config.dimensions.get(GENERATIONS)
    values: Mapping[str, Value] = {}
    if generations is not None:
        values = {GENERATIONS: max(each for each in _ends(generations) if isinstance(each, int))}
    return config.run_of(values, config.sources[position])


def _ends(dimension: Dimension) -> Sequence[Value]:
    return (dimension.low, dimension.high) if isinstance(dimension, Range) else dimension.values


def _plain(ready: Ready) -> float:
    arms = ready.config.arms
    return plain_seconds(ready) if arms.run and arms.plain else 0.0


def _lines(ready: Ready) -> list[str]:
    warnings = found_before(ready.config, ready.inputs).findings
    return [*ready.messages, *(each.line for each in warnings), *columns_lines(table_record(ready))]


def _told(dimension: Dimension, start: Value) -> str:
    """Write the values of a dimension, and the one that the search begins with."""
    begin = f"begins with {_spelled(start)}"
    if isinstance(dimension, Choices):
        return f"{' | '.join(map(_spelled, dimension.values))}; {begin}"
    kind = "whole numbers" if dimension.whole else "numbers"
    log = ", on a logarithmic scale" if dimension.log else ""
    return f"{kind} from {dimension.low:g} to {dimension.high:g}{log}; {begin}"


def _spelled(value: Value) -> str:
    return "none" if value is None else ", ".join(value) if isinstance(value, tuple) else str(value)


def _points(dimensions: Iterable[Dimension]) -> int | None:
    """Return how many points the space has; None = without end."""
    sizes = []
    for each in dimensions:
        if isinstance(each, Range) and not each.whole:
            return None
        sizes.append(len(each.values) if isinstance(each, Choices) else int(each.high - each.low) + 1)
    return math.prod(sizes)
