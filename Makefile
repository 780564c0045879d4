# Every target does its own set-up in .venv; nothing else on the machine is touched.
SHELL := /bin/sh
VENV := .venv/bin
PYTEST_WORKERS ?= auto
ARGS ?=

.PHONY: help run test long lint bench stress clean

help: ## this list
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "make %-6s %s\n", $$1, $$2}' Makefile

run: ## watch one task being learned, with the rules agent and no hardware
	@.ci/setup run
	@if [ -t 1 ]; then screen=; else screen=--headless; fi; \
	exec $(VENV)/aspire-tui run cube_stack --agent rules --seed 7 $$screen $(ARGS)

test: ## all tests but the long ones
	@.ci/setup dev
	@$(VENV)/python -m pytest -n $(PYTEST_WORKERS) --dist loadfile --no-loadscope-reorder -m "not alone and not long" $(ARGS); together=$$?; \
	$(VENV)/python -m pytest -m "alone and not long" $(ARGS) || [ $$? -eq 5 ] && exit $$together

long: ## the long tests: promises kept again, of other agents, cells and faults
	@.ci/setup dev
	@$(VENV)/python -m pytest -n $(PYTEST_WORKERS) -m long $(ARGS)

lint: ## ruff, and mypy strict where it is promised
	@.ci/setup dev
	@$(VENV)/python -m ruff check .
	@$(VENV)/python -m ruff format --check --quiet .
	@$(VENV)/python -m mypy --no-error-summary

bench: ## engineering figures beside their goals
	@.ci/setup dev
	@$(VENV)/python -m tests.bench $(ARGS)

stress: ## volumes too long for every change: mutations, faults, soaks
	@.ci/setup dev
	@$(VENV)/python -m tests.stress $(ARGS)

clean: ## remove .venv and caches
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
