# Tillstack. `make help` lists the targets. Requires only Python 3.11+ (with venv), make and git.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# `make help` prints the lines that begin with #: and, of each target, the text after ##.
PYTHON ?= python3
CLOUD ?= dev
ROLE ?= customer
STAGE ?= dev
TARGET ?= python3.13-arm64
export PYTHONDONTWRITEBYTECODE ?= 1

py  := .venv/bin/python
sam := SAM_CLI_TELEMETRY=0 PATH="$(CURDIR)/.venv/bin:$$PATH" .local/sam/bin/sam
up   := $(py) -m localstack.cloud.up --name $(CLOUD) $(if $(PORT),--engine-port $(PORT)) \
  $(if $(STRIPE_PORT),--stripe-port $(STRIPE_PORT)) $(if $(filter external,$(ENGINE)),--external)
test := --name test --engine-port 4666 --stripe-port 12211

# With STAGE= the operators' tools use that stage on AWS, otherwise the local cloud.
on_aws   := $(filter-out undefined default file,$(origin STAGE))
on_stage := $(if $(on_aws),--stage $(STAGE),--name $(CLOUD))

# With T= or K= only some tests run: a file in one process, journeys on the local cloud of `make up`.
parallel := $(if $(findstring .py,$(T)),,-n auto --dist worksteal --max-worker-restart 0)
word     := $(if $(K),-k "$(K)")

# An environment is rebuilt when its lock file changes, because the stamp's name is the lock's checksum.
stamp = $(1)/.made-$(shell cksum < $(2) | cut -d' ' -f1)
venv_ready   := $(call stamp,.venv,requirements/dev.txt)
engine_ready := $(call stamp,.local/engine,requirements/engine.txt)
sam_ready    := $(call stamp,.local/sam,requirements/sam.txt)
node_ready   := $(call stamp,.local/node,tests/clients/package-lock.json)

.PHONY: demo test help up down status url token logs emails check unit packaging clients breaking journeys validate bench fmt generate counts audit redrive build deploy

#:
#: Try it
demo: up ## run one purchase step by step (starts the local cloud); ORDERS=61 replays real sales
	@$(py) -m localstack.demo --name $(CLOUD) $(if $(ORDERS),--orders $(ORDERS))

# The journeys mostly wait, so the other tests run beside them with low priority. Each part prints its output
# when it ends.
test: $(venv_ready) ## run check, unit, packaging, clients and journeys side by side
	@echo "check, unit, packaging, clients and journeys run side by side; each prints its output when it ends"
	@progress() { while :; do read -rt 60 <> <(:) || echo "… $$((SECONDS / 60)) min"; done; }; \
	progress & trap "kill $$!" EXIT; \
	$(MAKE) --jobs 2 --keep-going $(if $(filter output-sync,$(.FEATURES)),--output-sync) \
	  behind="nice -n 19" journeys check unit packaging clients

help: ## list the targets and the variables
	@sed -nE 's/^#: ?//p; s/^([a-z]+):[^#]*## /  make \1\t/p' $(MAKEFILE_LIST) | awk -F'\t' 'NF > 1 {printf "%-18s %s\n", $$1, $$2; next} {print}'

#:
#: The local cloud
up: $(venv_ready) $(engine_ready) $(sam_ready) ## start the local cloud, deploy the shop, load the demo data
	@$(up)

down: ## stop what `make up` started
	@[ ! -x $(py) ] || $(py) -m localstack.cloud.down --name $(CLOUD)

status: $(venv_ready) ## show the running local clouds, their ports and the shop's health
	@$(py) -m localstack.cloud.status

url: $(venv_ready) ## print only the deployed API's base URL
	@$(py) -m localstack.cloud.url --name $(CLOUD)

token: $(venv_ready) ## print only a new access token (ROLE=customer|staff|admin|guest)
	@$(py) -m localstack.cloud.token --name $(CLOUD) --role $(ROLE)

logs: $(venv_ready) ## follow the log lines of all functions and of Stripe; R= prints those of one request
	@$(py) -m ops.logs $(on_stage) $(if $(R),--id $(R),$(if $(on_aws),,--file .local/run/$(CLOUD)/stripe.log))

emails: $(venv_ready) ## render every email and text message in every language to .local/emails/index.html
	@$(py) -m localstack.mail.preview --out .local/emails

#:
#: Tests
check: $(venv_ready) breaking ## run ruff and mypy (strict), and breaking
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy functions infra localstack ops tests

unit: $(venv_ready) ## run the tests that need no local cloud; T= and K= choose some
	@$(behind) .venv/bin/pytest -q $(parallel) $(or $(T),tests --ignore tests/journeys --ignore tests/packaging --ignore tests/clients) $(word)

packaging: $(venv_ready) ## build every artifact and check its budgets
	@$(behind) .venv/bin/pytest -q tests/packaging

clients: $(venv_ready) $(node_ready) ## lint the API document, generate its Python and TypeScript clients, type-check them
	@$(behind) .venv/bin/pytest -q -n 2 tests/clients

breaking: $(venv_ready) ## report breaking changes of the API document since the last release (the last tag v*)
	@$(py) -m infra.breaking

journeys: $(venv_ready) $(engine_ready) $(sam_ready) $(node_ready) ## run the tests over HTTP on their own local cloud; with T= or K= on that of make up
ifeq ($(T)$(K),)
	@unset MAKEFLAGS; trap '$(py) -m localstack.cloud.down --name test' EXIT; \
	$(py) -m localstack.cloud.up $(test) && .venv/bin/pytest -q tests/journeys
else
	@$(up)
	@TILLSTACK_CLOUD=$(CLOUD) .venv/bin/pytest -q $(or $(T),tests/journeys) $(word)
endif

validate: $(venv_ready) $(sam_ready) ## run sam validate with its linter
	@AWS_DEFAULT_REGION=eu-west-2 AWS_ACCESS_KEY_ID=none AWS_SECRET_ACCESS_KEY=none $(sam) validate 2>&1 | { grep -v "Feature Toggle" || true; }
	@AWS_DEFAULT_REGION=eu-west-2 $(sam) validate --lint

bench: $(venv_ready) $(sam_ready) ## measure times, instructions, DynamoDB calls, zip sizes and loaded modules
	@PYTHONPATH=functions:. $(py) -m tests.bench

#:
#: Source files
fmt: $(venv_ready) ## format the code and sort imports
	@.venv/bin/ruff check --fix --select I .
	@.venv/bin/ruff format .

generate: $(venv_ready) ## write the generated files: API documents, gateway responses, alarms, docs/errors.md …
	@$(py) -m infra.generate

counts: $(venv_ready) ## count again what an order uses (for docs/scaling.md), then run generate
	@PYTHONPATH=functions:. $(py) -m tests.simulator.counting > /dev/null
	@$(MAKE) generate

#:
#: A deployed shop: STAGE= on AWS, or else the local cloud (make logs too)
audit: $(venv_ready) ## compare Stripe, ledger, orders, stock and emails with each other
	@$(py) -m ops.audit $(on_stage)

redrive: $(venv_ready) ## retry the messages in dead-letter queues
	@$(py) -m ops.redrive $(on_stage)

#:
#: Deployment to AWS
build: $(venv_ready) $(sam_ready) ## run sam build for AWS (TARGET=python3.13-arm64)
	@TILLSTACK_TARGET=$(TARGET) $(sam) build --config-env $(STAGE) --parallel

# A flag replaces the whole list of samconfig.toml, so it names the stage's file again.
deploy: build ## run sam deploy to AWS with your credentials and infra/stages/<stage>.toml (STAGE=)
	@$(sam) deploy --config-env $(STAGE) --parameter-overrides file://infra/stages/$(STAGE).toml Version=$$(git describe --always --dirty)

#:
#: Variables
#:   ORDERS=61           demo: replay this number of real orders (1 to 61) and audit the result
#:   T=tests/orders      unit, journeys: run only this file or folder
#:   K=double            unit, journeys: run only the tests whose names contain this word (pytest -k)
#:   R=ID                logs: print the lines that contain this id (of a request, an order, an event)
#:   ROLE=customer       token: customer, staff, admin or guest
#:   STAGE=dev           build, deploy, audit, redrive, logs: dev, staging or prod on AWS
#:   PORT= STRIPE_PORT=  up, demo: the local cloud's ports (4566, 12111)
#:   CLOUD=dev           the local cloud's name; several can run at once
#:   ENGINE=external     up, demo: use the LocalStack that already listens on the port
#:   TARGET=…            build, deploy: the functions' Python and processor (python3.13-arm64)
#:   PYTHON=python3      the Python that creates the environments

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
