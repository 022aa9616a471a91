# Every way into this checkout. `make` lists them; each does what it needs first.
SHELL := /bin/bash
BIN := .venv/bin
.DEFAULT_GOAL := help
.PHONY: help setup setup-tests demo test test-all test-aws test-gcp test-tofu unit format lint types bench docs lock wheel clean
.PHONY: checks tests-of-ci tests-in-full
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# What is imported is compiled once, and not by each of some hundred processes that tests start.
export PYTHONDONTWRITEBYTECODE :=
MAKEFLAGS += --no-print-directory
# Three workers keep two processors busy, for tests wait for machines; see tests/conftest.py.
PYTEST := $(BIN)/pytest -n 3
# What the long tests draw from: another every day. `make test-all SEED=20260131` draws as on that day.
SEED ?= $(shell date +%Y%m%d)

help: ## list these targets
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  make \1\t\2/p' Makefile | expand -t 18

setup: ## install what is missing: Debian packages, .venv, dependencies (again: a fraction of a second)
	@setup/install.sh

setup-tests: ## the same, and the Debian packages that tests alone need
	@setup/install.sh tests

demo: setup ## the whole way on this machine: bake, publish, roll under load, burn
	@$(BIN)/phoenix demo

test: setup-tests ## linters, types, and the tests that CI runs, side by side (twenty minutes)
	@$(MAKE) --jobs 3 checks tests-of-ci

test-all: setup-tests ## the same and the long rest: rolls on emulated machines (at most 75 minutes)
	@$(MAKE) --jobs 3 checks tests-in-full

test-aws: setup-tests ## the whole way in a real account of yours: says first what it costs, asks for a yes, removes it
	@$(BIN)/python -m tests.account

test-gcp: setup-tests ## the same in a real project of Google Cloud of yours
	@$(BIN)/python -m tests.account.gcp

test-tofu: setup-tests ## the tests of stacks with OpenTofu instead of Terraform; builds it first, once (half an hour, needs Go)
	@PHOENIX_TEST_TERRAFORM=$$(setup/opentofu.sh) $(BIN)/pytest -q --no-header tests/integration/test_stacks.py

unit: setup-tests ## the unit tests alone: what we decide (a minute and a half)
	@$(PYTEST) --no-header -m "not full" tests/unit

format: setup ## bring the source into ruff's form, and mend what ruff can mend
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix

checks: lint types

tests-of-ci: setup-tests
	@$(PYTEST) --no-header -m "not full"

tests-in-full: setup-tests
	@PHOENIX_TEST_SEED=$(SEED) $(PYTEST) --hypothesis-profile=full --hypothesis-seed=$(SEED)

lint: setup ## ruff, its formatter, ansible-lint
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet
	@$(BIN)/ansible-lint --offline -q playbooks

types: setup ## mypy --strict
	@$(BIN)/mypy --no-error-summary

bench: setup ## measure the ratios of docs/benchmarks.md and write them there (ten minutes)
	@$(BIN)/python -m benchmarks

docs: setup ## write the reference in docs/ from the code: keys of phoenix.yaml, commands, JSON
	@$(BIN)/python -m docs.reference

lock: setup ## bring requirements.lock in line with pyproject.toml (remove it first to take newer versions)
	@$(BIN)/uv pip compile pyproject.toml --group dev --generate-hashes --universal --python-version 3.11 \
		--no-header --quiet --output-file requirements.lock

wheel: setup ## build dist/phoenix_servers-VERSION.whl
	@$(BIN)/python -m hatchling build --target wheel

clean: ## stop the demo's machines; remove demo/, .venv and caches
	@setup/clean.sh
