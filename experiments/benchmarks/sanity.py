"""False alarms of the sanity checks: the warnings on the tables of the benchmarks, which are what they are said to be.

Run as ``python -m experiments.benchmarks.sanity``: each table is split as in its protocol and looked at before work,
and once more with the scores of a plain XGBoost on the test rows. The last line is JSON, the warnings by table.
"""

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated

import numpy as np
import typer

from experiments.benchmarks.options import among, console
from experiments.config.data_config import DataConfig
from experiments.config.run_config import LoopConfig
from experiments.data.card_fraud import STARTS
from experiments.data.protocols import fraud_split, suite_split
from experiments.data.sources import rare_suite
from experiments.run.inputs import gather
from experiments.sanity.checks import after_work, before_work
from experiments.sanity.finding import Finding
from learners import XGBoost
from loop.types import Table

Parts = tuple[Table, Table]  # training and test rows
TRUE: Mapping[tuple[str, str], str] = {  # warnings that are no false alarms
    ("oil_spill", "few in test"): "41 positives in all, so 16 in the test part",
    ("kc1", "contradictions"): "many modules of code have the same measures, some with a defect and some without",
}


def _suite(table: str) -> Parts:
    split = suite_split(table, 0)
    return split.train, split.test


def _simulation() -> Parts:
    inputs = gather(DataConfig(source="simulation"), LoopConfig())
    return inputs.train, inputs.test


def _weeks(start: str) -> Parts:
    split = fraud_split(start)
    return split.train, split.test


TABLES: Mapping[str, Callable[[], Parts]] = {
    **{table: partial(_suite, table) for table in rare_suite()},
    "simulation": _simulation,
    **{f"card fraud {start}": partial(_weeks, start) for start in STARTS},
}


def warnings_of(name: str) -> tuple[Finding, ...]:
    """Return the warnings on a table, before work and on the test scores of a plain XGBoost."""
    train, test = TABLES[name]()
    model = XGBoost().fit(train, np.random.default_rng(0))
    return after_work(before_work(train, test, seed=0), test, model.predict_proba(test.rows))


def main(
    tables: Annotated[str | None, typer.Option(help="Names of tables, separated by commas; default: all.")] = None,
) -> None:
    """Print the warnings on each table and, last, one line of JSON."""
    terminal, told, false_alarms = console(), dict[str, list[str]](), list[str]()
    for name in TABLES if tables is None else among("--tables", tables, TABLES):
        found = warnings_of(name)
        told[name] = [each.name for each in found]
        for each in found:
            why = TRUE.get((name, each.name))
            false_alarms += [] if why else [f"{name}: {each.name}"]
            terminal.print(f"{name}: {each.line} [{why or 'not known to be true'}]", markup=False, soft_wrap=True)
    print(json.dumps({"warnings": told, "not_known_to_be_true": false_alarms}))


if __name__ == "__main__":
    from experiments.cli.app import run_command

    run_command(main)
