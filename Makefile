# The two commands of the README are `make lab` and `make test`. Each needs only Python 3.11 (or newer) and make, and creates .venv itself.
# `make help` lists the others.

VENV   := .venv
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3.14 python3 python; do \
            if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo $$python; break; fi; done)
BIN    := $(VENV)/bin
PINS   := -c binder/requirements.txt -c tests/requirements.txt
SOURCES := pyproject.toml binder/requirements.txt tests/requirements.txt

# One BLAS thread: the same rounding on every machine, and no oversubscription of small matrices.
export OPENBLAS_NUM_THREADS = 1
export OMP_NUM_THREADS = 1
# Processes for the unit tests: one core each.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(min(4, os.cpu_count() or 1))' 2>/dev/null || echo 1)
# The kernel of this environment and not one of the same name in the home directory.
export JUPYTER_PREFER_ENV_PATH = 1
export PIP_DISABLE_PIP_VERSION_CHECK = 1
# Without stored byte code every kernel would start four times as slowly.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help lab test lint types unit pages-check browser site bench pages pins clean

help:
	@echo "make lab          open the pages in JupyterLab"
	@echo "make test         prove all of it: lint, types, unit tests, pages, browser"
	@echo "make lint | types | unit | pages-check | browser      one part of make test"
	@echo "make site         build the pages as a static site that runs in the reader's browser (site/dist)"
	@echo "make bench        measure speed against JAX and torch (installs both)"
	@echo "make pages        run every page again and store its outputs"
	@echo "make pins         resolve the pinned versions anew (binder/ and tests/requirements.txt)"
	@echo "make clean        remove .venv and all caches"

# ---- environment: one stamp per set of extras, renewed only when pyproject.toml or the pins change

$(BIN)/python:
	@if [ -z "$(PYTHON)" ]; then \
	  echo "landscape_nb needs Python 3.11 or newer, none was found on the PATH; install it or run make PYTHON=/path/to/python3.11."; exit 1; fi
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "$(PYTHON) has no venv module; install it (Debian, Ubuntu: apt-get install python3-venv) and run make again."; exit 1; }
	@echo "== creating $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)

# $(call install,extras): the project in place with these extras, at the pinned versions, byte code compiled once
define install
@echo "== installing landscape_nb[$(1)] into $(VENV)"
@$(BIN)/python -m pip install --quiet $(PINS) --editable ".[$(1)]"
@$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib landscape_nb >/dev/null || true  # some packages carry templates that do not compile
@touch $@
endef

$(VENV)/.lab: $(SOURCES) | $(BIN)/python
	$(call install,lab)

$(VENV)/.test: $(SOURCES) | $(BIN)/python
	$(call install,lab$(comma)test)
	@touch $(VENV)/.lab

# An environment of its own; site/requirements.txt says why.
$(VENV)/.site: site/requirements.txt binder/requirements.txt | $(BIN)/python
	@echo "== installing what builds the site into $(VENV)/site"
	@$(PYTHON) -m venv $(VENV)/site
	@$(VENV)/site/bin/python -m pip install --quiet -c binder/requirements.txt -r site/requirements.txt
	@$(VENV)/site/bin/python -m pip download --quiet --no-deps -c binder/requirements.txt --dest $(VENV)/site/wheels \
	  comm ipywidgets jupyterlab-widgets
	@touch $@

$(VENV)/.bench: $(SOURCES) | $(BIN)/python
	$(call install,bench)

comma := ,

# ---- the two commands

lab: $(VENV)/.lab
	@$(BIN)/landscape-nb lab

# Each part runs even when one before it failed, so that one run tells everything; any failure fails the whole.
test: $(VENV)/.test
	@failed=""; \
	for part in lint types unit pages-check browser; do \
	  $(MAKE) --no-print-directory $$part || failed="$$failed $$part"; \
	done; \
	if [ -n "$$failed" ]; then echo "== FAILED:$$failed"; exit 1; fi; \
	echo "== everything passed: lint, types, unit tests, pages, browser"

# ---- the parts of make test

lint: $(VENV)/.test
	@echo "== ruff: lint and format"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(VENV)/.test
	@echo "== mypy: the package"
	@$(BIN)/mypy

unit: $(VENV)/.test $(VENV)/.site
	@echo "== pytest: unit tests, layers, form of the pages"
	@$(BIN)/python -m pytest tests --ignore=tests/browser --ignore=tests/benchmarks -p no:nbval -q --durations=10 \
	  -n $(WORKERS) --dist loadfile --no-loadscope-reorder

pages-check: $(VENV)/.test
	@echo "== nbval, strict: every page runs and shows what is stored"
	@$(BIN)/python -m pytest --nbval --nbval-current-env --nbval-cell-timeout=300 -q -n $(WORKERS) --dist loadfile notebooks

browser: $(VENV)/.test $(VENV)/.site
	@echo "== browser: the pages under real sliders in JupyterLab, Notebook 7 and Voila; the static site"
	@$(BIN)/python -m pytest tests/browser -p no:nbval -q --durations=5 -n $(WORKERS)

# ---- maintenance

SITE := site/dist

site: $(VENV)/.site
	@$(VENV)/site/bin/python site/build.py --output $(SITE)

bench: $(VENV)/.test $(VENV)/.bench
	@$(BIN)/python -m pytest tests/benchmarks --benchmark-columns=min,median,rounds --benchmark-sort=name

pages: $(VENV)/.test
	@$(BIN)/python notebooks/refresh.py

# A fresh environment without constraints, so that the newest versions that work together are taken. Run it with the oldest Python
# that is to be served (make pins PYTHON=/usr/bin/python3.11): some packages already refuse the first releases of 3.11.
pins: | $(BIN)/python
	@rm -rf $(VENV)/pins && $(PYTHON) -m venv $(VENV)/pins
	@$(VENV)/pins/bin/python -m pip install --quiet ".[lab]"
	@$(VENV)/pins/bin/python tests/pins.py > $(VENV)/pins/requirements.txt
	@cp $(VENV)/pins/requirements.txt binder/requirements.txt
	@$(VENV)/pins/bin/python -m pip install --quiet -c binder/requirements.txt ".[test]"
	@$(VENV)/pins/bin/python tests/pins.py --without binder/requirements.txt > $(VENV)/pins/requirements.txt
	@cp $(VENV)/pins/requirements.txt tests/requirements.txt
	@rm -rf $(VENV)/pins
	@echo "wrote binder/requirements.txt and tests/requirements.txt; run make test before committing them"

clean:
	rm -rf $(VENV) build dist site/dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks tests/browser/screenshots
	find landscape_nb tests notebooks -type d \( -name __pycache__ -o -name .ipynb_checkpoints \) -prune -exec rm -rf {} +
