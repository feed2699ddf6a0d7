# The two commands: `make run` and `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PORT
export SIMULATOR_PORT

.PHONY: run test test-rows test-rest lint bench faults faults-short vendors fuzz lock clean

run: $(VENV)/run.stamp
	@exec $(BIN)/python -m builder.supervise

PYTEST := $(BIN)/python -m pytest $(if $(CI),-p tests.no_skips)

# The fault rows mostly wait for what is dead to be noticed: they run beside the rest, and print when they end.
test: $(VENV)/test.stamp lint
	@$(MAKE) --no-print-directory --jobs=2 test-rows test-rest

test-rows:
	@$(PYTEST) -q tests/faults > $(VENV)/rows.log 2>&1; ended=$$?; cat $(VENV)/rows.log; exit $$ended

test-rest:
	@$(PYTEST) --ignore=tests/faults --numprocesses 2 --dist loadfile --no-loadscope-reorder

lint: $(VENV)/test.stamp
	@$(BIN)/ruff format --check --quiet . || { echo 'Run: $(BIN)/ruff format .'; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/python manage.py makemigrations --check --dry-run --verbosity 0 \
		|| { echo 'A model has changed without a migration: run $(BIN)/python manage.py makemigrations'; exit 1; }

# Seven to nine minutes; `make bench ARGS='--row send --short'` is one row in one.
bench: $(VENV)/test.stamp
	@$(BIN)/python -m tests.bench $(ARGS)

# The whole catalogue takes most of an hour; `make faults ARGS='--row stop_at_random'` is one row of it.
faults: $(VENV)/test.stamp
	@$(BIN)/python -m tests.faults $(ARGS)

faults-short: $(VENV)/test.stamp
	@$(BIN)/python -m tests.faults --short $(ARGS)

# Vendors' own client libraries, in environments of their own (.data/vendors), which download about a gigabyte
# once; `make vendors ARGS='retell mcp1'` is two rows of the table.
vendors: $(VENV)/test.stamp
	@$(BIN)/python -m tests.vendors $(ARGS)

# Some minutes; ARGS='--seconds 600' for longer.
fuzz: $(VENV)/test.stamp
	@$(BIN)/python -m tests.vendors.fuzz $(ARGS)

COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	--no-annotate --upgrade

lock: $(VENV)/test.stamp
	@$(COMPILE) pyproject.toml --output-file requirements.txt
	@$(COMPILE) --extra dev --constraint requirements.txt pyproject.toml --output-file requirements-dev.txt
	@for each in tests/vendors/requirements/*.in; do \
		$(COMPILE) $$each --output-file $${each%.in}.txt || exit 1; done

clean:
	rm -rf $(VENV) .data

$(VENV)/python.stamp:
	@command -v $(PYTHON) >/dev/null || { echo 'Python 3.11 or newer is needed: install it (Debian: apt install python3 python3-venv), or name it: make run PYTHON=/path/to/python3'; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$$($(PYTHON) --version) is too old: Midcall needs 3.11 or newer. Name one: make run PYTHON=python3.12"; exit 1; }
	@# Debian keeps venv in a package of its own; root may install it, others are told.
	@$(PYTHON) -m venv $(VENV) >/dev/null 2>&1 \
		|| { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && apt-get install -y -qq python3-venv >/dev/null && $(PYTHON) -m venv --clear $(VENV); } \
		|| { rm -rf $(VENV); echo 'Python cannot make a virtual environment (Debian: apt install python3-venv).'; exit 1; }
	@touch $@

$(VENV)/run.stamp: requirements.txt | $(VENV)/python.stamp
	@echo 'Installing dependencies (once) …'
	@$(BIN)/pip install -qq --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

$(VENV)/test.stamp: requirements.txt requirements-dev.txt | $(VENV)/python.stamp
	@echo 'Installing dependencies for tests (once) …'
	@$(BIN)/pip install -qq --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@ $(VENV)/run.stamp
