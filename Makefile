# Every target works from a clean clone: what it needs is installed and built first, and only when it has changed.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

installed := node_modules/.docket-lock
results := .local/test-results
jest := node --experimental-vm-modules --disable-warning=ExperimentalWarning node_modules/jest/bin/jest.js
# Extra arguments for jest: make test ARGS='-t I4'
ARGS ?=

.PHONY: help install build stack demo smoke test unit integration test-foreign test-faults lint format check verify bench-codec bench-ingest bench-query bench-write bench-delivery docs sdk-package env clean

help: ## This list
	@printf 'Docket. Needs Node >= 20; the local stack also needs Java >= 17 and Maven.\n\n'
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; do printf '%-18s %s\n' "$$name" "$$text"; done

install: $(installed) ## Install the dependencies of the lock file

# Compared by content, so that a fresh checkout's file times do not cause a second installation. An installation that is
# there is brought up to date in place: npm ci would remove it first, under everything that uses it.
$(installed): package-lock.json
	@if [ "$$(node -p 'Number.parseInt(process.versions.node)')" -lt 20 ]; then echo "Docket needs Node 20 or later; this is $$(node --version)." >&2; exit 1; fi; \
	if cmp -s package-lock.json $@; then touch $@; exit; fi; \
	if [ -d node_modules ]; then npm install; else npm ci; fi; cp package-lock.json $@

# The compiler keeps its own record of what is current (.tsbuildinfo): without changes this takes a second.
build: install ## Compile every package and service to dist/
	@npx --no-install tsc -b

stack: build ## Kafka, a schema registry and ClickHouse on this machine, until Ctrl-C; settings in .local/stack.env
	@node deploy/local/dist/main.js

demo: build ## The whole system, driven by an example application; stays up, with URLs to try
	@node test/e2e/dist/main.js demo

smoke: build ## The same, checked: exits 0 or 1
	@node test/e2e/dist/main.js smoke

test: unit integration ## Every test, on the real stack

unit: build ## The tests that need no stack, in under a minute
	@mkdir -p $(results) && $(jest) --selectProjects unit --maxWorkers=100% --json --outputFile=$(results)/unit.json $(ARGS)

# One after another: they share one stack, and the machine's cores with it.
integration: build ## The contract and system tests, on the real stack
	@mkdir -p $(results) && $(jest) --selectProjects contract system --runInBand --json --outputFile=$(results)/integration.json $(ARGS)

test-foreign: build ## The tests beside validators and clients in other languages; need Python >= 3.9 and Go, too
	@mkdir -p $(results) && $(jest) --selectProjects foreign --runInBand --json --outputFile=$(results)/foreign.json $(ARGS)

# Some thirty minutes, most of it waiting for sessions to expire. Cases by name: make test-faults CASES='zombie rebalance'
CASES ?=
test-faults: build ## SIGKILL, SIGSTOP and outages on the real stack, while records must each become one row
	@node test/faults/dist/main.js $(CASES)

lint: build ## Types, code, imports, format
	@npm run --silent lint

format: install ## Format every file
	@npm run --silent format

check: test test-foreign lint ## What CI runs

bench-codec: build ## What a record costs on its way from Avro bytes into a block
	@node bench/dist/codec/main.js

verify: build ## docket verify: is the log whole? On the stack that was started last
	@settings="$$(ls -t .local/demo.env .local/stack.env 2>/dev/null | head -1 || true)"; \
	if [ -z "$$settings" ]; then echo 'There is no stack here: start make demo or make stack first.' >&2; exit 1; fi; \
	set -a; . "$$settings"; set +a; node services/cli/dist/main.js verify

bench-ingest: build ## Ingestor, ClickHouse's Kafka engine and a plain loop drain one topic, side by side
	@node bench/dist/ingest/main.js

# The first run fills 20 M rows, for some minutes; later ones measure on what it left in .local/bench-query.
bench-query: build ## What the query service answers how fast, on 20 M rows, and PostgreSQL beside it
	@node bench/dist/query/main.js

# Without SCENARIOS: all of them.
SCENARIOS ?=
bench-write: build ## What writing an event costs, at the gateway and in the application
	@node bench/dist/write/main.js $(SCENARIOS)

# Some fifteen minutes; BENCH_SCENARIOS=single,batch for some of it, BENCH_SCALE=0.2 for a fifth of each.
bench-delivery: build ## Delivery's speed, and what bad receivers, outages and backlogs do to others
	@node bench/dist/delivery/main.js

docs: install ## Write the tables of docs/ that come from declarations
	@WRITE_DOCS=1 $(jest) --selectProjects unit --testPathPatterns test/docs

sdk-package: build ## Pack @docket/sdk as it is published: ES modules, CommonJS and types in one tarball
	@node scripts/pack-sdk.js

env: install ## Write .env with fresh secrets for docker compose (those that are there are kept)
	@node scripts/write-env.js

clean: ## Remove build output, test results and the local stack's data (downloads are kept)
	@rm -rf packages/*/dist services/*/dist deploy/local/dist examples/*/dist test/e2e/dist test/faults/dist bench/dist coverage $(results)
	@if [ -e .local/stack.env ]; then echo 'The stack is running: its data is kept.'; else rm -rf .local/data; fi
