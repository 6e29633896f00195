# Two commands matter: `make demo` and `make test`. Both set up .venv/ on first use.
PYTHON ?= python3
BIN := .venv/bin
# One thread a fit: members and lanes run side by side already.
export OMP_NUM_THREADS ?= 1

# Types are checked while tests run.
MAKEFLAGS += --jobs=2

.PHONY: demo test unit stress lint types bench clean

demo: .venv/ready
	$(BIN)/weakspot run experiments/configs/demo.yaml

test: lint types unit

# One more worker than there are cores, as some tests wait for servers.
unit: .venv/ready
	$(BIN)/python -m pytest -n 3 --dist worksteal

# Generators of many parameters on tables that break things, a minute or two; two hundred kills of every command, hours.
stress: .venv/ready
	$(BIN)/python -m pytest -n 2 --dist worksteal -m stress -s --durations=20

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/ready
	$(BIN)/mypy

bench: .venv/ready
	$(BIN)/python -m experiments.benchmarks.cost

# torch first and alone: asked for together with other packages, pip may choose another build of it.
.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet -c constraints.txt torch
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	touch $@

clean:
	rm -rf .venv build *.egg-info .mypy_cache .pytest_cache .ruff_cache
