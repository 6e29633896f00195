"""Run as ``python -m experiments.benchmarks.autogluon``."""

from experiments.benchmarks.autogluon.comparison import main
from experiments.cli.app import run_command

if __name__ == "__main__":
    run_command(main)
