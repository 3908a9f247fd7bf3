# Two commands start here: make demo, make up. Nothing needs root or an answer typed in.

PYTHON ?= $(firstword $(foreach name,python3.11 python3,$(shell command -v $(name))))
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --no-input --disable-pip-version-check
# Two for each processor: many tests wait for processes of their own (with three for two processors, an eighth of their
# time was left over).
WORKERS ?= $(shell n=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1); echo $$((2 * n)))
TINY_CART := $(wildcard tests/carts/tiny/pyproject.toml tests/carts/tiny/setup.cfg)

# Every process of the demo and of the tests would compile all of IS2 anew.
unexport PYTHONDONTWRITEBYTECODE

ORDERS ?=
COUNT ?=
JSON ?=
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help install install-test demo up test check unit access-matrix ci sweep soak explore bench clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: .venv/installed ## Make .venv and install what IS2 runs on

install-test: .venv/installed-test ## Install what the tests and checks need besides

.venv/installed: requirements.txt setup.cfg pyproject.toml
	@$(or $(PYTHON),false) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "IS2 needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv .venv || { rm -rf .venv; \
		echo "$(PYTHON) cannot make a virtual environment; on Debian install the package python3-venv" >&2; exit 1; }
	@echo "Installing what IS2 runs on (a minute at most, once)" >&2
	@$(PIP) -r requirements.txt
	@$(PIP) --no-deps --editable .
	@touch $@

.venv/installed-test: .venv/installed requirements-test.txt $(TINY_CART)
	@echo "Installing what the tests need" >&2
	@$(PIP) -r requirements-test.txt
ifneq ($(TINY_CART),)
	@$(PIP) --no-deps --editable tests/carts/tiny
endif
	@touch $@

demo: .venv/installed ## Run orders and stock against a simulated Amazon and compare (ORDERS=file COUNT=n JSON=1)
	@$(BIN)/is2 demo $(if $(ORDERS),--orders "$(ORDERS)") $(if $(COUNT),--count $(COUNT)) $(if $(JSON),--json)

up: .venv/installed ## Start panel, workers, embedded Redis and simulated Amazon, and stay open
	@$(BIN)/is2 up

test: .venv/installed-test ## Run every test (ARGS="-k feeds" to choose, WORKERS=n)
	@$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal $(ARGS)

access-matrix: .venv/installed-test ## Write down what each role is answered at each address, to look at the difference
	@WRITE_ACCESS_MATRIX=1 $(BIN)/python -m pytest --quiet tests/web/test_access_matrix.py
	@git diff --stat tests/web/access_matrix.txt

# Only these files are loaded: what the others need takes longer than the unit tests themselves.
unit: .venv/installed-test ## Run the tests that need no server and no database
	@$(BIN)/python -m pytest --quiet -m unit $(ARGS) $$(grep -rlE '^pytestmark = .*mark\.unit' tests --include='test_*.py')

ci: .venv/installed-test ## Run the long proofs: explorer, demo, every page, every exit, packing by luck, breakages, soak
	@$(BIN)/is2 explore run --seeds 40 --jobs 2 $(FURTHER)
	@$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal -m "slow and not sweep"
	@$(BIN)/python -m tests.concurrency.soak --tasks 3000

check: .venv/installed-test ## Check style, types, dead code, the direction of imports and the rules of the project
	@$(BIN)/ruff check --output-format concise .
	@$(BIN)/lint-imports --config setup.cfg --no-logo
	@$(BIN)/mypy
	@$(BIN)/vulture
	@$(BIN)/python -m pytest --quiet tests/test_structure.py tests/test_glossary.py
	@all=$$($(BIN)/python -m pytest --quiet --collect-only -m '' 2>&1) || { echo "$$all"; exit 1; }

sweep: .venv/installed-test ## Kill a process at every fault point of every flow, and lose the answer of every commit
	@$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal -m sweep

soak: .venv/installed-test ## Put 10,000 tasks through real workers while they are killed
	@$(BIN)/python -m tests.concurrency.soak --tasks 10000

# The explorer's second cart and second warehouse.
FURTHER := --cart tests.exploration.tiny_shop --warehouse tests.exploration.bay_seven

explore: .venv/installed-test ## Run 500 seeds of the deterministic explorer
	@$(BIN)/is2 explore run --seeds 500 --jobs 2 $(FURTHER)

bench: .venv/installed-test ## Run the benchmarks, print their table and write benchmarks/results (ARGS=tasks to choose)
	@$(BIN)/python -m benchmarks $(ARGS)

clean: ## Remove the virtual environment, caches and what runs left behind
	@rm -rf .venv build dist var .is2 .pytest_cache .ruff_cache .mypy_cache .hypothesis .import_linter_cache *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
