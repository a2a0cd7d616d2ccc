# Two commands on a fresh machine: `make book` builds the report, `make test` passes the tests.
PROFILE ?= quick
PYTHON ?= python3
VENV := .venv
ifneq ($(wildcard ../shared/quickdraw),)
export SKETCHLIB_DATA ?= $(abspath ../shared/quickdraw)
endif
export PYTHONDONTWRITEBYTECODE = 1

.PHONY: book test lab bench lint clean
book: $(VENV)/.installed
	@$(VENV)/bin/python -m doit --verbosity 2 profile=$(PROFILE)

test: $(VENV)/.installed
	@$(VENV)/bin/python -m pytest

lab: $(VENV)/.installed
	@$(VENV)/bin/python -m jupyterlab notebooks

bench: $(VENV)/.installed
	@$(VENV)/bin/python benchmarks/run.py $(BENCH)

lint: $(VENV)/.installed
	@$(VENV)/bin/ruff check .

clean:
	rm -rf build .doit.db*

$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v < (3, 14) else "Python 3.11, 3.12 or 3.13 is needed; this is %d.%d. Name one: make PYTHON=python3.12" % v)'
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[book,test]'
	@touch $@
