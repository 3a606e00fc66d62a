# Every target but help and clean first makes or refreshes .venv; with nothing to do that takes a blink.
#   DEVICE=cpu|cuda   what the engine runs on (default: as last time, else cpu)
#   PYTHON=...        the Python to make .venv with (default: the first 3.11 or 3.12 found)
#   ONCE=1            stop the demo after its checks

BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup demo test check soak lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## make or refresh .venv from setup/$DEVICE.lock
	@python=$$(sh setup/find_python.sh $(PYTHON)) && \
		exec "$$python" -E -s setup/bootstrap.py $(if $(DEVICE),--device $(DEVICE))

demo: setup ## show the whole story on this machine, then keep serving
	@$(BIN)/medley demo $(if $(ONCE),--once)

test: setup ## run all tests, with a real engine and a real browser
	@sh setup/browser.sh
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not e2e"
	$(BIN)/python -m pytest -m e2e

check: setup ## format, lint, types, import contracts, quick tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/hadolint Dockerfile
	$(BIN)/mypy
	$(BIN)/lint-imports
	HYPOTHESIS_PROFILE=quick $(BIN)/python -m pytest -n 2 --dist loadgroup -m "not e2e and not gpu and not slow"

soak: setup ## the long tests of the registry: faults, races, collection, damage, fuzzing (half an hour)
	$(BIN)/python -m tests.soak.faults
	$(BIN)/python -m tests.soak.gc_soak --seconds 300
	$(BIN)/python -m tests.soak.bit_flips
	$(BIN)/python -m tests.soak.alias_race
	$(BIN)/python -m tests.soak.alias_race --store scale
	$(BIN)/python -m tests.soak.state_machine
	$(BIN)/python -m tests.fuzz.header --runs 1000000
	$(BIN)/python -m tests.fuzz.adapter_config --runs 1000000
	$(BIN)/python -m tests.bench.registry_scale

lock: setup ## resolve the locks anew; UPGRADE="name ..." moves those packages on
	@$(BIN)/python -E -s setup/lock.py $(UPGRADE)

clean: ## remove .venv and every cache of the tools
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist
