"""Run as ``python -m experiments.benchmarks.fairness``."""

from experiments.benchmarks.fairness.fairness import main
from experiments.cli.app import run_command

if __name__ == "__main__":
    run_command(main)
