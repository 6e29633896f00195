"""Run as ``python -m experiments.benchmarks.curves``."""

from experiments.benchmarks.curves.curves import main
from experiments.cli.app import run_command

if __name__ == "__main__":
    run_command(main)
