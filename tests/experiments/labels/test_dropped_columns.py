"""What a run leaves out of its data may be what people look a payment up by: a queue shows it."""

import json
from io import StringIO
from pathlib import Path

import numpy as np
from asked_runs import KNOWN, numbered, read
from rich.console import Console
from small_runs import content, write

from experiments.config.reader import load_config
from experiments.config.run_config import RunConfig
from experiments.labels.questions import QUEUE, TASKS, Wanted, ask_people
from experiments.run.run import run

FIRST = 9_100_000_000_000_000_000  # beyond 2**53: a float would lose digits


def test_a_queue_shows_the_columns_that_the_run_dropped(tmp_path: Path) -> None:
    table = numbered()
    for copy in (1, 2, 3):  # of row 0, which alone says something else
        table.loc[copy, table.columns != "receipt"] = table.loc[0]
    table.loc[0, "fraud"] = "no" if table.loc[0, "fraud"] == "yes" else "yes"
    table["payment"] = FIRST + np.arange(len(table)) * 7919
    write(tmp_path, table[:KNOWN])
    write(tmp_path, table[KNOWN:].drop(columns="fraud"), "pool.csv")
    settings = content(tmp_path / "table.csv", tmp_path / "out", generations=1)
    settings["data"] = {**dict(settings["data"]), "drop": ["payment", "receipt"]}  # type: ignore[call-overload]
    began = run(load_config(RunConfig, None, settings), Console(file=StringIO(), width=200)).folder
    made = ask_people(began, tmp_path / "pool.csv", Wanted(n=20))
    queue = read(made.folder / QUEUE)
    assert {"ask", "audit", "check"} == set(queue["kind"])
    at = queue["receipt"].str[1:].astype(int)
    assert queue["payment"].tolist() == [str(FIRST + 7919 * row) for row in at]
    checked = queue["kind"] == "check"
    assert (at[checked] == queue["question"][checked].str[1:].astype(int)).all()
    np.testing.assert_allclose(queue["amount"].replace("", "nan").astype(float), table["amount"][at])
    tasks = json.loads((made.folder / TASKS).read_text())
    assert all(number in task["data"]["row"] for task, number in zip(tasks, queue["payment"], strict=True))
