"""Run as ``python -m experiments.benchmarks.images``."""

from experiments.benchmarks.images.images import main
from experiments.cli.app import run_command

if __name__ == "__main__":
    run_command(main)
