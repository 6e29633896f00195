"""Run as ``python -m experiments.benchmarks.fidelity``."""

from experiments.benchmarks.fidelity.fidelity import main
from experiments.cli.app import run_command

if __name__ == "__main__":
    run_command(main)
