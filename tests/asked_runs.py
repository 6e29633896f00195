"""Runs that ask people: the commands, and people who know all labels."""

from pathlib import Path

import pandas as pd
from small_runs import frame
from typer.testing import CliRunner, Result

from experiments.cli.app import app

ROWS, KNOWN = 900, 300


def call(*words: object) -> Result:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, (result.output, result.exception)
    return result


def numbered() -> pd.DataFrame:
    """Return all rows, each with a receipt of its own."""
    return frame(ROWS).assign(receipt=[f"r{number:04d}" for number in range(ROWS)])


def read(queue: Path) -> pd.DataFrame:
    return pd.read_csv(queue, dtype=str, keep_default_na=False, encoding="utf-8-sig")


def filled(queue: Path, out: Path) -> pd.DataFrame:
    """Fill in the labels of a queue, as somebody who knows them all."""
    asked = read(queue)
    asked["label"] = asked["receipt"].map(numbered().set_index("receipt")["fraud"])
    asked.to_csv(out, index=False)
    return asked
