# Everything runs in .venv, which is made from the lock file when it is missing or older than that.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.from-lock
ROOT := $(filter 0,$(shell id -u))
PACKAGES = $(patsubst %/package-lock.json,%/node_modules/.package-lock.json,$(wildcard $(1)/package-lock.json))
ORACLES := $(call PACKAGES,tests/oracle)
PLAYGROUND := $(call PACKAGES,tests/playground)

# One worker for each core; a file stays together, for what its tests share.
SHARED := -n auto --dist loadfile

.PHONY: demo test test-slow test-browser test-real check fmt docs bench lock image chart clean help

help:  ## this
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: $(READY)  ## the whole job on this machine, with a chat page in the browser
	$(BIN)/python -m bot demo

test: $(READY) $(ORACLES) redis  ## every test that takes seconds
	$(BIN)/pytest -q $(SHARED) -m "not slow and not browser and not real"

test-slow: $(READY) $(ORACLES) redis  ## the tests that take minutes
	$(BIN)/pytest -q $(SHARED) -m "slow" || [ $$? = 5 ]  # 5: there are none

test-browser: $(READY) chromium $(PLAYGROUND)  ## the demo and Teams' client for developers, in a real browser
	$(BIN)/pytest -q -m "browser" || [ $$? = 5 ]

test-real: $(READY) containerd  ## pulls that really fail, by containerd; as root
	$(BIN)/pytest -q -m "real" tests/real

check: $(READY)  ## format, lint, types, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fmt: $(READY)  ## format, and mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(READY)  ## the page of all checks and remedies, from the code
	$(BIN)/python -m bot checks -o markdown > docs/checks.md

bench: $(READY)  ## how fast a diagnosis is, and how many calls it makes
	$(BIN)/python -m bench

# The lock files name no index, so they install from whichever one pip is configured for.
EXPORT := uv export --quiet --frozen --no-emit-project --no-emit-index-url --no-annotate --no-header
lock:  ## resolve the dependencies anew; wants uv
	uv lock --upgrade
	$(EXPORT) --no-dev --output-file requirements.lock >/dev/null
	$(EXPORT) --all-extras --all-groups --output-file requirements-dev.lock >/dev/null

image:  ## the container image, with whichever builder is there
	$$(command -v docker || command -v podman || command -v buildah) build -t pullbot:dev .

chart: $(READY)  ## lint, render and validate the Helm chart
	$(BIN)/pytest -q tests/test_chart.py

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(READY): requirements-dev.lock
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	test -x $(BIN)/pip || $(BIN)/python -m ensurepip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	touch $@

tests/%/node_modules/.package-lock.json: tests/%/package-lock.json
	@command -v npm >/dev/null || $(call INSTALL,nodejs npm)
	cd tests/$* && npm ci --no-audit --no-fund --silent

# Tests talk to a real Redis, the page's test to a real browser, and real pulls want a real containerd.
# Where we may install them, we do.
.PHONY: redis chromium containerd
redis:
	@command -v redis-server >/dev/null || $(call INSTALL,redis-server)

chromium:
	@command -v chromium >/dev/null || $(call INSTALL,chromium)

PULLING := containerd docker-registry curl
containerd:  # without them the tests are skipped, and say why
	@$(foreach one,$(PULLING),command -v $(one) >/dev/null &&) true || $(call INSTALL,$(PULLING)) || true

INSTALL = $(if $(ROOT),{ apt-get update -q && apt-get install -qy --no-install-recommends $(1); },{ echo "please install $(1)" >&2; false; })
