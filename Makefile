# backend_gjango: `make help` lists what there is.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help run check test test-slow soak bench lock clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/.runtime: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Нужен Python 3.11 или новее: PYTHON=python3.12 make run / Python 3.11 or later is needed"; exit 1; }
	@# PostgreSQL of root runs as another user, who has to read its programs.
	umask 022; $(PYTHON) -m venv $(VENV) && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

run: $(VENV)/.runtime ## set everything up and run in the foreground (Ctrl-C ends it)
	@exec $(BIN)/python -m backend_gjango.supervisor

check: $(VENV)/.dev ## lint, format, types, import rules, migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/lint-imports --no-cache
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py check

test: $(VENV)/.dev ## all tests on real parts, at most 12 minutes
	$(BIN)/python -m pytest -n 2 --dist worksteal

test-slow: $(VENV)/.dev ## process faults, nginx, Debian's PostgreSQL: at most 45 minutes
	$(BIN)/python -m pytest -m slow

soak: $(VENV)/.dev ## load and faults for MIN minutes from SEED: nothing lost, nothing doubled
	$(BIN)/python -m tests.soak --seed $(or $(SEED),1) --minutes $(or $(MIN),10) $(ARGS)

bench: $(VENV)/.dev ## ratios of speed against baselines, in one run
	$(BIN)/python -m benchmarks

lock: $(VENV)/.dev ## compile requirements*.in anew
	$(BIN)/pip-compile --quiet --strip-extras --no-header --no-emit-index-url --no-emit-trusted-host \
		--no-emit-find-links --output-file requirements.txt requirements.in
	$(BIN)/pip-compile --quiet --strip-extras --no-header --no-emit-index-url --no-emit-trusted-host \
		--no-emit-find-links --output-file requirements-dev.txt requirements-dev.in

clean: ## remove the virtual environment and caches (never the state)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
