# make run    a working Placet with sample customers on http://127.0.0.1:8000
# make test   everything the tests need, then the tests
# make check  style, types, dependency rule
# make bench NAME=core [QUICK=1]
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
AXE := build/axe/node_modules/axe-core/axe.min.js
SMSC := build/smsc/node_modules/smpp/package.json
PYTEST_ARGS ?=
# The tests start the program a hundred times: what was compiled once is kept, whatever the environment says.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: run test check bench lock clean fmt

run: $(VENV)/runtime.stamp
	$(BIN)/placet serve --demo

# Types are checked by one process, tests wait for sockets now and then: side by side they leave no core idle.
test: $(VENV)/dev.stamp tools $(AXE)
	$(MAKE) --no-print-directory -j2 check suite
	@tests/on_debian.sh $(BIN)/python

.PHONY: suite
suite:
	AXE_PATH=$(AXE) $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

check: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/bench.stamp $(SMSC)
	QUICK=$(QUICK) $(BIN)/python -m bench.$(NAME)

# A browser for the journeys through the real pages, a Java for Spark; without root or network the tests that need them
# say that they skip.
INSTALL := [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq --no-install-recommends >/dev/null
.PHONY: tools
tools:
	@command -v chromium >/dev/null || { $(INSTALL) chromium; } || echo "no chromium: browser tests will skip"
	@command -v java >/dev/null || { $(INSTALL) openjdk-17-jre-headless; } || echo "no Java 17: the tests of Spark will skip"

$(AXE):
	@command -v npm >/dev/null && npm install --silent --no-audit --no-fund --prefix build/axe axe-core@4 || echo "no npm: axe tests will skip"

# The carrier that SMS are sent to when they are measured.
$(SMSC):
	@command -v npm >/dev/null && npm install --silent --no-audit --no-fund --prefix build/smsc smpp@0.5.1 || echo "no npm: SMS cannot be measured"

$(VENV)/bin/uv:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

$(VENV)/%.stamp: requirements/%.txt pyproject.toml | $(VENV)/bin/uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r $<
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -e .
	@touch $@

lock: $(VENV)/bin/uv
	$(PYTHON) -c "import tomllib; print('\n'.join(tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies']))" > requirements/runtime.in
	for name in runtime dev bench; do \
	  $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	    --custom-compile-command "make lock" requirements/$$name.in -o requirements/$$name.txt; done

fmt: $(VENV)/dev.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache
