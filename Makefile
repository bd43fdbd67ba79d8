# Tillstack. `make help` lists the targets. Requires only Python 3.11+ (with venv), make and git.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
PORT ?= 4566
STRIPE_PORT ?= 12111
ROLE ?= customer
STAGE ?= dev
TARGET ?= python3.13-arm64
export PYTHONDONTWRITEBYTECODE ?= 1

py  := .venv/bin/python
sam := SAM_CLI_TELEMETRY=0 PATH="$(CURDIR)/.venv/bin:$$PATH" .local/sam/bin/sam
dev := --name dev --engine-port $(PORT) --stripe-port $(STRIPE_PORT)
test := --name test --engine-port 4666 --stripe-port 12211

# With STAGE= the operators' tools use that stage on AWS, otherwise the local cloud.
on_stage := $(if $(filter undefined default file,$(origin STAGE)),--name dev,--stage $(STAGE))

# An environment is rebuilt when its lock file changes, because the stamp's name is the lock's checksum.
stamp = $(1)/.made-$(shell cksum < $(2) | cut -d' ' -f1)
venv_ready   := $(call stamp,.venv,requirements/dev.txt)
engine_ready := $(call stamp,.local/engine,requirements/engine.txt)
sam_ready    := $(call stamp,.local/sam,requirements/sam.txt)
node_ready   := $(call stamp,.local/node,tests/clients/package-lock.json)

.PHONY: help up down url token status logs demo audit redrive emails test check unit packaging clients breaking journeys generate build validate deploy bench fmt

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | awk -F'\t' '{printf "  make %-10s %s\n", $$1, $$2}'

up: $(venv_ready) $(engine_ready) $(sam_ready) ## start the local cloud, deploy the shop, load the demo data (PORT=, STRIPE_PORT=)
	@$(py) -m localstack.cloud.up $(dev) $(if $(filter external,$(ENGINE)),--external)

down: ## stop what `make up` started
	@[ ! -x $(py) ] || $(py) -m localstack.cloud.down --name dev

url: $(venv_ready) ## print only the deployed API's base URL
	@$(py) -m localstack.cloud.url --name dev

token: $(venv_ready) ## print only a new access token (ROLE=customer|staff|admin|guest)
	@$(py) -m localstack.cloud.token --name dev --role $(ROLE)

status: $(venv_ready) ## show the running local clouds, their ports and the shop's health
	@$(py) -m localstack.cloud.status

logs: ## follow the local cloud's logs (engine, functions, Stripe)
	@tail -n 40 -F .local/run/dev/*.log

demo: $(venv_ready) ## run one purchase step by step; ORDERS=61 replays and audits real sales
	@$(py) -m localstack.demo --name dev $(if $(ORDERS),--orders $(ORDERS))

audit: $(venv_ready) ## compare a stage's Stripe, ledger, orders, stock and emails (STAGE= on AWS, else the local cloud)
	@$(py) -m ops.audit $(on_stage)

redrive: $(venv_ready) ## retry the messages in dead-letter queues (STAGE= on AWS, else the local cloud)
	@$(py) -m ops.redrive $(on_stage)

emails: $(venv_ready) ## render every email and text message in every language to .local/emails (HTML, PNG)
	@$(py) -m localstack.mail.preview --out .local/emails

test: check unit packaging clients journeys ## run check, unit, packaging, clients and journeys

check: $(venv_ready) breaking ## run ruff and mypy (strict), and breaking
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy functions infra localstack ops tests

unit: $(venv_ready) ## run the tests that need no local cloud
	@.venv/bin/pytest -q -n auto --dist loadscope --max-worker-restart 0 tests --ignore tests/journeys --ignore tests/packaging --ignore tests/clients

packaging: $(venv_ready) ## build every artifact and check its budgets
	@.venv/bin/pytest -q tests/packaging

clients: $(venv_ready) $(node_ready) ## lint the API document, generate its Python and TypeScript clients, type-check them
	@.venv/bin/pytest -q -n 2 tests/clients

breaking: $(venv_ready) ## report breaking changes of the API document since the last release (the last tag v*)
	@$(py) -m infra.breaking

journeys: $(venv_ready) $(engine_ready) $(sam_ready) ## run the journeys over HTTP on their own local cloud (ports 4666, 12211)
	@trap '$(py) -m localstack.cloud.down --name test' EXIT; \
	$(py) -m localstack.cloud.up $(test) && .venv/bin/pytest -q tests/journeys

generate: $(venv_ready) ## write the generated files: API documents, gateway responses, alarms
	@$(py) -m infra.generate

build: $(venv_ready) $(sam_ready) ## run sam build for AWS (TARGET=python3.13-arm64)
	@TILLSTACK_TARGET=$(TARGET) $(sam) build --config-env $(STAGE) --parallel

validate: $(venv_ready) $(sam_ready) ## run sam validate with its linter
	@AWS_DEFAULT_REGION=eu-west-2 AWS_ACCESS_KEY_ID=none AWS_SECRET_ACCESS_KEY=none $(sam) validate
	@AWS_DEFAULT_REGION=eu-west-2 $(sam) validate --lint

deploy: build ## run sam deploy to AWS with your credentials (STAGE=dev|staging|prod)
	@$(sam) deploy --config-env $(STAGE)

bench: $(venv_ready) ## measure start times, DynamoDB calls, zip sizes and loaded modules
	@PYTHONPATH=functions:. $(py) -m tests.bench

fmt: $(venv_ready) ## format the code and sort imports
	@.venv/bin/ruff check --fix --select I .
	@.venv/bin/ruff format .

.local/engine/.made-%: lock := engine
.local/sam/.made-%: lock := sam
.venv/.made-%: lock := dev
.venv/.made-% .local/engine/.made-% .local/sam/.made-%:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "make: Python 3.11 or newer is required, but '$(PYTHON)' is $$($(PYTHON) -V 2>&1); choose another: make PYTHON=/path/to/python3.11 …" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "make: '$(PYTHON)' has no venv module; install it (on Debian: apt install python3-venv)" >&2; exit 1; }
	@echo "$(@D): installing requirements/$(lock).txt …"; start=$$SECONDS; \
	rm -f $(@D)/.made-*; [ -x $(@D)/bin/python ] || $(PYTHON) -m venv --clear $(@D); \
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements/$(lock).txt 2> $(@D)/pip.log || \
	  { cat $(@D)/pip.log >&2; echo "make: pip could not install requirements/$(lock).txt (its output is above); check the network and run make again" >&2; exit 1; }; \
	touch $@; echo "$(@D): ready in $$((SECONDS - start)) s"

.local/node/.made-%: | $(venv_ready)
	@echo "$(@D): installing tests/clients/package-lock.json …"; start=$$SECONDS; \
	rm -rf $(@D); mkdir -p $(@D); cp tests/clients/{.npmrc,package.json,package-lock.json} $(@D); \
	.venv/bin/npm ci --prefix $(@D) --loglevel=error > $(@D)/npm.log 2>&1 || \
	  { cat $(@D)/npm.log >&2; echo "make: npm could not install tests/clients/package-lock.json (its output is above); check the network and run make again" >&2; exit 1; }; \
	touch $@; echo "$(@D): ready in $$((SECONDS - start)) s"
