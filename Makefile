# One command sets everything up: a virtual environment from hashed locks, and the CDK command line from npm with a Node that comes as a wheel.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
VALIDATORS := .venv-validate
UV := $(BIN)/uv
LAPTOP := --extra cli --extra console --extra infra --extra lambdas --extra glue --extra process --extra train --extra local
LOCK := $(UV) pip compile --quiet --no-annotate --no-header --generate-hashes --python-version 3.11
WITH_NODE = PATH="$$($(BIN)/python -c 'from infra.node import node_bin; print(node_bin())'):$$PATH"
# What a pipeline deploys: an environment, and the folder that it was synthesized into.
ENV ?= dev
ASSEMBLY = cdk.out/$(ENV)
CDK = PATH="$$PWD/$(BIN):$$($(BIN)/python -c 'from infra.node import node_bin; print(node_bin())'):$$PATH" node node_modules/aws-cdk/bin/cdk
CDK_OPTIONS = --ci --no-color --no-notices
# A tar keeps the modes of files, which artifacts of a pipeline lose.
UNPACK = test -d $(ASSEMBLY) || tar -C cdk.out -xf $(ASSEMBLY).tar
# A comment on GitHub holds 65,536 characters, and there are two environments; the log has all of it.
SHOWN_BYTES = 30000
export PYTHONUNBUFFERED := 1

.PHONY: help demo test notebook tutorials faults check validate wheel base-image setup setup-test lock clean assembly diff promote deploy-assembly pipeline
help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*##/ { printf "%-17s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: setup ## set up, start the local cloud, deploy, upload a sample and follow the run to its scores
	$(BIN)/trainyard demo

test: setup-test ## every test; prints what it skipped and why
	$(BIN)/pytest -n 2 --dist loadgroup

notebook: $(VENV)/.notebook ## open the tutorials in JupyterLab, which this installs
	$(BIN)/trainyard notebook

tutorials: setup-test ## run both tutorials from their first cell to their last; `make test` runs the shorter one
	$(BIN)/pytest tests/stack/test_tutorials.py -m stack -n 0

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

validate: setup-test $(VALIDATORS)/.installed ## checkov, an IAM linter and actionlint on templates and workflows; infra/findings.toml names what stays
	$(BIN)/python -m tests.infra.validate $(VALIDATORS)/bin

assembly: setup ## synthesize the environment ENV into cdk.out/ENV and cdk.out/ENV.tar, for any account
	rm -rf $(ASSEMBLY) $(ASSEMBLY).tar
	$(CDK) synth --quiet --output $(ASSEMBLY) -c env=$(ENV) $${ALARM_EMAIL:+-c "alarm_email=$$ALARM_EMAIL"} $(CDK_OPTIONS)
	tar -C cdk.out -cf $(ASSEMBLY).tar $(ENV)

diff: setup ## write what deploying cdk.out/ENV would change into cdk.out/ENV.md
	@$(UNPACK)
	$(CDK) diff --app $(ASSEMBLY) --method template $(CDK_OPTIONS) > $(ASSEMBLY).diff
	@cat $(ASSEMBLY).diff
	{ printf '### %s\n```\n' $(ENV); head -c $(SHOWN_BYTES) $(ASSEMBLY).diff; printf '\n```\n'; } > $(ASSEMBLY).md

promote: setup ## copy the images that cdk.out/ENV needs from where cdk.out/dev was deployed (SOURCE_ACCOUNT), by digest
	@$(UNPACK)
	@test -d cdk.out/dev || tar -C cdk.out -xf cdk.out/dev.tar
	$(BIN)/python -m infra.promote cdk.out/dev $(ASSEMBLY)

deploy-assembly: setup ## deploy cdk.out/ENV as it is: nothing is synthesized, no image that is there is built
	@$(UNPACK)
	$(CDK) deploy --app $(ASSEMBLY) --all --require-approval never --import-existing-resources $(CDK_OPTIONS)

pipeline: setup ## deploy the roles by which REPOSITORY (owner/name) deploys from GitHub to this account
	$(CDK) deploy --app 'python3 -m infra.pipeline' --output cdk.out/pipeline -c "repository=$(REPOSITORY)" $(PIPELINE) $(CDK_OPTIONS)

wheel: setup ## build the installable package into dist/
	rm -rf build dist
	$(BIN)/python -c "from setuptools import build_meta; build_meta.build_wheel('dist')"

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

$(VENV)/.notebook: locks/notebook.txt $(VENV)/.laptop
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r locks/notebook.txt
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
	@printf '#!/bin/sh\n# The CDK command line of package.json, by the Node that comes as a wheel.\nPATH="%s:%s:$$PATH" exec node "%s" "$$@"\n' \
		"$$PWD/$(BIN)" "$$($(BIN)/python -c 'from infra.node import node_bin; print(node_bin())')" "$$PWD/node_modules/aws-cdk/bin/cdk" > $(BIN)/cdk
	@chmod +x $(BIN)/cdk
	@touch $@

lock: $(UV) ## compile every lock file anew from pyproject.toml
	echo 'uv==0.13.8' | $(LOCK) --universal -o locks/uv.txt -
	$(LOCK) --universal pyproject.toml $(LAPTOP) -o locks/laptop.txt
	$(LOCK) --universal pyproject.toml $(LAPTOP) --extra notebook -c locks/laptop.txt -o locks/notebook.txt
	$(LOCK) --universal pyproject.toml $(LAPTOP) --extra notebook --extra spark --extra test -c locks/notebook.txt -o locks/test.txt
	$(LOCK) --universal pyproject.toml --extra validate -o locks/validate.txt
	$(LOCK) --python-platform x86_64-manylinux_2_28 pyproject.toml --extra process -c locks/laptop.txt -o processing_container/requirements.txt
	$(LOCK) --python-platform x86_64-manylinux_2_28 pyproject.toml --extra mlflow -c locks/notebook.txt -o processing_container/requirements-mlflow.txt
	$(LOCK) --python-platform x86_64-manylinux_2_28 pyproject.toml --extra train -c locks/laptop.txt -o training_container/requirements.txt
	$(LOCK) --python-platform x86_64-manylinux_2_28 pyproject.toml --extra gpu -c locks/laptop.txt -o training_container/requirements-gpu.txt
	$(LOCK) --python-platform x86_64-manylinux_2_28 pyproject.toml --extra lambdas -c locks/laptop.txt -o lambdas/requirements.txt
	$(LOCK) --python-platform x86_64-manylinux_2_28 pyproject.toml --extra glue -c locks/laptop.txt -o glue_jobs/requirements.txt

clean: ## remove what setup, tests and the local cloud made
	rm -rf $(VENV) $(VALIDATORS) node_modules .trainyard cdk.out
