# Two commands: `make demo` and `make test`. Both begin with `make setup`.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup demo test lint types floors audit browser clean

setup: .venv/.ready

.venv/.ready: requirements-dev.txt requirements-bootstrap.txt pyproject.toml tools/setup
	@PYTHON="$(PYTHON)" sh tools/setup

demo: setup
	@$(BIN)/rempart demo

test: setup browser
	@$(BIN)/python -m pytest -n 2 --dist loadfile -m "not browser"
	@$(BIN)/python -m pytest -m browser

# Chromium for the browser tests: installed where apt and root allow, otherwise one line says why not.
browser:
	@sh tools/browser

lint: setup
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: setup
	@$(BIN)/mypy

floors: setup
	@$(BIN)/lint-imports

# Known vulnerabilities of the pinned dependencies; says so where no advisory service can be reached.
audit: setup
	@$(BIN)/python tools/audit.py

clean:
	rm -rf .venv var
