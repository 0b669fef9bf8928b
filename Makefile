# Targets for people; `make help` lists them. Everything that is needed is installed into .venv and a user cache.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
SHARE ?= 0.4
# Of `make test`: tests wait about half of their time, so four keep two cores busy, and take 8 GB of memory
WORKERS ?= 4
BIN := .venv/bin
export PYTHONPATH := tests:.
export PIP_DISABLE_PIP_VERSION_CHECK := 1

help: ## Show this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-14s %s\n", $$1, $$2}'

venv: .venv/.complete ## Install Python packages into .venv, by hash
.venv/.complete: requirements/dev.txt pyproject.toml modelsignals/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; give one with PYTHON=…"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then echo "installing python3-venv"; apt-get update -qq && apt-get install -y -qq python3-venv; \
		else echo "Python's venv module is missing: apt-get install python3-venv"; exit 1; fi; }
	@echo "installing Python packages into .venv, about a minute"
	@$(PYTHON) -m venv .venv
	@# grafana-client brings urllib3-future, whose wheel would write itself over urllib3 at every start of Python (decision 0023)
	@URLLIB3_NO_OVERRIDE=1 $(BIN)/pip install --quiet --require-hashes --no-binary urllib3-future -r requirements/dev.txt
	@$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable ./modelsignals --editable .
	@touch $@

tools: .venv/.complete ## Build the control plane, Prometheus' and Alertmanager's tools, kwok and Helm into the user cache (about 17 minutes, once)
	@$(BIN)/python -m testbed.tools etcd kube-apiserver kube-controller-manager kube-scheduler kwok helm promtool prometheus prometheus-operator alertmanager amtool

check: .venv/.complete ## Format, lint, types, import rules, generated files
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m testbed.series_names
	$(BIN)/python -m testbed.condition_names
	$(BIN)/python -m testbed.crd_compatibility
	$(BIN)/python -m monitored_models.codegen --check

test: check tools ## All tests that need no root: unit, golden, promtool, and end to end on a real control plane
	@rm -rf build/used-rights
	USED_RIGHTS=$(CURDIR)/build/used-rights $(BIN)/pytest --numprocesses=$(WORKERS) --dist=loadfile --no-loadscope-reorder
	$(BIN)/python -m testbed.used_rights build/used-rights

test-clock: .venv/.complete tools ## Tests that build a history from the clock, at eleven other times: nights, ends of months, leap days (about 5 minutes)
	$(BIN)/python -m testbed.clock_times

test-unit: .venv/.complete ## Unit tests only: seconds
	$(BIN)/pytest tests/unit

test-e2e: .venv/.complete tools ## Only the tests of the operator on a control plane; KUBERNETES=1.34.4 chooses its version
	$(BIN)/pytest --numprocesses=$(WORKERS) --dist=loadfile --no-loadscope-reorder tests/e2e tests/security tests/golden

CLUSTER_TOOLS := kubelet kube-proxy prometheus-config-reloader metrics-server kubectl argocd flux registry crane cosign
test-cluster: .venv/.complete tools ## What needs root: the operator's image and chart on a real node, Argo CD, a release (about 10 minutes)
	@$(BIN)/python -m testbed.tools $(CLUSTER_TOOLS) >/dev/null
	@# They wait most of their time, so they run side by side; each prints its result when it ends
	@$(MAKE) --no-print-directory --jobs=3 --output-sync=target test-node test-gitops test-release

test-node: .venv/.complete ## The operator's image by its chart on a real node, with monitoring in the cluster (root)
	$(BIN)/pytest tests/cluster

test-gitops: .venv/.complete ## Models from git on a real Argo CD, and by Flux's rules (root, for Redis)
	$(BIN)/pytest tests/gitops

bench: .venv/.complete tools ## How fast the operator is beside a bare loop, and what rules cost, into docs/ (about half an hour, on a quiet machine)
	$(BIN)/python -m bench.run --out docs/benchmarks.md
	$(BIN)/python -m bench.rules --out docs/rules.md

chaos: .venv/.complete tools ## Long campaigns: two in five of all faults (SHARE=1: all), 1,500 specs, and 200 models that fail at once, into docs/ (about half an hour)
	$(BIN)/python -m fault_injection.run --share $(SHARE) --out docs/fault-campaign.md
	$(BIN)/python -m spec_mutations.run --count 1500 --out docs/spec-campaign.md
	$(BIN)/python -m alerting.storm --out docs/alert-storm.md

audit: .venv/.complete ## Ask the advisory databases about the locked dependencies (network)
	$(BIN)/uv tool run pip-audit --disable-pip --require-hashes -r requirements/dev.txt

golden: .venv/.complete ## Rewrite the golden files, to be reviewed like code
	$(BIN)/python -m golden.golden_files

generate: .venv/.complete ## Rewrite the CRD and the reference page from the types
	$(BIN)/python -m monitored_models.codegen

schemas: .venv/.complete ## Take Kubernetes' own types anew from the pinned version
	$(BIN)/python -m testbed.vendor_schemas
	$(MAKE) generate

LOCK := $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet --upgrade
lock: .venv/.complete ## Resolve dependencies anew into the lock files: of developers, of the image, of the image's build
	$(LOCK) pyproject.toml --extra preview --no-emit-package modelsignals --group dev -o requirements/dev.txt
	$(LOCK) pyproject.toml --no-emit-package modelsignals --constraint requirements/dev.txt -o requirements/operator.txt
	echo hatchling | $(LOCK) - --constraint requirements/dev.txt -o requirements/build.txt

format: .venv/.complete ## Format and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

demo: .venv/.complete ## The main job on a real one-node cluster of its own (root), or on KUBECONFIG; ONCE=1 checks and ends
	@$(BIN)/python examples/demo/demo.py $(if $(ONCE),--once)

test-release: .venv/.complete ## Build, sign, push and verify a release, with a registry on loopback (root)
	$(BIN)/pytest tests/release

folder_of = $$(dirname $$($(BIN)/python -m testbed.tools $(1)))
release: .venv/.complete ## Build packages, chart, image, SBOM and provenance of a clean commit into dist/: docs/releasing.md
	@$(BIN)/python -m testbed.tools helm >/dev/null
	@PATH="$(call folder_of,helm):$(if $(COSIGN_KEY)$(COSIGN_IDENTITY),$(call folder_of,cosign):)$$PATH" $(BIN)/python -m releasing build

publish: .venv/.complete ## Push image and chart from dist/ to REGISTRY, signed
	@$(BIN)/python -m testbed.tools helm crane cosign >/dev/null
	@PATH="$(call folder_of,helm):$(call folder_of,crane):$(call folder_of,cosign):$$PATH" $(BIN)/python -m releasing publish

clean: ## Remove .venv and caches of this folder; the user cache of built tools stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build

.PHONY: help venv tools check test test-clock test-unit test-e2e test-cluster test-node test-gitops bench chaos audit golden generate schemas lock format demo test-release release publish clean
