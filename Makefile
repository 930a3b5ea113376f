# Needs python3 (3.11 or newer) with its venv, and nothing else. Everything lands in .venv/ and var/.

HOST ?= 127.0.0.1
PORT ?= 8000
PY := .venv/bin/python
CHAOS := tests/reviewapp/review/test_crowd.py tests/reviewapp/review/test_machine.py

.PHONY: help demo serve venv test chaos lint bench interop lock

help:
	@sed -n 's/^## //p' Makefile

## make demo    everything a bare machine needs, then the demo project, served
demo: .venv/ready
	$(PY) manage.py demo --serve --host $(HOST) --port $(PORT)

## make serve   the same server on the embedded database, without demo data
serve: .venv/ready
	$(PY) manage.py serve --host $(HOST) --port $(PORT)

## make venv    only the environment
venv: .venv/ready

## make test    everything the tests need (browser included), then the whole suite
test: .venv/ready-dev
	@tools/chromium.sh
	$(PY) -m pytest -n 2 --dist loadscope --no-loadscope-reorder $(TESTS)

## make chaos   the long forms of what `make test` proves in short: crowds, races, any order of events
chaos: .venv/ready-dev
	$(PY) -m pytest -s --full $(or $(TESTS),$(CHAOS))

## make lint    ruff, types, templates, import order, deploy check, floors
lint: .venv/ready-dev
	@PATH="$(CURDIR)/.venv/bin:$$PATH" tools/lint.sh

## make interop published exporters, installed in their own environments, against a running server
interop: .venv/ready-dev
	$(PY) -m pytest -p no:cacheprovider -v interop

## make bench   the benchmarks; prints a table of ratios
bench: .venv/ready-dev
	$(PY) -m bench

## make lock    compile the requirements files anew from pyproject.toml
lock: .venv/ready
	@tools/lock.sh

.venv/ready: requirements.txt requirements-uv.txt tools/venv.sh
	@tools/venv.sh requirements.txt
	@touch $@

.venv/ready-dev: requirements-dev.txt .venv/ready
	@tools/venv.sh requirements-dev.txt
	@touch $@
