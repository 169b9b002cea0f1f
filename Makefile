PYTHON ?= python3.11
BIN := .venv/bin
.DEFAULT_GOAL := help
.PHONY: help setup dev drill serve test check peers bench lock migration

help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BIN)/python:
	@echo "Making a virtual environment in .venv …"
	@command -v $(PYTHON) >/dev/null && $(PYTHON) -m venv .venv || python3 -m venv .venv

.venv/.setup: requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing what irrops needs (about 130 packages, a minute) …"
	$(BIN)/python -m pip install --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --disable-pip-version-check --no-deps --no-build-isolation -q -e .
	@touch $@

.venv/.dev: requirements-dev.lock .venv/.setup
	@echo "Installing what the tests need …"
	$(BIN)/python -m pip install --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

setup: .venv/.setup ## Install irrops; leaves the command at .venv/bin/irrops
dev: .venv/.dev

drill: .venv/.setup ## The main job, nothing configured: a drill that ends by itself with a review
	$(BIN)/irrops drill it-outage

serve: .venv/.setup ## Start everything
	$(BIN)/irrops serve

test: .venv/.dev ## Run the tests (without the real counterparts)
	$(BIN)/pytest -m "not peers" -n 4 --dist loadfile

check: .venv/.dev ## Lint, format, types, playbooks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/irrops playbook check playbooks/*.yaml

peers: .venv/.dev ## Test against real programs (REQUIRE_PEERS=1: none may be missing)
	bash tests/peers/install.sh
	$(BIN)/pytest -m peers --timeout=300 -n 3 --dist loadfile

bench: .venv/.dev ## Measure, beside a yardstick in the same run
	$(BIN)/python -m bench

lock: ## Compile the lock files anew (needs uv)
	uv pip compile --python-version 3.11 --generate-hashes --no-emit-index-url -q pyproject.toml -o requirements.lock
	uv pip compile --python-version 3.11 --generate-hashes --no-emit-index-url -q --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock

migration: .venv/.dev ## Write a migration from the changed tables: make migration m="add colour"
	$(BIN)/python -m state.migrations.write "$(m)"
