"""Run as ``python -m experiments.benchmarks.labels.peers``."""

from experiments.benchmarks.labels.peers.peers import main
from experiments.cli.app import run_command

if __name__ == "__main__":
    run_command(main)
