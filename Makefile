# make setup    .venv with what is locked; PYTHON=/path/to/python3.13 takes another Python, for every target
# make replay   the main job, with the embedded broker
# make test     every test
# make check    lint, types, import contracts
# make bench    the kernels' figures, into runs/kernels.json
# make contract  docs/asyncapi.yaml and docs/schemas, from the code
# make docs     the site, into build/docs
# make figures  the README's table, from the newest file of benchmarks/results
# make lock     the locks, from pyproject.toml; UPGRADE=--upgrade takes the newest of everything
PYTHON ?= python3
BIN := .venv/bin
SCENARIO ?= scenarios/tohoku-2011.toml

# Which Python an environment is of. It is made anew where PYTHON= names another one, or where its own has gone.
WHICH := -c 'import sys; print(sys.base_prefix, *sys.version_info[:2])'
ANEW := $(shell there="$$($(BIN)/python $(WHICH) 2>/dev/null)" || echo anew; \
  [ $(firstword $(origin PYTHON)) = file ] || [ "$$there" = "$$($(PYTHON) $(WHICH) 2>/dev/null)" ] || echo anew)
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: anew setup setup-dev replay test check bench contract docs figures lock clean
.DEFAULT_GOAL := setup

setup: .venv/.run
setup-dev: .venv/.dev

.venv/pyvenv.cfg: $(firstword $(ANEW))
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "eew needs Python 3.11 or newer: make PYTHON=/path/to/python3.11"; exit 2; }
	$(PYTHON) -m venv --clear .venv

.venv/.run: requirements/run.txt pyproject.toml .venv/pyvenv.cfg
	$(PIP) --require-hashes -r requirements/run.txt
	$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

# What is published as source only is built by what is locked, and not by what is newest.
.venv/.dev: requirements/dev.txt .venv/.run
	$(PIP) --require-hashes --no-build-isolation -r requirements/dev.txt
	@touch $@

replay: setup
	$(BIN)/eew replay $(SCENARIO)

test: setup-dev
	$(BIN)/python -m pytest -n 2

check: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup-dev
	@mkdir -p runs
	$(BIN)/python -m pytest benchmarks/bench_*.py --benchmark-columns=min,median,max,rounds --benchmark-json=runs/kernels.json

contract: setup-dev
	$(BIN)/python -m pytest -n 0 -q tests/contract/schemas/test_committed.py::test_committed_files_are_what_the_code_makes --write-contract

docs: setup-dev
	$(BIN)/python -m sphinx -W --keep-going -n -q -b html docs build/docs

figures: setup-dev
	$(BIN)/python benchmarks/figures.py table

UV_COMPILE = $(or $(abspath $(wildcard $(BIN)/uv)),uv) pip compile --universal --no-strip-extras --python-version 3.11 \
  --generate-hashes --no-emit-index-url --no-header --quiet $(UPGRADE)
lock:
	cd requirements && $(UV_COMPILE) ../pyproject.toml --extra feeds --extra webhooks --group ../pyproject.toml:package -o run.txt
	cd requirements && $(UV_COMPILE) ../pyproject.toml --extra feeds --extra webhooks --extra peers --group ../pyproject.toml:package --group ../pyproject.toml:build \
	  --group ../pyproject.toml:test --group ../pyproject.toml:check --group ../pyproject.toml:docs -c run.txt -o dev.txt

clean:
	rm -rf .venv runs build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
