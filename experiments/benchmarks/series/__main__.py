"""Run as ``python -m experiments.benchmarks.series``."""

from experiments.benchmarks.series.report import main
from experiments.cli.app import run_command

if __name__ == "__main__":
    run_command(main)
