# Everything runs in a virtual environment of its own; nothing but Python 3.10 or later is needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test lint blueprints bench fuzz e2e clean

demo: $(READY) ## Render an example, check it, and show what it will do
	$(BIN)/kanister-kafka render -f examples/mirror-maker-2 --kasten policy -o build/demo
	$(BIN)/kanister-kafka validate build/demo
	$(BIN)/kanister-kafka plan -f examples/mirror-maker-2

test: $(READY) ## Unit and property tests; no cluster needed
	$(BIN)/pytest -q

lint: $(READY) ## What CI looks at besides the tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/shellcheck --shell=bash templates/scripts/*.sh

blueprints: $(READY) ## Render the references in blueprints/ again
	$(BIN)/pytest -q tests/test_blueprints.py tests/test_docs.py --update-blueprints

bench: $(READY) ## How fast the validator is: docs/performance.md
	$(BIN)/python tests/bench.py

fuzz: $(READY) ## Random and damaged files for some minutes; FUZZ_EXAMPLES=100000 for some hours
	FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-5000} $(BIN)/pytest -q tests/test_fuzz.py

e2e: $(READY) ## On the cluster of the current kubeconfig: docs/development.md says how
	$(BIN)/pytest -v -m e2e tests/e2e

$(READY): setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

clean: ## Remove what the targets above made
	rm -rf $(VENV) build
