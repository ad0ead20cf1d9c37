# What each target does is said by the line above it. CONTRIBUTING.md says when to use which.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: default run screenshots test test-system setup format style types coverage bench bench-record bench-guard stress connections soak fuzz docs examples wheel wheel-compiled test-compiled image image-test clean
default: style types test

# The gateway on config/gateway.yaml, in front of an embedded legacy API and a page that calls it.
run: .venv/.runs
	@$(BIN)/cors-gateway demo -c config/gateway.yaml $(ARGS)

# The pictures of the demonstration in docs/images, taken by the test that looks at its page.
screenshots: setup
	SCREENSHOTS=docs/images $(BIN)/python -m pytest -q tests/browser/test_demo_page.py -k legible

# The whole suite, the files of tests spread over a few processes: one more than there are CPUs, because
# much of it waits. What needs a system package that is not there is listed, by name, as not run.
PROCESSES ?= $(shell expr $$(nproc) + 1)
SPREAD = --numprocesses $(PROCESSES) --dist loadfile
test: setup
	$(BIN)/python -m pytest --no-fold-skipped $(SPREAD) $(ARGS)

# Every example as its README says, in Chromium, with the gateway and without it.
examples: setup
	$(BIN)/python -m pytest tests/examples $(ARGS)

# What tests need from Debian: real browsers, and servers and clients that others wrote; and what compiling needs.
# PROGRAM, or PROGRAM=PACKAGE. Only what is missing is installed: who has node from elsewhere has another npm.
PROGRAMS := caddy chromium curl faketime firefox-esr gcc haproxy nginx=nginx-light node=nodejs npm slowhttptest wrk
test-system:
	@for each in $(PROGRAMS); do \
	    PATH=$$PATH:/usr/sbin command -v $${each%=*} >/dev/null || missing="$$missing $${each#*=}"; \
	  done; \
	  test -e /usr/include/stdio.h || missing="$$missing libc6-dev"; \
	  test -e "$$($(PYTHON) -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" || \
	    missing="$$missing python3-dev"; \
	  test -n "$$missing" || exit 0; \
	  if [ "$$(id -u)" -eq 0 ]; then as_root=; else as_root=sudo; fi; \
	  set -x; $$as_root apt-get update -q && \
	  $$as_root apt-get install -qy --no-install-recommends $$missing

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
	$(BIN)/python -m pytest -q --cov=cors_gateway.cors --cov-branch --cov-report=term-missing:skip-covered --cov-fail-under=100 $(SPREAD) --dist worksteal tests/cors
	$(BIN)/python -m pytest -q --cov=cors_gateway.messages --cov-branch --cov-report=term-missing:skip-covered --cov-fail-under=100 $(SPREAD) --dist worksteal tests/messages

# What the gateway, interpreted and compiled, costs beside nginx, HAProxy, Caddy and a plain aiohttp proxy: in turn,
# on one CPU, with the load and the API on another. Some twenty minutes, and two more where this state of the sources
# is not yet compiled. ARGS="--only a,b --rounds 5" chooses workloads (bench/workloads.py).
bench bench-record: export BENCH_OTHER_GATEWAY ?= env PYTHONPATH=$(CURDIR)/$(COMPILED_SITE) $(CURDIR)/$(BIN)/python -m cors_gateway
bench: test-system setup
	@$(BIN)/python -m bench --check $(ARGS)
	@$(MAKE) --no-print-directory $(COMPILED_SITE)
	$(BIN)/python -m bench $(ARGS)

# The same, of a tree that is committed; what it finds is what the README and docs/performance.md show, and what
# bench-guard compares with.
bench-record: test-system setup
	@$(BIN)/python -m bench --record --check $(ARGS)
	@$(MAKE) --no-print-directory $(COMPILED_SITE)
	$(BIN)/python -m bench --record $(ARGS)
	$(BIN)/python -m docs

# Some of it, briefly and interpreted only, against what was recorded: fails only where a ratio to nginx has more than
# doubled.
bench-guard: setup
	$(BIN)/python -m bench.guard

# What an open connection that does nothing costs, beside nginx: 10,000 of them, and 1,000 event streams.
connections: setup
	$(BIN)/python -m bench.connections $(ARGS)

# The long forms of what the suite does a little of: a million requests, a thousand reloads under load, workers
# killed, slowhttptest for a minute. Most of an hour.
stress: setup
	STRESS=1 $(BIN)/python -m pytest tests/stress --durations=0 -o faulthandler_timeout=3600 $(ARGS)

# 200,000 requests of well- and ill-behaved clients, in front of an ill-behaved API. ARGS="--seed 7 --reload 2
# --kill 10" repeats a plan, and reloads and kills workers meanwhile.
soak: setup
	$(BIN)/python -m tests.chaos.soak $(ARGS)

# What tests/fuzz does a little of, at random and for minutes: ARGS="--minutes 30 --seed 7".
fuzz: setup
	$(BIN)/python -m tests.fuzz.rounds $(ARGS)

# The tables in docs/ that the code says: keys, commands, metrics, failures, fields of the log.
docs: setup
	$(BIN)/python -m docs

# dist/*.whl
wheel: setup
	rm -rf dist
	$(BIN)/python -m build --wheel

# dist/*.whl for this machine and this Python, with its hot modules compiled by mypyc: hatch_build.py.
wheel-compiled: setup
	rm -rf dist
	CORS_GATEWAY_COMPILE=1 $(BIN)/python -m build --wheel

# The compiled form by itself, for the Python and the packages of .venv; made again when a source has changed.
COMPILED := .compiled
COMPILED_SITE := $(COMPILED)/site
$(COMPILED_SITE): $(shell find cors_gateway -type f -not -name '*.pyc') pyproject.toml hatch_build.py | setup
	rm -rf $(COMPILED)
	CORS_GATEWAY_COMPILE=1 $(BIN)/python -m build --wheel --outdir $(COMPILED)
	$(BIN)/python -m zipfile -e $(COMPILED)/*.whl $(COMPILED)/new
	cd / && PYTHONPATH=$(CURDIR)/$(COMPILED)/new $(CURDIR)/$(BIN)/python -m cors_gateway version | grep compiled
	mv $(COMPILED)/new $@

# The compiled form under the tests of what is compiled, in a copy of the tree where compiled modules stand beside
# their sources. Left out are tests that reach into modules as only interpreted ones let them.
IN_COMPILED := cd $(COMPILED)/tree && PYTHONPATH=$(CURDIR)/$(COMPILED)/tree $(CURDIR)/$(BIN)/python
TESTS_OF_COMPILED := tests/cors tests/messages $(wildcard tests/test_*.py) tests/wire tests/chaos \
  $(patsubst %,tests/process/test_%.py,clock_jumps control counting entrance large_content reload) \
  $(patsubst %,tests/process/test_%.py,scarcity silence tally tls worker) \
  $(patsubst %,tests/real/test_real_websockets.py::test_%,pings_are_answered_by_the_other_end \
    close_codes_and_reasons_arrive_unchanged)
test-compiled: $(COMPILED_SITE)
	rm -rf $(COMPILED)/tree
	mkdir $(COMPILED)/tree
	cp -R $(filter-out build dist,$(wildcard *)) $(COMPILED)/tree
	cp -R $(COMPILED_SITE)/. $(COMPILED)/tree
	$(IN_COMPILED) -m cors_gateway version | grep compiled
	$(IN_COMPILED) -m pytest -m 'not interpreted' $(SPREAD) $(TESTS_OF_COMPILED) $(ARGS)

# The container image, by docker or podman. CONTAINER_BUILD_FLAGS are passed on, e.g. --pull.
CONTAINER_ENGINE ?= $(shell command -v docker >/dev/null && echo docker || echo podman)
IMAGE ?= cors-gateway
image:
	$(CONTAINER_ENGINE) build $(CONTAINER_BUILD_FLAGS) \
	  $(if $(filter podman,$(notdir $(CONTAINER_ENGINE))),--format docker) `# OCI images have no HEALTHCHECK` \
	  --build-arg VERSION="$$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)" \
	  --build-arg REVISION="$$(git rev-parse HEAD 2>/dev/null || echo unknown)" \
	  -t $(IMAGE) .

# Builds the image, runs it and calls it, alone and in the stack of docker-compose.yml: docker needs its
# compose plugin for that, podman podman-compose.
image-test: setup
	CONTAINER_ENGINE="$(CONTAINER_ENGINE)" CONTAINER_BUILD_FLAGS="$(CONTAINER_BUILD_FLAGS)" \
	  $(BIN)/python -m pytest tests/image -o faulthandler_timeout=1800 $(ARGS)

clean:
	rm -rf .venv .compiled build dist .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find cors_gateway tests docs bench compose examples \( -name __pycache__ -o -name node_modules -o -name dist \) -prune -exec rm -rf {} +
