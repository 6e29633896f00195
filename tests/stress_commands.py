"""The command ``weakspot stress`` and the pytest file that it writes, called as a user calls them."""

import os
import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner, Result

from experiments.cli.app import app
from experiments.stress import output

ROOT = Path(__file__).parents[1]


def call(*words: object) -> Result:
    return CliRunner().invoke(app, ["stress", *map(str, words)])


def ci(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the generated file as a user's CI does: in another process, from another folder."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(folder)]), **variables}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--noconftest", output.TEST]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
