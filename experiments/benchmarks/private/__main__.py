"""Run the benchmark."""

from experiments.benchmarks.private.private import main

if __name__ == "__main__":
    from experiments.cli.app import run_command

    run_command(main)
