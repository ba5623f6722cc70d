# `make help` lists the targets. Everything is installed into .venv from hashed lock files; nothing else is touched.
.SHELLFLAGS := -eu -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
export PIP_DISABLE_PIP_VERSION_CHECK = 1
# Compiling all tests takes longer than most of them: what is compiled is kept, whatever the shell says.
export PYTHONDONTWRITEBYTECODE =

# The first Python that is new enough; `make PYTHON=/path/to/python3 …` says another.
ifndef PYTHON
PYTHON := $(shell for each in python3 python3.14 python3.13 python3.12 python3.11; do \
  $$each -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$each && break; done)
endif
# Docker, or what stands in for it where no engine answers (the container tests only).
DOCKER_STANDIN := $(wildcard ../shared/tools/bin/docker)
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet
# actionlint does not know parallel steps; the schema and a test that runs them do.
LINTED := $(filter-out %/watch-beside.yml,$(wildcard docs/workflows/*.yml))
ACTIONLINT := github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
NPM := $(addsuffix /node_modules/.installed,tests/browser tests/contract)
# One more than there are cores: the tests of whole processes wait now and then.
RUNS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN || echo 2) + 1)
N ?= 200
FROM ?= 0
HISTORIES ?= 100000
# The tests that reach what is not pure, most of it in one process: those of whole processes would reach little more.
REACHING := $(addprefix tests/,edge emulator perform reporters runs)
TESTS = -m pytest -n $(RUNS) --dist worksteal -m "not full"
MODULES ?= $(shell find ci_deploy/core -name "[a-z]*.py")

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: demo
demo: .venv/.demo ## deploy a function against the emulator, report in demo-report/; SCENARIO=hook|alarm|guard|watch|cancel: a failure
	@$(BIN)/python scripts/demo.py $(SCENARIO)

.PHONY: test
test: .venv/.installed ## all tests that need Python alone (about two minutes)
ifndef MEASURE
	$(BIN)/python $(TESTS)
else # which leaves `make coverage` nothing to run
	@failed=0; $(MAKE) measure || failed=1; \
	set -x; $(BIN)/python $(TESTS) $(addprefix --ignore=,tests/core $(REACHING)) || failed=1; exit $$failed
endif

.PHONY: test-full
test-full: .venv/.installed .venv-awscli/.installed $(NPM) ## also the container, the AWS CLI, the browser, Terraform, more chaos
	@command -v chromium >/dev/null || $(MAKE) chromium
	@if ! docker version >/dev/null 2>&1 && [ -n "$(DOCKER_STANDIN)" ]; then \
	  export PATH="$(dir $(abspath $(DOCKER_STANDIN))):$$PATH"; fi; \
	export PATH="$(CURDIR)/.venv-awscli/bin:$$PATH"; \
	$(BIN)/python -m pytest -n 2 --dist loadfile -m full

.PHONY: check
check: .venv/.installed ## format, lint, types, metadata, lock files, schemas, workflow security, templates
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python scripts/metadata.py --check
	$(BIN)/python scripts/locks.py --check
	$(BIN)/check-jsonschema --builtin-schema vendor.github-actions action.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml docs/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/bug.yml .github/ISSUE_TEMPLATE/idea.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	$(BIN)/zizmor --offline --no-progress --config .github/zizmor.yml action.yml .github docs/workflows/*.yml
	@# Go's programs are no wheels: where there is no Go, the other checks of workflows have to do.
	@if command -v go >/dev/null; then \
	  [ -e $(BIN)/actionlint ] || GOBIN="$(CURDIR)/$(BIN)" go install $(ACTIONLINT); \
	  echo "$(BIN)/actionlint"; PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/actionlint .github/workflows/*.yml $(LINTED); \
	else echo "actionlint: not run, for there is no Go"; fi
	@[ ! -e $(BIN)/hadolint ] || { echo "$(BIN)/hadolint Dockerfile"; $(BIN)/hadolint Dockerfile; }
	@[ ! -e $(BIN)/shellcheck ] || { echo "$(BIN)/shellcheck .ci/run"; $(BIN)/shellcheck .ci/run; }
	$(BIN)/cfn-lint docs/cloudformation/*.yaml

.PHONY: install
install: .venv/.installed ## .venv with everything that developing needs

.PHONY: format
format: .venv/.installed ## format the code, fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: metadata
metadata: .venv/.installed ## write action.yml, README's tables and the generated docs from the code
	$(BIN)/python scripts/metadata.py

.PHONY: lock
lock: .venv/.installed ## write the lock files (UPGRADE=1: with the newest versions that are allowed)
	$(BIN)/python scripts/locks.py $(if $(UPGRADE),--upgrade)

.PHONY: pictures
pictures: .venv/.installed tests/browser/node_modules/.installed ## write docs/images from the golden reports (needs chromium)
	$(BIN)/python scripts/pictures.py

.PHONY: coverage
coverage: .venv/.installed ## what the tests reach, branches included: all of core by its own tests, 95% of the whole
	@ls .coverage.core.* >/dev/null 2>&1 || $(MAKE) measure
	COVERAGE_FILE=.coverage.core $(BIN)/coverage combine --quiet
	COVERAGE_FILE=.coverage.core $(BIN)/coverage report --include='ci_deploy/core/**' --fail-under=100
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --fail-under=95

.PHONY: measure
measure: .venv/.installed
	@$(BIN)/coverage erase; failed=0; set -x; \
	COVERAGE_FILE=.coverage.core $(BIN)/coverage run $(TESTS) tests/core || failed=1; \
	$(BIN)/coverage run $(TESTS) $(REACHING) || failed=1; exit $$failed

.PHONY: mutants
mutants: .venv/.installed ## change one thing at a time in MODULES (all of core), and show what no test notices
	$(BIN)/python -m tests.mutants --jobs $(RUNS) $(MODULES)

.PHONY: chaos
chaos: .venv/.installed ## N whole runs at random, 100,000 histories of the state machine; a failure says how to replay it
	$(BIN)/python -m tests.chaos $(FROM) $$(( $(FROM) + $(N) ))
	$(BIN)/python -m tests.support.machine.histories $(FROM) $$(( $(FROM) + $(HISTORIES) ))
	$(BIN)/python -m tests.support.machine.watches $(FROM) $$(( $(FROM) + $(HISTORIES) / 10 ))

.PHONY: conformance
conformance: .venv/.installed ## check the claims about AWS against ENDPOINT: a URL, or aws (docs/conformance.md)
	@[ -n "$(ENDPOINT)" ] || { echo "say where: make conformance ENDPOINT=http://127.0.0.1:4599 (or ENDPOINT=aws)" >&2; exit 2; }
	$(BIN)/python -m tests.conformance "$(ENDPOINT)" --speed $(or $(SPEED),1)

.PHONY: bench
bench: .venv/.installed .venv-awscli/.installed ## measure: each benchmark prints its table (a quarter of an hour in all)
	@for each in benchmarks/[a-z]*.py; do \
	  echo "== $$each"; $(BIN)/python "$$each"; done

.PHONY: dist
dist: .venv/.installed ## build the wheel and the source archive into dist/
	rm -rf dist
	$(BIN)/python -m build --no-isolation --outdir dist

.PHONY: clean
clean: ## remove what the other targets made
	rm -rf $(dir $(NPM)) .venv .venv-awscli dist build demo-report .coverage* .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: chromium
chromium:
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "+ apt-get install chromium"; apt-get update -qq; \
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null; \
	else echo "make test-full needs chromium on PATH." >&2; exit 1; fi

.venv/.python:
	@[ -n "$(PYTHON)" ] || { echo "Python 3.11 or later is needed, and none was found; make PYTHON=/path/to/python3 names one." >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or later is needed; $(PYTHON) is not ($$("$(PYTHON)" -V 2>/dev/null || echo "it does not run"))." >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "$(PYTHON) cannot make virtual environments: install its venv package (Debian: apt-get install python3-venv)." >&2; exit 1; }
	$(PYTHON) -m venv --clear .venv
	@touch $@

# What the demo runs with: the action, the emulator and the page's renderer. A part of what `install` gives.
.venv/.demo: requirements/demo.txt pyproject.toml | .venv/.python
	@echo "Installing into .venv (a minute, once)"
	@[ .venv/.installed -nt requirements/demo.txt ] || $(PIP) --require-hashes -r requirements/demo.txt
	@[ .venv/.installed -nt pyproject.toml ] || $(PIP) --no-deps --no-build-isolation -e .
	@touch $@

.venv/.installed: requirements/dev.txt pyproject.toml | .venv/.python
	@echo "Installing into .venv"
	@$(PIP) --require-hashes -r requirements/dev.txt
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@ .venv/.demo

.venv-awscli/.installed: requirements/awscli.txt | .venv/.python
	@echo "Installing the AWS CLI into .venv-awscli"
	@$(BIN)/python -m venv --clear .venv-awscli
	@.venv-awscli/bin/python -m pip install --quiet --require-hashes -r requirements/awscli.txt
	@touch $@

# What tests take from npm, as locked; no package's script runs. Where that fails, the tests say what is missing.
$(NPM): tests/%/node_modules/.installed: tests/%/package-lock.json
	@echo "Installing $(@D)"
	-@cd tests/$* && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error && touch node_modules/.installed
