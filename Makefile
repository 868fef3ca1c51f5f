# Every target sets up what it needs: a virtual environment in .venv with the pinned dependencies and the package.
# Windows has no make; the README gives the plain commands that these recipes run.
PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
READY  := $(VENV)/ready
# JupyterLab refuses to run as root (in a container, say) unless it is told to.
ROOT   := $(if $(filter 0,$(shell id -u)),--allow-root)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help lab test course refresh bench checkpoints lint clean distclean lock

help: ## List the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | while IFS="$$(printf '\t')" read -r name text; do \
		printf '  make %-11s %s\n' "$$name" "$$text"; done

lab: $(READY) ## Open JupyterLab at the first lesson (flags: make lab ARGS="--no-browser --port=9999")
	$(PY) -m jupyter lab $(ROOT) notebooks/00_start_here.ipynb $(ARGS)

test: $(READY) ## Prove everything: eight to eleven minutes on two cores (flags: make test ARGS="-k losses")
	$(PY) -m pytest -n logical $(ARGS)

course: $(READY) ## Run every lesson at class speed into build/course as notebooks and HTML, print its minutes
	$(PY) tests/lessons.py course $(LESSON)

refresh: $(READY) ## Execute the stored lessons in place, tidily (one lesson: make refresh LESSON=01)
	$(PY) tests/lessons.py refresh $(LESSON)

bench: $(READY) ## Measure the training step beside the loop of the usual example scripts (over an hour; a quiet machine)
	$(PY) tests/bench.py $(ARGS)

checkpoints: $(READY) ## For maintainers: train what lies in data/checkpoints anew, into build/checkpoints (hours)
	$(PY) tests/checkpoints.py $(ARGS)

lint: $(READY) ## Check style and formatting of the code and the lessons
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

clean: ## Remove build products and caches; lessons, data, your runs and .venv stay
	rm -rf build .pytest_cache .ruff_cache *.egg-info
	find ganlab tests notebooks \( -name __pycache__ -o -name .ipynb_checkpoints \) -prune -exec rm -rf {} +

distclean: clean ## Remove the virtual environment too
	rm -rf $(VENV)

lock: $(READY) ## For maintainers: pin all dependencies of pyproject.toml anew in requirements.lock
	$(PY) -m pip install --quiet pip-tools==7.6.2
	mkdir -p build
	echo '# Made by `make lock` from pyproject.toml (dependencies and the extra "test"); do not edit.' > build/lock
	$(PY) -m piptools compile --quiet --upgrade --extra test --strip-extras --no-header --no-emit-index-url \
		--no-emit-find-links --no-emit-trusted-host --annotation-style=line -o build/lock.full pyproject.toml
	sed -e '/^#/d' -e '/^$$/d' -e 's/+cpu//' build/lock.full >> build/lock
	mv build/lock requirements.lock

# The stamp is older than its inputs after a change of the dependencies: then pip brings the environment up to date.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "This course needs Python 3.11 or newer; '$(PYTHON)' is: $$($(PYTHON) --version 2>&1)." >&2; \
		echo "If you have a newer one under another name: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || { \
		echo "Python's venv module is missing. On Debian and Ubuntu: sudo apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $@
