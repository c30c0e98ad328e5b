# Everything a person or CI does here, each by one name. Needs make and Python 3.11 or newer, nothing else: the
# environments are made from the hash-pinned files in requirements/, and once they exist no target but `lock` and the
# first `live-llama` goes to the network.

PYTHON ?=
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
VENV2 := .venv-openai2
UV := .cache/uv/bin/uv

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test lint format types contracts faults limits conformance conformance-table sdk2 bench live-llama lock clean

help:  ## this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14
	@echo
	@echo 'ARGS="..." is passed on, as in: make test ARGS="-k stream"   make run ARGS="--port 9000"   make bench ARGS="small"'
	@echo 'PYTHON=/path/to/python chooses the interpreter of the environments (3.11 or newer).'

run: $(VENV)/.project  ## start the router on 127.0.0.1:8083
	@exec $(BIN)/joch serve $(ARGS)

test: $(VENV)/.dev  ## the whole suite, offline
	$(BIN)/python -m pytest $(ARGS)

lint: $(VENV)/.dev  ## ruff: rules and layout
	$(BIN)/ruff check $(ARGS) .
	$(BIN)/ruff format --check .

format: $(VENV)/.dev  ## let ruff lay out the code and mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/.dev  ## mypy, strict
	$(BIN)/mypy $(ARGS)

contracts: $(VENV)/.dev  ## who may import whom (.importlinter)
	$(BIN)/lint-imports $(ARGS)

faults: $(VENV)/.dev  ## the scripted fault server; prints how many faults were survived
	$(BIN)/python -m tests.faults $(ARGS)

conformance: $(VENV)/.dev  ## the README's table against the suite, and ninety planted mistakes (about a minute)
	$(BIN)/python -m pytest -m slow tests/proxy/conformance $(ARGS)

limits: $(VENV)/.dev  ## twenty rounds of a thousand calls at a limit, over one and four processes, and kills in between
	$(BIN)/python -m pytest -m slow tests/proxy/budgets tests/proxy/test_limits.py $(ARGS)

conformance-table: $(VENV)/.dev  ## write the README's table of what works anew
	$(BIN)/python -m proxy.conformance --readme

sdk2: $(VENV2)/.dev  ## what an app sees, with the 2.x line of the openai SDK
	$(VENV2)/bin/python -m pytest tests/sdk $(ARGS)

bench: $(VENV)/.dev  ## the performance budget, as ratios to a bare forwarder in the same run (about 5 minutes)
	$(BIN)/python -m tests.bench $(ARGS)

live-llama: $(VENV)/.dev .cache/llama-tools/.ready  ## a real engine: builds llama-server (about 7 minutes, once) and talks through it
	$(BIN)/python -m tests.live_llama $(ARGS)

clean:  ## remove environments and caches
	rm -rf $(VENV) $(VENV2) .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- environments ----------------------------------------------------------------------------------------------------
# Stamp files say what an environment holds; a changed pin or a changed pyproject.toml brings it up to date.

# $(call make_venv,DIRECTORY): a venv of the first interpreter that is new enough. A name on the PATH may be a stub that
# does not run, so each is asked.
define make_venv
	@for candidate in $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11 python); do \
	    if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
	        echo "making $(1) with $$("$$candidate" --version)"; \
	        exec "$$candidate" -m venv $(1); \
	    fi; \
	done; \
	echo 'Python 3.11 or newer is needed, but none of these is: $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11 python).' >&2; \
	echo 'Install one, or say where it is: make PYTHON=/path/to/python3.11 ...' >&2; \
	exit 1
endef

PIP_OPTIONS := --quiet --disable-pip-version-check --require-hashes

$(VENV)/.base: requirements/base.txt requirements/build.txt
	$(call make_venv,$(VENV))
	$(BIN)/python -m pip install $(PIP_OPTIONS) -r requirements/base.txt -r requirements/build.txt
	@touch $@

$(VENV)/.project: $(VENV)/.base pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-index --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.project requirements/dev.txt
	$(BIN)/python -m pip install $(PIP_OPTIONS) -r requirements/dev.txt
	@touch $@

$(VENV2)/.dev: requirements/sdk2.txt requirements/build.txt pyproject.toml
	$(call make_venv,$(VENV2))
	$(VENV2)/bin/python -m pip install $(PIP_OPTIONS) -r requirements/sdk2.txt -r requirements/build.txt
	$(VENV2)/bin/python -m pip install --quiet --disable-pip-version-check --no-index --no-deps --no-build-isolation -e .
	@touch $@

.cache/llama-tools/.ready: requirements/llama-tools.txt
	$(call make_venv,.cache/llama-tools)
	.cache/llama-tools/bin/python -m pip install $(PIP_OPTIONS) -r requirements/llama-tools.txt
	@touch $@

# --- the lock --------------------------------------------------------------------------------------------------------
# Every file holds for all platforms and every Python from 3.11 on. dev.txt is solved first; the others keep its versions,
# so that what users get is what was tested. `make lock ARGS=--upgrade` moves to the newest.

COMPILE = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url $(ARGS)

lock: $(UV)  ## write requirements/*.txt anew from pyproject.toml (needs the network)
	$(COMPILE) --group test --group lint pyproject.toml -o requirements/dev.txt >/dev/null
	$(COMPILE) -c requirements/dev.txt pyproject.toml -o requirements/base.txt >/dev/null
	$(COMPILE) -c requirements/dev.txt --group build -o requirements/build.txt >/dev/null
	$(COMPILE) --override requirements/sdk2.in --group test pyproject.toml -o requirements/sdk2.txt >/dev/null
	$(COMPILE) requirements/llama-tools.in -o requirements/llama-tools.txt >/dev/null
	$(COMPILE) --no-deps requirements/llama.in -o requirements/llama.txt >/dev/null
	@! grep -n '://' requirements/*.txt

$(UV):
	$(call make_venv,.cache/uv)
	.cache/uv/bin/python -m pip install --quiet --disable-pip-version-check uv
