# The commands of the project; `make help` lists them. The environment is .venv.

PYTHON ?= python3.11
BACKEND ?= tensorflow
DEVICE ?= cpu
PORT ?= 5001
UI_PORT ?= 5000
WORKERS ?= 2
PAGE_PORT ?= $(shell expr $(PORT) + 1)
UV := 0.13.9
PIP_AUDIT := 2.10.1
HOLES := api.osv.dev
BIN := .venv/bin
INSTALL := uv pip install -q --python $(BIN)/python -c constraints.txt -b constraints.txt
export PATH := $(CURDIR)/$(BIN):$(PATH)
export UV_COMPILE_BYTECODE := 1
unexport VIRTUAL_ENV CONDA_PREFIX PYTHONPATH PYTHONHOME

ifeq ($(MLFLOW_EXPERIMENT_NAME)$(MLFLOW_EXPERIMENT_ID),)
run: export MLFLOW_EXPERIMENT_NAME := sentiment
endif

help:  ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

run: .venv/ready  ## prepare, train, evaluate and register on the bundled reviews; BACKEND=tensorflow, cntk, jax or torch
	@[ $(BACKEND) = tensorflow ] || python -m sentiment.backends $(BACKEND)
	@echo "run: starting MLflow, about 10 s"
	@python -m sentiment.tracking
	@MLFLOW_LOGGING_LEVEL=$${MLFLOW_LOGGING_LEVEL:-WARNING} MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT=true \
		MLFLOW_HTTP_REQUEST_MAX_RETRIES=$${MLFLOW_HTTP_REQUEST_MAX_RETRIES:-1} mlflow run . --env-manager local -P backend=$(BACKEND)

install: .venv/ready  ## the environment of one more backend: BACKEND=jax; DEVICE=cuda for NVIDIA GPUs
	@python -m sentiment.backends $(BACKEND) --device $(DEVICE)

install-spark: .venv/ready  ## Apache Spark, for score with engine=spark; needs Java 17
	$(INSTALL) -r pyproject.toml --extra spark

test: .venv/ready-dev  ## all tests, WORKERS=2 at a time; builds the environments of all backends first
	@python -m sentiment.backends cntk jax torch
	python -m pytest -n $(WORKERS)

test-quick: .venv/ready-dev  ## the tests that start no command, trainer or server
	python -m pytest -n $(WORKERS) -m "not slow"

bench: .venv/ready-dev  ## speed and accuracy as ratios: writes docs/benchmarks.md (an hour and more)
	@python -m sentiment.backends cntk jax torch
	python -m benchmarks

screenshots: .venv/ready-dev  ## the pictures of MLflow's pages in docs/images; needs Chromium
	@python -m sentiment.backends cntk
	python -m tests.screenshots

lint: .venv/ready-dev  ## ruff and mypy
	ruff check .
	ruff format --check .
	mypy

docs: .venv/ready  ## write MLproject and docs/parameters.md anew, after a change of sentiment/settings
	python -m docs.generate

audit: .venv/ready  ## known holes in the pinned versions, as osv.dev has them
	@python -c "import requests; requests.get('https://$(HOLES)', timeout=20)" 2>/dev/null \
		|| { echo "$(HOLES), which knows the holes of packages, can't be reached from here. Nothing was checked." >&2; exit 2; }
	@uv tool run -q pip-audit==$(PIP_AUDIT) -r constraints.txt --no-deps --disable-pip --strict -s osv --progress-spinner off

serve: .venv/ready  ## the champion over HTTP, at http://127.0.0.1:5001 (PORT=…), and a page to try it, at 5002 (PAGE_PORT=…)
	@python -m sentiment.serving.page --port $(PORT) --page-port $(PAGE_PORT)

# MLflow's processes for language models are half of its start. (A comment behind the value would make its blanks part of it.)
ui: export MLFLOW_SERVER_ENABLE_JOB_EXECUTION ?= false
ui: .venv/ready  ## the runs in the browser, at http://127.0.0.1:5000 (UI_PORT=…)
	@python -m sentiment.tracking.ui --port $(UI_PORT)

doctor: .venv/ready  ## what this machine has and lacks
	@python -m sentiment.doctor

lock: .venv/ready  ## choose the newest versions anew: writes constraints.txt
	cp constraints.txt .venv/constraints.before
	: > constraints.txt
	uv pip compile -q --universal --python-version 3.11 --no-annotate --custom-compile-command 'make lock' \
		pyproject.toml --extra dev --extra spark environments/jax/requirements.txt environments/torch/requirements.txt environments/build.txt -o constraints.txt \
		|| { mv .venv/constraints.before constraints.txt; exit 1; }
	$(MAKE) --no-print-directory lock-cuda

lock-cuda: .venv/ready  ## the versions for NVIDIA GPUs: writes environments/*-cuda/requirements.txt
	for backend in tensorflow jax torch; do \
		uv pip compile -q --upgrade --universal --python-version 3.11 --no-annotate --custom-compile-command 'make lock' -c constraints.txt \
			environments/$$backend-cuda/names.in -o environments/$$backend-cuda/requirements.txt || exit 1; \
	done

clean:  ## remove the environment (not your runs)
	rm -rf .venv

.venv/ready: requirements.txt constraints.txt pyproject.toml
	@[ -x $(BIN)/python ] || $(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null \
		|| { echo "It takes Python 3.11, 3.12 or 3.13. Received: PYTHON=$(PYTHON). Get one (pyenv install 3.11.7), or say PYTHON=/path/to/python3.12." >&2; exit 2; }
	[ -x $(BIN)/python ] || $(PYTHON) -m venv .venv
	[ -x $(BIN)/uv ] || $(BIN)/python -m pip install -q --disable-pip-version-check uv==$(UV)
	@echo "Installing MLflow, Keras and TensorFlow into .venv, once: about a minute, and what a slow network takes."
	$(INSTALL) -r requirements.txt
	$(INSTALL) --no-deps -e .
	@touch $@

.venv/ready-dev: .venv/ready
	$(INSTALL) -r pyproject.toml --extra dev --extra spark
	@touch $@

.PHONY: help run install install-spark test test-quick bench screenshots lint docs audit serve ui doctor lock lock-cuda clean
