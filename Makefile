# Every target sets up what it needs: a virtual environment in .venv with the tested versions.
#   make demo    the whole main job on the sample corpus, run folder runs/demo
#   make test    lint, types, import rules and the tests
#   make soak    the slow tests: hundreds of kills and signals, thousands of steps
#   make bench   time and memory of the demo and of --help
#   make bench-ppo   a PPO update beside TRL's on SmolLM2-135M: make bench-ppo BENCH="--prompts FILE --pairs 5"
#   make proof   the proof on real ReDial, hours, in any number of sittings: make proof DATA=redial GOEMOTIONS=goemotions
#                with JOBS=2, two of its steps at once, each with half of the cores

PYTHON ?= python3
DATA ?=
GOEMOTIONS ?=
VENV := .venv
BIN := $(VENV)/bin
PEER := build/trl
PEER_PACKAGES := torch==2.13.0 trl==1.11.0 "transformers>=5" accelerate datasets
BENCH ?=
JOBS ?= 1
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
	$(BIN)/pytest -m slow -p no:xdist -rP

bench: $(READY)
	$(BIN)/python benchmarks/demo.py

$(PEER)/.ready:
	$(PYTHON) -m venv $(PEER)
	$(PEER)/bin/python -m pip install --quiet --disable-pip-version-check $(PEER_PACKAGES)
	touch $@

bench-ppo: $(READY) $(PEER)/.ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[gguf]"
	$(BIN)/ecrctl model pull smollm2-135m --quiet
	$(BIN)/python benchmarks/ppo_pairs.py --peer-python $(PEER)/bin/python --check $(BENCH)

proof: $(READY)
	@test -n "$(DATA)" -a -n "$(GOEMOTIONS)" || { echo "which data? make proof DATA=path/to/redial GOEMOTIONS=path/to/goemotions"; exit 2; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[gguf]"
	$(BIN)/ecrctl model pull smollm2-135m --quiet
	$(BIN)/ecrctl model pull minilm-l6 --quiet
	$(BIN)/python benchmarks/proof/run.py --data "$(DATA)" --goemotions "$(GOEMOTIONS)" --jobs $(JOBS)

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
