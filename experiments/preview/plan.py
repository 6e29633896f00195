"""What a run or a comparison would do, in words and as one record."""

from collections.abc import Sequence
from dataclasses import dataclass

from experiments.arms.names import CHEAP, SMOTE, TUNED, UNTARGETED
from experiments.arms.plain import kinds
from experiments.arms.tuned_baseline import tunable
from experiments.config.run_config import RunConfig
from experiments.preview.probe import ROUGH, Estimate, estimate
from experiments.preview.ready import Ready
from experiments.run.warnings import found_before
from learners import LEARNERS
from loop.support.plain_json import Record
from loop.support.timing import lasting


@dataclass(frozen=True)
class Plan:
    """What would be done: lines to print, and the same as a record."""

    lines: tuple[str, ...]
    record: Record


def plan_of(config: RunConfig) -> Plan:
    """Check a run as it would be checked, and say what it would do; nothing is written.

    Raises
    ------
    WeakspotError
        As the run itself would, before its first fit.
    """
    ready = Ready.of(config)
    took = estimate(ready)
    record = _record(ready, took)
    warnings = found_before(config, ready.inputs).findings
    lines = (*ready.messages, *(each.line for each in warnings), *_lines(record), _told(took))
    return Plan(lines, record)


def plan_of_all(runs: Sequence[RunConfig], done: int, jobs: int) -> Plan:
    """Say what a comparison would do: each cell is taken to last as long as the first of its source.

    Parameters
    ----------
    runs : sequence of RunConfig
        The cells that are still to be run.
    done : int
        Cells that are finished.
    jobs : int
        Cells side by side.
    """
    plans = {run.data: plan_of(run) for run in reversed(runs)}
    lines = [line for plan in reversed(plans.values()) for line in plan.lines]
    seconds = sum(plans[run.data].record["seconds"] for run in runs) / min(jobs, max(1, len(runs)))
    lines.append(f"cells: {len(runs)} to run, {done} finished; {roughly(seconds)} in all")
    tables = [plan.record for plan in reversed(plans.values())]
    return Plan(tuple(lines), {"cells": len(runs), "finished": done, "tables": tables, **range_of(seconds)})


def _record(ready: Ready, took: Estimate) -> Record:
    config, schema = ready.config, ready.inputs.schema
    return {
        "dry_run": True,
        **table_record(ready),
        "target": schema.target,
        "excluded": dict(schema.excluded),
        "strategy": config.loop.strategy,
        "supplies": [supply.name for supply in ready.parts.supplies],
        "generations": ready.generations_at_most,
        "learner": LEARNERS.name_of(type(ready.parts.learner)) or config.learner.name,
        "arms": _arms(ready),
        **range_of(took.total),
        "seconds_by_step": {name: round(each, 1) for name, each in took.seconds.items()},
    }


def table_record(ready: Ready) -> Record:
    """Return the rows, classes and columns of a table."""
    inputs, schema = ready.inputs, ready.inputs.schema
    return {
        "table": inputs.dataset.name,
        "train": len(inputs.train),
        "test": len(inputs.test),
        "classes": [str(name) for name in schema.classes],
        "positive": str(schema.classes[schema.positive]),
        "columns": {column.name: column.kind for column in schema.columns},
    }


def _arms(ready: Ready) -> list[str]:
    arms = ready.config.arms
    if not arms.run:
        return []
    plain = [kind.name for kind in kinds(ready.inputs.schema)] if arms.plain else []
    left_out = {
        TUNED: not arms.tuning or not tunable(ready.parts.learner),
        SMOTE: bool(ready.inputs.schema.arrays),
        UNTARGETED: not arms.untargeted,
    }
    return [*plain, *(name for name in CHEAP if not left_out.get(name, False))]


def _lines(record: Record) -> list[str]:
    return [
        *columns_lines(record),
        f"loop: strategy {record['strategy']}, learner {record['learner']}, "
        f"at most {record['generations']} generations of {', '.join(record['supplies'])}",
        f"compared with: {'; '.join(record['arms']) or 'the learner on real rows alone, and the teacher'}",
    ]


def columns_lines(record: Record) -> list[str]:
    """Return the classes and columns of a table in words."""
    columns = ", ".join(f"{name} ({kind})" for name, kind in record["columns"].items())
    return [f"classes: {', '.join(record['classes'])}; to catch: {record['positive']}", f"columns: {columns}"]


def range_of(seconds: float) -> Record:
    """Return an estimate as a record: itself, and the range that it stands for."""
    return {"seconds": round(seconds, 1), "seconds_range": [round(seconds / ROUGH, 1), round(seconds * ROUGH, 1)]}


def roughly(seconds: float) -> str:
    """Write how long something takes as a range, as the estimate is a rough one."""
    return f"roughly {lasting(seconds / ROUGH)} to {lasting(seconds * ROUGH)}"


def _told(took: Estimate) -> str:
    steps = ", ".join(f"{name} {lasting(seconds)}" for name, seconds in took.seconds.items())
    return (
        f"time: {roughly(took.total)} (at most about {steps}), by a probe on a few rows that took "
        f"{lasting(took.probe)}. Nothing was written."
    )
