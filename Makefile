# Every target makes the environment that it needs: a fresh clone, make and Python 3.11 or 3.12 are enough.
# Where the environment is up to date that costs a moment.

VENV ?= .venv
# The first interpreter that can make an environment. PYTHON=… names another.
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3; do \
	$$python -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 \
	&& { command -v $$python; exit; }; done)
PYTEST_ARGS ?=
# Most of a test's time is a process that starts: three fit on two cores. WORKERS=0 runs all in one, for a debugger.
WORKERS ?= 3
DEMO_ARGS ?=
BENCH_ARGS ?=
# Where it is set, each watcher and demo that a test starts would compile all of our modules again: half a second each.
unexport PYTHONDONTWRITEBYTECODE

bin := $(VENV)/bin
sources := src tests bench tools docs

.PHONY: help demo test test-stack stack-tools bench lint format docs picture gallery clean demo-environment bench-environment environment python

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

demo: demo-environment ## a demo bot on a Discord of its own, watched, live in this terminal
	@$(bin)/whisperwatch demo $(DEMO_ARGS)

test: environment ## all tests but the stack's; PYTEST_ARGS='tests/bot -k name' picks some
	@$(bin)/python -m pytest -n $(WORKERS) --dist loadfile --ignore=tests/stack --ignore=tests/contract $(PYTEST_ARGS)

test-stack: environment stack-tools ## the tests with the collector, Prometheus, Mimir, Thanos, VictoriaMetrics, Loki and Alertmanager
	@$(bin)/python -m pytest --timeout 600 tests/stack tests/contract $(PYTEST_ARGS)

stack-tools: python ## these servers, built with Go into a cache (about 20 minutes the first time)
	@"$(PYTHON)" tools/stack_tools.py

bench: bench-environment ## what watching costs, beside the alternatives, and what the store does; BENCH_ARGS picks of the first
	@$(VENV)-bench/bin/python -m bench $(BENCH_ARGS)
ifeq ($(BENCH_ARGS),)
	@$(VENV)-bench/bin/python -m bench.store_metrics
	@$(VENV)-bench/bin/python -m bench.store_signals
	@$(VENV)-bench/bin/python -m bench.answers
endif

lint: environment ## style, types, import directions, generated files
	@$(bin)/ruff check $(sources)
	@$(bin)/ruff format --check $(sources)
	@$(bin)/mypy
	@$(bin)/lint-imports --no-logo
	@$(bin)/python docs/generate.py --check
	@$(bin)/python -m tools.dashboards --check

format: environment ## the style, applied
	@$(bin)/ruff check --fix $(sources)
	@$(bin)/ruff format $(sources)

docs: environment ## the generated pages and dashboards, made again
	@$(bin)/python docs/generate.py
	@$(bin)/python -m tools.dashboards

picture: demo-environment ## the README's picture, taken again
	@$(bin)/python docs/picture.py

gallery: environment ## docs/gallery.md and its pictures, of the demo's answers, made again; needs Chromium, takes minutes
	@$(bin)/python -m whisperwatch.demo.gallery docs

clean: ## environments, caches and builds, removed
	rm -rf .venv .venv-* build dist .whisperwatch .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find $(sources) -name __pycache__ -type d -prune -exec rm -rf {} +

environment: python
	@"$(PYTHON)" tools/environment.py "$(VENV)" --group dev

demo-environment: python
	@"$(PYTHON)" tools/environment.py "$(VENV)" --extra demo

bench-environment: python
	@"$(PYTHON)" tools/environment.py "$(VENV)-bench" --group bench

python:
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer that can make environments (module ensurepip) is on the" \
		"PATH. Install one (Debian: python3 and python3-venv), or name it: make PYTHON=/path/to/python3" >&2; exit 1; }
