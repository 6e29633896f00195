"""Run the benchmark on tables of usual size."""

from experiments.benchmarks.cost.cost import main

if __name__ == "__main__":
    from experiments.cli.app import run_command

    run_command(main)
