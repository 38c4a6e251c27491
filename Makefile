# Dongfengpo: every check and every set-up step has one way to run it. `make help` lists them.

PYTHON := $(shell for p in python3 python3.13 python3.12 python3.11; do \
  $$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
PIP := $(BIN)/pip --disable-pip-version-check --quiet
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help install demo test lint format bench lock clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

install: .venv/.installed ## set-up alone: ends with .venv/bin/dfp
	@echo "dfp is installed: $(BIN)/dfp --help"

demo: .venv/.installed ## the whole pipeline on this machine with a simulated market: http://localhost:8888
	@$(BIN)/dfp up $(ARGS)

test: .venv/.dev ## every test that this machine can run
	$(BIN)/pytest -n 2 --dist worksteal --cov --cov-report=xml:build/coverage.xml --cov-report= $(ARGS)
	$(BIN)/python tools/coverage_of_cores.py build/coverage.xml

lint: .venv/.dev ## ruff, mypy --strict, import-linter
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/.dev ## let ruff put the code in order
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: .venv/.dev ## every benchmark, or NAME=features for one; figures go to build/bench/NAME.json
	$(BIN)/python -m benchmarks $(NAME)

lock: .venv/.dev ## resolve requirements/*.txt anew
	$(BIN)/python tools/lock.py

clean: ## remove the environment and everything that was built
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage

.venv/bin/pip:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later with venv is needed: apt-get install python3-venv" >&2; exit 1; }
	@echo "creating .venv with $(PYTHON) …"
	@$(PYTHON) -m venv .venv

.venv/.installed: requirements/build.txt requirements/runtime.txt pyproject.toml | .venv/bin/pip
	@echo "installing 1/3: build tools …"
	@$(PIP) install --require-hashes -r requirements/build.txt
	@echo "installing 2/3: what dfp runs on, some 200 MB on the first time …"
	@$(PIP) install --require-hashes -r requirements/runtime.txt
	@echo "installing 3/3: dfp …"
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.dev: requirements/dev.txt .venv/.installed
	@echo "installing what tests and checks need …"
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@
