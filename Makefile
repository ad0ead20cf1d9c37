# What each target does is said by the line above it. CONTRIBUTING.md says when to use which.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: default run test test-system setup format style types coverage bench wheel clean
default: style types test

# The gateway on config/gateway.yaml, in front of an embedded legacy API and a page that calls it.
run: .venv/.runs
	@$(BIN)/python -m cors_gateway.demo --config config/gateway.yaml $(ARGS)

# The whole suite. What needs a system package that is not there is listed, by name, as not run.
test: setup
	$(BIN)/python -m pytest --no-fold-skipped $(ARGS)

# What tests need from Debian: a real browser, and servers and clients that others wrote.
PACKAGES := chromium curl nginx-light nodejs
PROGRAMS := chromium curl nginx node
test-system:
	@for program in $(PROGRAMS); do PATH=$$PATH:/usr/sbin command -v $$program >/dev/null || missing=1; done; \
	  test -n "$$missing" || exit 0; \
	  if [ "$$(id -u)" -eq 0 ]; then as_root=; else as_root=sudo; fi; \
	  set -x; $$as_root apt-get update -q && \
	  $$as_root apt-get install -qy --no-install-recommends $(PACKAGES)

# A virtual environment with the package as it stands here: enough to run it.
.venv/.runs: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check -e .
	@touch $@

# What its development needs beside.
setup: .venv/.done
.venv/.done: .venv/.runs
	$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[dev]'
	@touch $@

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

style: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: setup
	$(BIN)/mypy

# The pure rings from their own tests alone, every branch.
coverage: setup
	$(BIN)/python -m pytest -q --cov=cors_gateway.cors --cov-branch --cov-report=term-missing:skip-covered --cov-fail-under=100 tests/cors
	$(BIN)/python -m pytest -q --cov=cors_gateway.messages --cov-branch --cov-report=term-missing:skip-covered --cov-fail-under=100 tests/messages

# How long large configurations take to load, and to decide by; what a mebibyte costs beside nginx.
bench: setup
	$(BIN)/python -m bench.loading
	$(BIN)/python -m bench.throughput

# dist/*.whl
wheel: setup
	rm -rf dist
	$(BIN)/python -m build --wheel

clean:
	rm -rf .venv build dist .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find cors_gateway tests -name __pycache__ -prune -exec rm -rf {} +
