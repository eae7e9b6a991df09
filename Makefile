# Every target sets up what it needs: a virtual environment in .venv with the tested versions.
#   make demo    the whole main job on the sample corpus, run folder runs/demo
#   make test    lint, types, import rules and the tests
#   make bench   time and memory of the demo and of --help; bench-ppo: of a PPO update, by phase
#   make proof   the main job on real ReDial: make proof DATA=path/to/redial

PYTHON ?= python3
DATA ?=
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: install demo test lint soak bench bench-ppo proof clean

install: $(READY)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $(READY)

demo: $(READY)
	$(BIN)/ecrctl run --profile demo

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint
	$(BIN)/pytest

soak: $(READY)
	$(BIN)/pytest -m slow

bench: $(READY)
	$(BIN)/python benchmarks/demo.py

bench-ppo: $(READY)
	test -f runs/demo/run.json || $(BIN)/ecrctl run --profile demo
	$(BIN)/python benchmarks/ppo.py --run runs/demo

proof: $(READY)
	@test -n "$(DATA)" || { echo "which data? make proof DATA=path/to/redial"; exit 2; }
	$(BIN)/ecrctl run --data "$(DATA)" --run runs/redial --profile balanced

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
