# One command sets everything up: a virtual environment from hashed locks, and the CDK command line from npm with a Node that comes as a wheel.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
VALIDATORS := .venv-validate
UV := $(BIN)/uv
LAPTOP := --extra cli --extra console --extra infra --extra lambdas --extra glue --extra process --extra train --extra local
LOCK := $(UV) pip compile --quiet --no-annotate --no-header --generate-hashes --python-version 3.11
WITH_NODE = PATH="$$($(BIN)/python -c 'from infra.node import node_bin; print(node_bin())'):$$PATH"
export PYTHONUNBUFFERED := 1

.PHONY: help demo test faults check validate base-image setup setup-test lock clean
help: ## show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

demo: setup ## set up, start the local cloud, deploy, upload a sample and follow the run to its scores
	$(BIN)/trainyard demo

test: setup-test ## every test; prints what it skipped and why
	$(BIN)/pytest -n 2 --dist loadgroup

faults: setup-test ## break everything the fault matrix knows, and write what came of it into docs/reliability.md
	rm -rf .trainyard/faults
	TRAINYARD_FAULTS_SEEN=.trainyard/faults $(BIN)/pytest tests/faults -n 2 --dist loadgroup -m faults
	$(BIN)/python -m tests.faults .trainyard/faults
	$(BIN)/pytest tests/faults/test_matrix.py

check: setup-test ## format, types, imports, state machine
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	mkdir -p cdk.out && $(BIN)/python -m state_machines.definition > cdk.out/training.asl.json
	$(WITH_NODE) node node_modules/asl-validator/dist/bin/asl-validator.js --json-path cdk.out/training.asl.json

validate: setup-test $(VALIDATORS)/.installed ## checkov and an IAM linter on the templates; infra/findings.toml names what stays
	$(BIN)/python -m tests.infra.validate $(VALIDATORS)/bin

base-image: setup ## write the newest digest of the images' base into their Dockerfiles
	$(BIN)/python -m infra.base_image

setup: $(VENV)/.laptop node_modules/.installed

setup-test: $(VENV)/.test node_modules/.installed

$(UV): locks/uv.txt
	$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v <= (3, 13) else f"Expected Python 3.11, 3.12 or 3.13, found {v[0]}.{v[1]}: call make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r locks/uv.txt
	@touch $@

$(VENV)/.laptop: locks/laptop.txt pyproject.toml $(UV)
	@test -e $(VENV)/.test || $(UV) pip install --quiet --python $(BIN)/python --require-hashes -r locks/laptop.txt
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.test: locks/test.txt pyproject.toml $(UV)
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r locks/test.txt
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/.laptop

$(VALIDATORS)/.installed: locks/validate.txt $(UV)
	$(PYTHON) -m venv $(VALIDATORS)
	$(UV) pip install --quiet --python $(VALIDATORS)/bin/python --require-hashes -r locks/validate.txt
	@touch $@

node_modules/.installed: package-lock.json $(VENV)/.laptop
	$(WITH_NODE) node "$$($(BIN)/python -c 'from infra.node import npm_script; print(npm_script())')" ci --no-audit --no-fund --loglevel=error
	@touch $@

lock: $(UV) ## compile every lock file anew from pyproject.toml
	echo 'uv==0.13.8' | $(LOCK) --universal -o locks/uv.txt -
	$(LOCK) --universal pyproject.toml $(LAPTOP) -o locks/laptop.txt
	$(LOCK) --universal pyproject.toml $(LAPTOP) --extra spark --extra test -c locks/laptop.txt -o locks/test.txt
	$(LOCK) --universal pyproject.toml --extra validate -o locks/validate.txt
	$(LOCK) --python-platform x86_64-manylinux_2_28 pyproject.toml --extra process -c locks/laptop.txt -o processing_container/requirements.txt
	$(LOCK) --python-platform x86_64-manylinux_2_28 pyproject.toml --extra train -c locks/laptop.txt -o training_container/requirements.txt
	$(LOCK) --python-platform x86_64-manylinux_2_28 pyproject.toml --extra lambdas -c locks/laptop.txt -o lambdas/requirements.txt
	$(LOCK) --python-platform x86_64-manylinux_2_28 pyproject.toml --extra glue -c locks/laptop.txt -o glue_jobs/requirements.txt

clean: ## remove what setup, tests and the local cloud made
	rm -rf $(VENV) $(VALIDATORS) node_modules .trainyard cdk.out
