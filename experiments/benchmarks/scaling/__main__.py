"""Run as ``python -m experiments.benchmarks.scaling``."""

from experiments.benchmarks.scaling.scaling import main
from experiments.cli.app import run_command

if __name__ == "__main__":
    run_command(main)
