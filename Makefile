# Two commands on a fresh machine: `make book` builds the report, `make test` passes the tests.
PROFILE ?= quick
PYTHON ?= python3
VENV := .venv
SHELL := bash
.SHELLFLAGS := -o pipefail -c
ifneq ($(wildcard ../shared/quickdraw),)
export SKETCHLIB_DATA ?= $(abspath ../shared/quickdraw)
endif
export PYTHONDONTWRITEBYTECODE = 1

# With LOCKED=1, as CI does: first the versions and files that requirements.lock names. A file with another checksum ends it; where one is not
# to be had, as on a system that nobody locked for, a line tells so, and pyproject.toml alone says what is installed.
define FROM_LOCK
$(VENV)/bin/python -m pip install -q --disable-pip-version-check --require-hashes --no-deps -r requirements.lock >$(VENV)/lock.log 2>&1 || \
	{ tail -n 5 $(VENV)/lock.log; ! grep -q 'DO NOT MATCH' $(VENV)/lock.log && echo "requirements.lock cannot be installed here: going on without it"; }
endef

.PHONY: book pdf test lab bench fuzz lint lock clean
book: $(VENV)/.installed
	@$(VENV)/bin/python -m doit --verbosity 2 profile=$(PROFILE)

pdf: $(VENV)/.installed
	@$(VENV)/bin/python -m doit --verbosity 2 profile=$(PROFILE) pdf

# Two workers, each of which takes whole files; one thread each, for two threads on two cores wait for each other.
test: $(VENV)/.installed
	@OMP_NUM_THREADS=1 $(VENV)/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

lab: $(VENV)/.installed
	@$(VENV)/bin/python -m jupyterlab notebooks $(LAB)

bench: $(VENV)/.installed
	@$(VENV)/bin/python benchmarks/run.py $(BENCH)

fuzz: $(VENV)/.installed
	@$(VENV)/bin/python -c 'import atheris' 2>/dev/null || $(VENV)/bin/python -m pip install -q atheris
	@$(VENV)/bin/python fuzz/campaign.py $(FUZZ)

lint: $(VENV)/.installed
	@$(VENV)/bin/ruff check .

lock: $(VENV)/.installed
	@$(VENV)/bin/python -c 'import uv' 2>/dev/null || $(VENV)/bin/python -m pip install -q uv
	@$(VENV)/bin/python .ci/lock.py

clean:
	rm -rf build

$(VENV)/.installed: pyproject.toml setup.py
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v < (3, 14) else "Python 3.11, 3.12 or 3.13 is needed; this is %d.%d. Name one: make PYTHON=python3.12" % v)'
	@echo "Installing what pyproject.toml lists into $(VENV); the first time this takes some minutes."
	@$(PYTHON) -m venv $(VENV)
	@$(if $(LOCKED),$(FROM_LOCK))
	@$(VENV)/bin/python -m pip install --progress-bar off --disable-pip-version-check -e '.[book,test]' 2>$(VENV)/pip.log | \
		awk '/^(Collecting|Processing)/ {sub(".*/", "", $$2); print "  " $$2; fflush()} \
		/^Installing collected/ {print NF - 3 " packages are being installed ..."; fflush()}' \
		|| { tail -n 20 $(VENV)/pip.log; exit 1; }
	@touch $@
