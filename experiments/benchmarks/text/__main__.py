"""Run the benchmark of texts: ``python -m experiments.benchmarks.text``."""

from experiments.benchmarks.text.text import main
from experiments.cli.app import run_command

if __name__ == "__main__":
    run_command(main)
