# `make` alone lists what there is. Needs Python >= 3.10, make and bash; uv is used where found.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PY := .venv/bin/python
HOST ?= aiohttp
BROKER ?= memory
PORT ?= 8000
HOSTS := aiohttp litestar sanic quart falcon blacksheep fastapi asgi
BROKERS := memory nats redis rabbit kafka confluent
ARGS ?=
# how many processes share the tests; 0 for none but the first
WORKERS ?= 2
# 1: what failed runs once more, alone, and is named; only what fails twice is a failure. For
# machines of unknown load: there are clocks in these tests, of servers, clients and signals.
RETRY ?= 0

# A root without a single Python file is an error for the type checkers, so it is left out.
SOURCES = $(foreach root,broker_core asgi adapters docs_src,$(if $(shell find $(root) -name '*.py' -print -quit 2>/dev/null),$(root)))

.PHONY: help setup demo test test-fast pytest brokers brokers-down brokers-status conformance bench lint format types assets screenshot clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'
	@echo "  Brokers' addresses: ANYSTREAM_NATS_URL, ANYSTREAM_REDIS_URL, ANYSTREAM_RABBIT_URL, ANYSTREAM_KAFKA_URL (default: localhost)."

setup: ## .venv with the project and all it needs (PYTHON=... picks the interpreter)
	@scripts/setup.sh

demo: ## the demo on 127.0.0.1:8000: HOST=aiohttp|litestar|sanic|quart|falcon|blacksheep|fastapi|asgi BROKER=memory|nats|redis|rabbit|kafka|confluent
	@[[ " $(HOSTS) " == *" $(HOST) "* ]] || { echo "error: there is no HOST=$(HOST). Choose one of: $(HOSTS)" >&2; exit 2; }
	@[[ " $(BROKERS) " == *" $(BROKER) "* ]] || { echo "error: there is no BROKER=$(BROKER). Choose one of: $(BROKERS)" >&2; exit 2; }
	@scripts/setup.sh
	@exec $(PY) docs_src/demo/main.py $(HOST) $(BROKER) --port $(PORT)

test: setup lint types ## everything: style, types, all tests on every broker that answers
	@$(PY) -m pytest -n $(WORKERS) --dist loadfile $(ARGS) || { code=$$?; \
		[[ "$(RETRY)" == 1 && $$code == 1 ]] || exit $$code; \
		echo "== These failed once; each has one more try, without the others' load =="; \
		$(PY) -m pytest -v -n 0 --last-failed --last-failed-no-failures none $(ARGS); }

test-fast: setup ## the tests without the slow ones
	@$(PY) -m pytest -n $(WORKERS) --dist loadfile -m "not slow" $(ARGS)

pytest: setup ## tests only: make pytest ARGS="tests/test_project.py -k wheel"
	@$(PY) -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

brokers: ## starts NATS, Redis, RabbitMQ and Kafka on this machine and waits until each answers
	@scripts/brokers.sh up

brokers-down: ## stops what `make brokers` started
	@scripts/brokers.sh down

brokers-status: ## which of them answer
	@scripts/brokers.sh status

conformance: setup ## the table of clauses and hosts
	@$(PY) -m anystream.conformance $(ARGS)

bench: setup ## anystream, the bare client and FastStream side by side
	@$(PY) -m tests.benchmarks $(ARGS)

lint: setup ## ruff: rules and format
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .

format: setup ## ruff: put right what can be
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

types: setup ## mypy --strict and pyright
	@$(PY) -m mypy $(SOURCES)
	@$(PY) -m pyright $(SOURCES)

assets: setup ## the page's React component from npm: make assets VERSION=3.2.1
	@$(PY) scripts/update_assets.py $(VERSION)

screenshot: setup ## the pictures in docs/images anew
	@$(PY) -m tests.page.screenshot

clean: ## caches and builds (not .venv, not the brokers' data)
	@rm -rf dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
