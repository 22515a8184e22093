# The commands of the README. Each makes .venv with pinned packages if it is missing.
#   make run         the main job: a table, a figure and files under results/acute_escitalopram
#   make test        the tests
#   make test-slow   those that take minutes, nearly an hour in all. Some need Debian packages and are skipped, and say so, where
#                    they are missing: slurm-wlm and munge (a SLURM of one node is started), chromium (the report in a browser)
#   make bench       speed beside a loop written by hand, Brian2 and NEST (a quarter of an hour), written to benchmarks/latest.json and
#                    docs/performance.*; NEST only where NEUROSIM_NEST_PYTHON names a Python that has it
#   make scoreboard  published rows against the model (an hour), written to docs/validation.*
#   make docs        the documentation, docs/_build/html/index.html
#   make lint        style and the order of the rooms
#   make clean       remove what was made, but for results
# Another Python: make run PYTHON=/path/to/python3.12

export PYTHON
BIN := .venv/bin
JOBS ?= 2

.DEFAULT_GOAL := run
.PHONY: run test test-slow bench scoreboard docs lint setup setup-docs setup-test clean

run: setup
	@$(BIN)/neurosim run experiments/acute_escitalopram.yaml

test: setup-test
	@$(BIN)/python -m pytest -n $(JOBS)

test-slow: setup-test
	@$(BIN)/python -m pytest -m slow -rs

bench: setup
	@$(BIN)/python benchmarks/bench.py

scoreboard: setup
	@$(BIN)/neurosim validate
	@cp results/validation/validation.csv results/validation/validation.md results/validation/validation_*.png docs/

docs: setup-docs
	@$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo docs/_build/html/index.html

lint: setup-test
	@$(BIN)/ruff check .
	@$(BIN)/lint-imports

setup:
	@sh tools/venv.sh

setup-docs: setup
	@sh tools/venv.sh docs

setup-test: setup
	@sh tools/venv.sh test

clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .hypothesis .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
