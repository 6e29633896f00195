"""Run as ``python -m experiments.benchmarks.unseen``."""

from experiments.benchmarks.unseen.unseen import main
from experiments.cli.app import run_command

if __name__ == "__main__":
    run_command(main)
