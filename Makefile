PYTHON ?= python3
BIN := .venv/bin
SAM := .venv-sam/bin/sam
export PYTHONPATH := functions:.
export SAM_CLI_TELEMETRY := 0
export AWS_DEFAULT_REGION ?= us-east-1

.DEFAULT_GOAL := help
.PHONY: help setup check lint types imports template examples definition test test-real-time cli-check faults demo scenarios sandbox sdk-check browser-check pictures bench bench-cost bench-reaction bench-scale bench-load bench-judge bench-exposure bench-exposure-check bench-cold-start python313 build package-check deploy-package deploy-check account-check audit audit-secrets audit-templates audit-workflows audit-packages sbom schema refusals workflow fix requirements clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

INSTALL_PYTHON = Install it: pyenv install 3.13, brew install python@3.13, or apt install python3.13-venv
NO_PYTHON = Python 3.11 or newer is needed, and $(PYTHON) is $$($(PYTHON) --version 2>/dev/null || echo not there). $(if $(PYTHON313),One is here,$(INSTALL_PYTHON), and name it): make $(MAKECMDGOALS) PYTHON=$(or $(PYTHON313),python3.13)

# What demo and sandbox run on. Whoever changes something gets the tools on top of it.
.venv/demo: requirements-demo.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo "$(NO_PYTHON)"; exit 1; }
	@$(PYTHON) -m tools.install .venv requirements-demo.txt
	@touch $@

.venv/ready: .venv/demo requirements-dev.txt pyproject.toml
	@$(PYTHON) -m tools.install .venv requirements-dev.txt
	$(BIN)/pip install -q --disable-pip-version-check --no-deps -e .
	touch $@

# SAM pins a boto3 and a pydantic of its own, which are not the ones that are shipped.
.venv-sam/ready: requirements-sam.txt
	$(PYTHON) -m venv .venv-sam
	.venv-sam/bin/pip install -q --disable-pip-version-check -r requirements-sam.txt
	touch $@

# Neither is needed to change or to test anything. checkov pins what holds back the others.
.venv-audit/ready: requirements-audit.txt
	$(PYTHON) -m venv .venv-audit
	.venv-audit/bin/pip install -q --disable-pip-version-check -r requirements-audit.txt
	touch $@

.venv-checkov/ready: requirements-checkov.txt
	$(PYTHON) -m venv .venv-checkov
	.venv-checkov/bin/pip install -q --disable-pip-version-check -r requirements-checkov.txt
	touch $@

# MiniStack shares no code with what tests and sandbox run on, and pins a botocore of its own.
.venv-deploy/ready: requirements-deploy.txt
	$(PYTHON) -m venv .venv-deploy
	.venv-deploy/bin/pip install -q --disable-pip-version-check -r requirements-deploy.txt
	touch $@

# The AWS CLI, to run the commands of the pages.
.venv-aws/ready: requirements-aws.txt
	$(PYTHON) -m venv .venv-aws
	.venv-aws/bin/pip install -q --disable-pip-version-check -r requirements-aws.txt
	touch $@

setup: .venv/ready .venv-sam/ready ## Install everything, with exact versions

check: lint types imports template examples definition ## Everything that can be said without running it

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/ready
	$(BIN)/mypy functions emulator sandbox deploycheck tests bench stepcanary_cli tools

imports: .venv/ready
	$(BIN)/lint-imports

template: .venv-sam/ready
	.venv-sam/bin/python -m emulator.transform build/template.transformed.json
	.venv-sam/bin/cfn-lint --regions us-east-1 --non-zero-exit-code error -- build/template.transformed.json
	$(SAM) validate --lint --region us-east-1

# Also its warnings: YAML aliases are one, which CloudFormation refuses.
examples: .venv/ready .venv-sam/ready ## Lint the templates of examples, and check that profile and request go with them
	.venv-sam/bin/cfn-lint --regions us-east-1 -- examples/*/template.yaml
	$(BIN)/python -m tools.check_examples

definition: .venv/ready
	$(BIN)/python -m tests.statemachine.statelint
	$(BIN)/python -m pytest -n 0 tests/statemachine/test_definition.py

# What runs in real time, with processes and real requests.
IN_REAL_TIME = tests/sandbox tests/cli/test_cli.py tests/cli/test_process.py

test: check ## Check, then run all tests but those in real time
	$(BIN)/python -m pytest $(addprefix --ignore=,$(IN_REAL_TIME))

test-real-time: .venv/ready ## The tests in real time: the sandbox, the examples in it, the command line as a process
	$(BIN)/python -m pytest $(IN_REAL_TIME)

cli-check: .venv/ready ## Build the command line's wheel, install it where nothing else is, and release with it in the sandbox
	$(BIN)/python -m pytest -n 0 -m index tests/cli/test_wheel.py

faults: .venv/ready ## Every fault at every place of a release, and on from where it was; ROUTER=one of them in full, KIND=of fault alone, WITHOUT=guard, SECONDS=at most
	$(BIN)/python -m tests.faults $(if $(ROUTER),--router $(ROUTER),--whole alb --most 1700) $(if $(KIND),--kind "$(KIND)") $(if $(WITHOUT),--without "$(WITHOUT)") $(if $(SECONDS),--seconds $(SECONDS))

demo: .venv/demo ## Real releases with real traffic: good, bad, and 95:5; ROUTER=appmesh (default), alb or lattice; ONLY=names of scenarios
	@$(BIN)/python -m sandbox.demo --router $(or $(ROUTER),appmesh) $(if $(ONLY),--only $(ONLY))

scenarios: .venv/demo ## Every scenario there is; ROUTER as for demo
	@$(BIN)/python -m sandbox.demo --all --router $(or $(ROUTER),appmesh)

sandbox: .venv/demo ## Keep the sandbox running and print how to use it; ROUTER as for demo or FROM=examples/alb, PORT=of the AWS API
	@$(BIN)/python -m sandbox $(if $(FROM),--from $(FROM),--router $(or $(ROUTER),appmesh)) $(if $(PORT),--port $(PORT))

sdk-check: .venv/ready ## Release in the sandbox with an SDK in another language; needs Node
	@command -v npm >/dev/null || { echo "Node 20 or newer is needed, with npm: apt install nodejs npm, or brew install node"; exit 1; }
	mkdir -p build/sdk
	cp tests/sandbox/sdk/* build/sdk
	npm ci --prefix build/sdk --no-audit --no-fund
	SDK=build/sdk $(BIN)/python -m pytest -n 0 tests/sandbox/test_node.py

# Chromium is none of the pins: it is a browser as a reader has one.
CHROMIUM ?= $(shell command -v chromium || command -v chromium-browser || command -v google-chrome || ls "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" 2>/dev/null)

build/browser/ready: tests/browser/page/package.json tests/browser/page/package-lock.json
	@command -v npm >/dev/null || { echo "Node 20 or newer is needed, with npm: apt install nodejs npm, or brew install node"; exit 1; }
	@[ -x "$(CHROMIUM)" ] || { echo "Chromium is needed, and none was found: apt install chromium, or CHROMIUM=where it is"; exit 1; }
	mkdir -p build/browser
	cp tests/browser/page/package*.json build/browser
	npm ci --prefix build/browser --no-audit --no-fund --ignore-scripts
	touch $@

browser-check: .venv/ready build/browser/ready ## Look at reports in headless Chromium, also at those of the last demos; needs Node and Chromium
	cp tests/browser/page/*.mjs build/browser
	BROWSER=build/browser CHROMIUM="$(CHROMIUM)" $(BIN)/python -m pytest -n 0 tests/browser

pictures: .venv/ready build/browser/ready ## Make the pictures of the README from a release in the sandbox; needs Node and Chromium
	cp tests/browser/page/*.mjs build/browser
	BROWSER=build/browser CHROMIUM="$(CHROMIUM)" $(BIN)/python -m sandbox.pictures docs/pictures

bench: build .venv/ready ## Run every benchmark, and write docs/benchmarks.md
	$(BIN)/python -m bench --python $(PYTHON313)

bench-cost: .venv/ready ## Count the states, functions and dollars of one release
	$(BIN)/python -m bench.cost

bench-reaction: .venv/ready ## Measure how fast an alarm takes the canary's traffic away
	$(BIN)/python -m bench.reaction

bench-scale: .venv/ready ## Measure what each question to the ledger costs with 100, 1,000 and 10,000 services
	$(BIN)/python -m bench.scale

bench-load: .venv/ready ## Measure 200 releases at once against AWS's published rates; WITHIN=seconds in which they start
	$(BIN)/python -m bench.load $(if $(WITHIN),--within $(WITHIN))

bench-judge: .venv/ready ## Measure how often the judge reverts a good release, and how soon a bad one
	$(BIN)/python -m bench.judge

bench-exposure: .venv/ready ## Simulate how many requests fail before a bad release is seen, here and with what others use
	$(BIN)/python -m bench.exposure

bench-exposure-check: .venv/ready ## Compare what bench-exposure assumes of this project with releases in the sandbox
	$(BIN)/python -m bench.exposure.check

bench-cold-start: build .venv/ready ## Measure what a cold start of each function costs, and how large the package is
	$(BIN)/python -m bench.cold_start $(PYTHON313)

# A pyenv shim answers to the name even where no python3.13 is chosen; then its versions are tried.
PYTHON313 = $(shell python3.13 -c 'import sys; print(sys.executable)' 2>/dev/null || ls $$HOME/.pyenv/versions/3.13*/bin/python3.13 2>/dev/null | tail -n 1)
NO_PYTHON313 = Python 3.13 is needed, the functions' own, because sam build packages with it. $(INSTALL_PYTHON), and make it again

# First of all, since what follows takes a minute to install.
python313:
	@[ -n "$(PYTHON313)" ] || { echo "$(NO_PYTHON313)"; exit 1; }

build: python313 .venv-sam/ready ## Package the functions with sam build: no credentials, no Docker
	PATH="$(dir $(PYTHON313)):$$PATH" $(SAM) build

package-check: build .venv/ready ## Build, and check that the package is small, compiled and complete
	$(BIN)/python -m tools.check_package $(PYTHON313)

# The functions' processors are arm64 on AWS. Here they run on whatever this machine has.
MACHINE = $(if $(filter Darwin,$(shell uname -s)),macosx_11_0,manylinux2014)_$(shell uname -m)

deploy-package: python313 .venv-sam/ready
	PATH="$(dir $(PYTHON313)):$$PATH" PLATFORM=$(MACHINE) $(SAM) build --build-dir build/deployed --cache-dir build/deploy/cache

deploy-check: deploy-package .venv/ready .venv-deploy/ready .venv-aws/ready ## Deploy the built package into MiniStack, and release there on ALB; ONLY=names of scenarios
	.venv-deploy/bin/python -m pytest -c tests/deploycheck/pytest.ini --rootdir . --noconftest tests/deploycheck
	$(BIN)/python -m deploycheck $(PYTHON313) $(ONLY)

# The Region is that of whoever asks, not what everything else here takes for one.
account-check: .venv/ready ## Ask a deployed stack what only an account can tell; STACK=its name
	$(if $(filter file,$(origin AWS_DEFAULT_REGION)),env -u AWS_DEFAULT_REGION )$(BIN)/python -m tools.account --stack $(or $(STACK),stepcanary)

audit: audit-secrets audit-templates audit-workflows sbom audit-packages ## Look for secrets, loose settings and known advisories; the last asks PyPI or OSV

audit-secrets: .venv-audit/ready
	.venv-audit/bin/python -m tools.audit.secrets

audit-templates: .venv-checkov/ready .venv-sam/ready
	.venv-sam/bin/python -m emulator.transform build/template.transformed.json
	.venv-checkov/bin/python -m tools.audit.templates build/template.transformed.json

audit-workflows: .venv-audit/ready
	.venv-audit/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml examples/github-actions/release.yml

audit-packages: .venv-audit/ready
	.venv-audit/bin/python -m tools.audit.packages

sbom: .venv-audit/ready ## Write what the functions are shipped with to build/sbom.cdx.json
	rm -rf build/shipped
	$(PYTHON) -m venv --without-pip build/shipped
	.venv-audit/bin/pip --python build/shipped install -q --disable-pip-version-check --no-deps -r package/libraries.txt -r package/slack.txt
	.venv-audit/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible -o build/sbom.cdx.json build/shipped

refusals: .venv/ready ## List what a release is refused and warned of in docs/refusals.md
	$(BIN)/python -m tools.list_refusals docs/refusals.md

workflow: .venv/ready ## Draw the workflow in README.md and docs/architecture.md from the definition
	$(BIN)/python -m tools.draw_workflow README.md docs/architecture.md

schema: .venv/ready ## Export the JSON Schemas to docs/schema
	$(BIN)/python -m tools.export_schemas docs/schema

fix: .venv/ready ## Format code and definition, and mend what ruff can mend
	$(BIN)/python -m tools.format_definition
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The layers' pins come first: requirements-dev.in takes them as they are, so that none drifts.
requirements: .venv/ready ## Resolve the pins anew
	$(BIN)/pip install -q uv==0.9.9
	for set in package/libraries package/slack requirements-demo requirements-dev requirements-sam requirements-deploy requirements-aws requirements-audit requirements-checkov; do $(BIN)/uv pip compile -q --universal --python-version 3.11 --no-annotate --no-header --no-emit-index-url --no-emit-find-links $$set.in -o $$set.txt; done

clean: ## Remove what can be made again
	rm -rf .venv .venv-sam .venv-audit .venv-checkov .venv-deploy .venv-aws .aws-sam build .mypy_cache .ruff_cache .pytest_cache .hypothesis
