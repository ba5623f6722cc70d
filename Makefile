PYTHON ?= python3
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.venv/.installed: requirements-dev.txt pyproject.toml
	$(PYTHON) -m venv .venv
	.venv/bin/pip install -q --require-hashes -r requirements-dev.txt
	.venv/bin/pip install -q --no-deps --no-build-isolation -e .
	@touch $@

.PHONY: install
install: .venv/.installed
