# Everything runs in a virtual environment of its own; nothing but Python 3.10 or later is needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
RUNS := $(VENV)/.runs

# A test that does not end within five minutes prints the stacks of its process and ends this process:
# its worker is replaced, and the test fails by its name. Not in setup.cfg, because e2e takes longer.
HANG := -o faulthandler_timeout=300 -o faulthandler_exit_on_timeout=true

LAB_ENV ?= examples/lab/overlays/kraft-small

KAFKA ?= kafka-mirror/my-cluster
ROUNDS ?= 3
BOOTSTRAP ?= localhost:9092

.PHONY: demo test lint docs blueprints differential bench bench-export bench-fleet bench-outage bench-scale bench-topics fuzz e2e reliability lab-env lab-env-down consistency-test proof rehearsal versions release clean

demo: $(RUNS) ## Render an example, check it, and show what it will do
	$(BIN)/kanister-kafka render -f examples/mirror-maker-2 --kasten policy --output-dir build/demo
	$(BIN)/kanister-kafka validate build/demo
	$(BIN)/kanister-kafka plan -f examples/mirror-maker-2

test: $(READY) ## Unit and property tests; no cluster needed
	$(BIN)/pytest -q -n auto --dist worksteal $(HANG)

lint: $(READY) ## What CI checks in addition to the tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/shellcheck --shell=bash kanister_kafka/operations/clone/verify.sh templates/scripts/*.sh templates/scripts/*/*.sh examples/lab/*.sh examples/lab/producers/*/*.sh

docs: $(READY) ## The pages of docs/ as a site in build/site; a link that leads nowhere fails
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

blueprints: $(READY) ## Render the references in blueprints/ and the files of examples/helm again
	$(BIN)/pytest -q tests/backup/test_blueprints.py tests/docs/test_pages.py tests/docs/test_reliability_table.py tests/docs/test_shown_output.py tests/integrations/test_helm_chart.py tests/linter/test_rules.py --update-blueprints

differential: $(READY) ## What Go makes of the rows in tests/differential/go_*.json, and whether we do too; needs Go
	cd tests/differential && go run . .
	$(BIN)/pytest -q tests/differential/test_differential.py tests/gotemplate/test_runtime.py

bench: $(READY) ## How fast the validator is: docs/performance.md
	$(BIN)/python -m tests.benchmarks.validate

bench-fleet: $(READY) ## How long 100, 1,000 and 3,000 clusters take, and how much memory
	$(BIN)/python -m tests.benchmarks.fleet

bench-topics: $(READY) ## How fast topics are compared, on the Kafka at BOOTSTRAP: docs/performance.md
	$(BIN)/python -m tests.benchmarks.topics $(BOOTSTRAP) --write $(MORE)

consistency-test: $(READY) ## The scenarios of consistency-test on examples/lab, and docs/consistency-test-report.md; KANISTER_KAFKA_IMAGE has to be set
	$(BIN)/kanister-kafka consistency-test --yes --format markdown -o docs/consistency-test-report.md --html build/consistency-test.html

proof: consistency-test # the former name of the target; it works for one more release

rehearsal: $(READY) ## A rehearsal of KAFKA, whose Blueprint is applied, its report and its picture in the docs
	$(BIN)/python -m tests.docs.rehearsal $(KAFKA)

versions: $(READY) ## The table of Kafka's and Kubernetes' versions by Strimzi's, anew from its source, or from a clone: STRIMZI=DIR
	$(BIN)/python -m tests.strimzi.update_versions $(STRIMZI)

release: $(READY) ## Wheel, sdist, root of an image, SBOM and checksums in build/release; TAG=v1.2.3 is checked
	$(BIN)/python -m tests.release $(if $(TAG),--tag $(TAG))

bench-outage: $(READY) ## How long clients cannot write; stops KAFKA, whose Blueprint is applied
	$(BIN)/python -m tests.benchmarks.outage $(KAFKA) --rounds $(ROUNDS) --write $(MORE)

bench-export: $(READY) ## How fast a volume is copied to a store, compared with restic by hand; REPOSITORY or a directory
	$(BIN)/python -m tests.benchmarks.export --write $(if $(REPOSITORY),--repository $(REPOSITORY))

bench-scale: $(READY) ## How the steps grow with the number of nodes, without brokers: docs/performance.md
	$(BIN)/python -m tests.benchmarks.scale --write $(MORE)

fuzz: $(READY) ## Random and damaged files for some minutes; FUZZ_EXAMPLES=100000 for some hours
	FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-5000} $(BIN)/pytest -q tests/linter/test_fuzz.py

e2e: $(READY) ## What has not passed on the cluster of the current kubeconfig, or AGAIN=1, or MORE='-k …'
	E2E_RESUME=$(if $(AGAIN),,1) $(BIN)/pytest -v -m e2e tests/e2e $(MORE)

reliability: $(READY) ## Every fault on a real cluster that has not passed there, or AGAIN=1, or MORE='-k …'
	-RELIABILITY=1 RELIABILITY_AGAIN=$(AGAIN) $(BIN)/pytest -v -m e2e tests/e2e/test_reliability.py $(MORE)
	$(BIN)/python -m tests.e2e.reliability

lab-env: ## Two clusters, a mirror and producers on the current context: examples/lab/README.md
	LAB_IMAGE="$(LAB_IMAGE)" examples/lab/lab-env.sh up $(LAB_ENV)

lab-env-down: ## Remove what lab-env made, volumes too
	examples/lab/lab-env.sh down

# Installs the packages of the command, without those of the tests. It takes some seconds and prints each package.
$(RUNS): setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --disable-pip-version-check --editable .
	touch $@

$(READY): setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $(RUNS) $@

clean: ## Remove what the targets above made
	rm -rf $(VENV) build
