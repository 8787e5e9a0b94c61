# Each target sets up what it needs first: nothing has to be done before.

BIN := .venv/bin
ARGS ?=
SCRIPTS = $(shell grep -rlIE --exclude='*.py' '^\#!/(usr/)?bin/(env )?(ba|da)?sh' .ci deploy tests bench 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev setup-vm top test coverage check bench fuzz golden docs lock test-vm manuals deb clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

setup: ## install what irqwatch needs: .venv, and as root the system packages that are missing
	@deploy/setup run

setup-dev:
	@deploy/setup dev

setup-vm:
	@deploy/setup vm

top: setup ## the live screen (plain frames without a terminal); ARGS="-n 3 -d 2" is passed on
	@$(BIN)/irqwatch top $(ARGS)

# Live tests count what the whole kernel does and take CPUs offline: one at a time, after the rest.
test: setup-dev ## every test; those that need this kernel's BPF say why when they are skipped
	@status=0; rm -rf .cache/coverage; mkdir -p .cache/coverage; \
	if $(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 12))'; \
	then measured='-p tests.measured'; export COVERAGE_CORE=sysmon; else measured=; fi; \
	$(BIN)/pytest -q -n 2 --dist loadfile $$measured -m 'not live' $(ARGS) || status=1; \
	$(BIN)/pytest -q -m live $(ARGS) || status=1; \
	if [ -z "$$measured" ]; then echo 'coverage: "make coverage" measures it;' \
	    'before Python 3.12 that takes twice the time'; \
	else $(BIN)/coverage combine -q && \
	    echo "coverage of irqwatch/: $$($(BIN)/coverage report --format=total) %"; fi; \
	exit $$status

coverage: setup-dev ## the lines of irqwatch that no test runs in its own process
	@rm -rf .cache/coverage; mkdir -p .cache/coverage
	$(BIN)/pytest -q -n 2 --dist loadfile -p tests.measured -m 'not live' $(ARGS)
	@$(BIN)/coverage combine -q; $(BIN)/coverage report --show-missing

check: setup-dev ## format, lint, strict types, import contracts, layouts, shell scripts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@if command -v cc >/dev/null; then $(BIN)/python -m tests.native.layouts; \
	else echo 'no C compiler: layouts not checked'; [ -z "$$IRQWATCH_NO_SKIP" ]; fi
	@if command -v shellcheck >/dev/null; then echo shellcheck $(SCRIPTS); shellcheck $(SCRIPTS); \
	else echo 'shellcheck is not installed: scripts not checked'; [ -z "$$IRQWATCH_NO_SKIP" ]; fi

bench: setup-dev ## what it costs, against the budgets and the peers that are installed
	@$(BIN)/python bench/run.py $(ARGS)

fuzz: setup-dev ## the probe, compiled natively, under libFuzzer for FUZZ_SECONDS (60)
	@$(BIN)/python -m tests.native.fuzz

golden: setup-dev ## write the expected outputs of the golden tests anew; read the diff
	UPDATE_GOLDEN=1 $(BIN)/pytest -q -k golden $(ARGS)

lock: ## choose the versions of the development environment anew; needs uv (https://docs.astral.sh/uv)
	for group in dev vm; do uv pip compile -q --universal --python-version 3.10 --generate-hashes \
	    --no-emit-index-url --no-annotate --custom-compile-command 'make lock' --upgrade \
	    --group $$group pyproject.toml --output-file deploy/lock/$$group.txt; done

docs: setup-dev ## write what is made of the collectors' records
	@$(BIN)/python -m docs.make

manuals: setup-dev ## write the manual pages and the shells' completions below build/share
	@$(BIN)/python -m docs.manual build/share

deb: setup-dev ## the Debian package (12 and newer, Ubuntu 22.04 and newer), into dist
	@$(BIN)/python -m deploy.debian.make dist

test-vm: setup-vm ## the tests that boot other kernels: a few minutes each
	$(BIN)/pytest -q tests/vm $(ARGS)

clean: ## remove all that was made here, .venv included
	rm -rf .venv .cache dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
