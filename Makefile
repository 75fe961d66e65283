.DEFAULT_GOAL := help
.PHONY: help install create test verify images check format bounds names docs

PYTHON ?= python3
DEST ?= ../shop
STRENGTH ?= 2
RENDERED ?= all
IMAGES ?= \
	framework=fastapi,orm=sqlalchemy,database=postgresql,auth=jwt,concurrency=async,cache=redis \
	framework=fastapi,orm=sqlmodel,database=sqlite,auth=session,concurrency=sync \
	framework=flask,orm=sqlalchemy,database=postgresql,auth=api-key,concurrency=async \
	framework=flask,orm=sqlmodel,database=sqlite,auth=none,concurrency=sync \
	framework=django,orm=django,database=postgresql,auth=session,concurrency=async,cache=redis \
	framework=django,orm=django,database=sqlite,auth=jwt,concurrency=sync,django_api=drf
export COMBINATIONS

help: ## List the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

# A separate virtual environment, with compiled bytecode, so that the first start is fast.
.venv/installed: pyproject.toml generator/new_backend/__init__.py
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.13.8,<0.14'
	.venv/bin/uv pip install --quiet --compile-bytecode --python .venv --group dev --editable '.[verify]'
	touch $@

install: .venv/installed ## Set up .venv with new-backend and the libraries of its tests

create: .venv/installed ## Create a service with the default choices in DEST
	.venv/bin/new-backend create $(DEST) --yes

test: .venv/installed ## Run the tests that need only a package index, in minutes
ifdef TESTS
	.venv/bin/python -m pytest -n 2 $(TESTS)
else
	.venv/bin/python -m pytest -n 2
	.venv/bin/new-backend verify --strength 1 --stage render,static,test
endif

verify: .venv/installed ## Check all combinations statically, and test pairs in all suites
	.venv/bin/new-backend verify --strength $(RENDERED) --stage render,static
	.venv/bin/python -m pytest -n 2 tests/fresh tests/verify
	.venv/bin/new-backend verify --strength $(STRENGTH) --stage test,contract --jobs 3

images: .venv/installed ## Build and run an image for each framework and concurrency, with Docker
	.venv/bin/new-backend verify --strength all --stage image $(IMAGES:%=--only %)

check: .venv/installed ## Check format, lint, types, prose and generated tables
	.venv/bin/ruff format --check
	.venv/bin/ruff check
	.venv/bin/mypy
	.venv/bin/python tools/docs.py --check
	.venv/bin/python tools/prose.py

format: .venv/installed ## Format the code, and apply the fixes of lint
	.venv/bin/ruff format
	.venv/bin/ruff check --fix

docs: .venv/installed ## Generate the tables in README.md and docs/
	.venv/bin/python tools/docs.py

bounds: .venv/installed ## Set the lower bounds of the services' libraries to the newest releases
	.venv/bin/python tools/bounds.py

names: .venv/installed ## Derive the reserved names of services from their locks and files
	.venv/bin/python tools/names.py
