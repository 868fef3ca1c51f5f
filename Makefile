# Every target sets up what it needs: a virtual environment in .venv with the pinned dependencies and the package.
# Windows has no make; the README gives the plain commands that these recipes run.
PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
READY  := $(VENV)/ready
# nbgrader puts menus into JupyterLab, so it lies in an environment of its own, which sees all of the course's.
GRADER := $(VENV)/instructor
GPY    := $(GRADER)/bin/python
# What makes the book is nothing that a student needs.
BOOK   := $(VENV)/book
# JupyterLab refuses to run as root (in a container, say) unless it is told to.
ROOT   := $(if $(filter 0,$(shell id -u)),--allow-root)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help lab test check refresh asserts bench book checkpoints release import grade marking questions similar export mutants lint clean distclean lock

help: ## List the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | while IFS="$$(printf '\t')" read -r name text; do \
		printf '  make %-11s %s\n' "$$name" "$$text"; done

lab: $(READY) ## Open JupyterLab on your own copies of the lessons (flags: make lab ARGS="--no-browser --port=9999")
	$(PY) -m ganlab lessons
	$(PY) -m jupyter lab $(ROOT) --config=jupyter_server_config.py $(ARGS)

test: $(READY) $(GRADER)/ready $(BOOK)/ready ## Prove everything: about half an hour on two cores (flags: make test ARGS="-k losses")
	$(PY) -m pytest -n logical $(ARGS)

check: $(READY) ## Prove the quick part alone, for the minutes between two edits: no browser, lesson, grading or training
	$(PY) -m pytest -n logical --quick $(ARGS)

book: $(BOOK)/ready ## Make a site of the stored lessons in build/book, to read without network and kernel (two minutes)
	$(BOOK)/bin/python tests/tools/book.py

refresh: $(READY) ## Execute the stored lessons in place, tidily, and print their minutes (one lesson: make refresh LESSON=01)
	$(PY) tests/tools/lessons.py refresh $(LESSON)

asserts: $(READY) ## Run lessons, list what each assert compared and which could hardly fail (one lesson: make asserts LESSON=04)
	$(PY) tests/tools/asserts.py $(LESSON)

bench: $(READY) $(GRADER)/ready ## Measure the training step beside the loop of the usual example scripts, and grading (over an hour; a quiet machine)
	$(PY) tests/tools/bench.py $(ARGS)
	$(if $(ARGS),,GANLAB_BENCH=1 $(PY) -m pytest -q tests/test_latency_in_browser.py)

checkpoints: $(READY) ## For maintainers: train what lies in data/checkpoints anew, into build/checkpoints (hours)
	$(PY) tests/tools/checkpoints.py $(ARGS)

release: $(GRADER)/ready ## For teachers: make what students get of an assignment (make release A=1)
	$(GPY) -m ganlab.classroom release $(A)

grade: $(GRADER)/ready ## For teachers: mark what lies in notebooks/assignments/submitted (make grade A=1)
	$(GPY) -m ganlab.classroom grade $(A) $(ARGS)

import: $(GRADER)/ready ## For teachers: sort a download from a learning platform (make import A=1 FILE=download.zip)
	$(GPY) -m ganlab.classroom import $(A) "$(FILE)" $(ARGS)

questions: $(GRADER)/ready ## For teachers: a page on how each part did (make questions A=1)
	$(GPY) -m ganlab.classroom questions $(A)

similar: $(GRADER)/ready ## For teachers: a page of submissions that are unusually alike (make similar A=1)
	$(GPY) -m ganlab.classroom similar $(A)

export: $(GRADER)/ready ## For teachers: the marks of all assignments in one table
	$(GPY) -m ganlab.classroom export $(ARGS)

marking: $(GRADER)/ready ## For teachers: open nbgrader's form to mark written answers by hand
	cd notebooks/assignments && JUPYTER_PATH=$(abspath $(VENV))/share/jupyter $(abspath $(GPY)) -m jupyterlab $(ROOT) \
		--LabApp.app_dir=$(abspath $(VENV))/share/jupyter/lab --LabApp.default_url=/formgrader $(ARGS)

mutants: $(READY) ## Show that wrong answers are refused and right ones accepted, by lesson and assignment
	$(PY) tests/tools/mutants.py

lint: $(READY) ## Check style and formatting of the code and the lessons
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

clean: ## Remove build products and caches; lessons, work/, data, your runs and .venv stay
	rm -rf build .pytest_cache .ruff_cache
	find ganlab tests notebooks \( -name __pycache__ -o -name .ipynb_checkpoints \) -prune -exec rm -rf {} +

distclean: clean ## Remove the virtual environment too
	rm -rf $(VENV)

lock: $(READY) ## For maintainers: pin all dependencies of pyproject.toml anew in requirements.lock
	$(PY) -m pip install --quiet pip-tools==7.6.2
	mkdir -p build
	echo '# Made by `make lock` from pyproject.toml (dependencies, the extras "test" and "export"); do not edit.' > build/lock
	$(PY) -m piptools compile --quiet --upgrade --extra test --extra export --strip-extras --no-header --no-emit-index-url \
		--no-emit-find-links --no-emit-trusted-host --annotation-style=line -o build/lock.full pyproject.toml
	sed -e '/^#/d' -e '/^$$/d' -e 's/+cpu//' build/lock.full >> build/lock
	mv build/lock requirements.lock
	sed 's/ *#.*//' requirements.lock > build/pins
	for extra in instructor book; do \
		echo "# Made by \`make lock\`: what the extra \"$$extra\" needs beyond requirements.lock; do not edit." > build/lock; \
		$(PY) -m piptools compile --quiet --upgrade --extra $$extra --strip-extras --no-header --no-emit-index-url \
			--no-emit-find-links --no-emit-trusted-host --no-annotate -c requirements.lock -o build/lock.full pyproject.toml \
			|| exit 1; \
		sed -e '/^#/d' -e '/^$$/d' -e 's/+cpu//' build/lock.full | grep -v -x -F -f build/pins >> build/lock; \
		mv build/lock requirements-$$extra.lock || exit 1; \
	done

# An environment that lies over the course's and adds what a lock of its own pins: instructor, book.
$(VENV)/%/ready: $(READY) requirements-%.lock
	$(PY) -m venv $(@D)
	$(PY) -c 'import sysconfig; print("import site; site.addsitedir(%r)" % sysconfig.get_path("purelib"))' > \
		"$$($(@D)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/course.pth"
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements-$*.lock
	touch $@

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
