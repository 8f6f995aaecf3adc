# The entry points of the project. `make` alone lists them.

SHELL := /bin/sh
# A toolchain that was unpacked there is found without setting PATH.
export PATH := $(PATH):/opt/swift/usr/bin

# Debug, release and sanitizer builds keep out of each other's way; a plain `swift build` shares the debug one.
DEBUG := .build
RELEASE := .build-release
SANITIZED := .build-thread-sanitizer
FUZZED := .build-address-sanitizer

# The release binary needs no Swift installation where it runs.
RELEASE_FLAGS := --configuration release --scratch-path $(RELEASE) --static-swift-stdlib
TEST_FLAGS := --parallel --disable-xctest

# What `make run` and `make demo` hand to vsd:  make run ARGS="--addr :5001 --tracer mock"
ARGS ?=
# Which history `make demo` shows.
SEED ?= 1
# What `make test` hands to swift test:  make test TESTS="--filter GitHub"
TESTS ?=

# How often `make bench-export` sends all of its spans.
ROUNDS ?= 9
# How many things `make bench-traces` puts into its store.
THINGS ?= 1000000

# The days on which `make test-days` runs the tests, in UTC: a Sunday, 29 February, and the last minute of a year. The clock goes on
# from there; the monotonic one, which waiting is measured by, stays as it is.
DAYS ?= 2026-11-22T12:00:00 2028-02-29T09:30:00 2027-12-31T23:59:00

# What `make hostile` plays, all without names, and against which program.
ATTACKS ?=
VSD ?= $(RELEASE)/release/vsd

# What `make fuzz` feeds, and to whom.
INPUTS ?= 1000000
SOURCES ?= github gitlab jenkins jira trello customhttp cdevents

.PHONY: help run demo vsd vsperf test test-long test-days test-sanitizer hostile fuzz docs check bench bench-traces bench-away bench-export bench-history bench-agg clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Build vsd and start it on its embedded store (ARGS="--addr :5001 ...")
	@Scripts/bootstrap build run
	@$(MAKE) --no-print-directory vsd
	@Scripts/run $(RELEASE)/release/vsd $(ARGS)

demo: ## Fill a vsd with a made-up history, and tell where to look (SEED=2 ARGS="--tracer otlp")
	@Scripts/bootstrap build demo
	@$(MAKE) --no-print-directory vsd vsperf
	@SEED=$(SEED) Scripts/demo $(RELEASE)/release/vsd $(RELEASE)/release/vsperf $(ARGS)

vsd: ## Build the release binary, .build-release/release/vsd
	@Scripts/bootstrap build
	@test -x $(RELEASE)/release/vsd || echo "building vsd, which takes a minute or two the first time"
	@Scripts/quiet-build $(RELEASE_FLAGS) --product vsd

vsperf: ## Build the command line, .build-release/release/vsperf
	@Scripts/bootstrap build
	@test -x $(RELEASE)/release/vsperf || echo "building vsperf, which takes a minute the first time"
	@Scripts/quiet-build $(RELEASE_FLAGS) --product vsperf

test: ## Build and run the tests (TESTS="--filter Name")
	@Scripts/bootstrap build test
	swift test --scratch-path $(DEBUG) $(TEST_FLAGS) $(TESTS)
ifeq ($(TESTS),)
	@# Once more on the release build: what the optimizer makes of the daemon is what users run.
	@$(MAKE) --no-print-directory vsd
	VALUESTREAM_VSD=$(CURDIR)/$(RELEASE)/release/vsd swift test --scratch-path $(DEBUG) $(TEST_FLAGS) --skip-build --filter vsdTests
endif

test-long: ## Run the tests with more rounds each, then test-days and test-sanitizer
	@Scripts/bootstrap build test long
	VALUESTREAM_LONG_TESTS=1 swift test --scratch-path $(DEBUG) $(TEST_FLAGS) $(TESTS)
	@$(MAKE) --no-print-directory test-days test-sanitizer

test-days: ## Run the tests on odd days, in an odd zone and beside two busy processes, a part of test-long
	@Scripts/bootstrap build test long
	swift build --build-tests --scratch-path $(DEBUG)
	@for day in $(DAYS); do \
	  since=$$(($$(date -u -d $$day +%s) - $$(date +%s))); \
	  echo "tests on $$day"; \
	  TZ=UTC faketime --exclude-monotonic -f "$$(printf %+d $$since)s" \
	    swift test --scratch-path $(DEBUG) $(TEST_FLAGS) --skip-build $(TESTS) || exit 1; \
	done
	@echo "tests in a zone of +13:45"
	TZ=Pacific/Chatham swift test --scratch-path $(DEBUG) $(TEST_FLAGS) --skip-build $(TESTS)
	@echo "tests beside two busy processes"
	@Tests/Hostile/beside-load swift test --scratch-path $(DEBUG) $(TEST_FLAGS) --skip-build $(TESTS)

test-sanitizer: ## Run the tests under ThreadSanitizer, a part of test-long
	@Scripts/bootstrap build test
	TSAN_OPTIONS=suppressions=$(CURDIR)/Tests/thread-sanitizer.suppressions \
	  swift test --scratch-path $(SANITIZED) --sanitize thread $(TEST_FLAGS) $(TESTS)

hostile: ## Attack a release vsd while an honest sender measures (ATTACKS=gzip-flood,fat-subject VSD=path)
	@Scripts/bootstrap build hostile
	@if [ "$(VSD)" = "$(RELEASE)/release/vsd" ]; then $(MAKE) --no-print-directory vsd; fi
	@Tests/Hostile/hostile.py --vsd $(VSD) $(if $(ATTACKS),--only $(ATTACKS))

fuzz: ## Feed broken payloads to the sources, with the address sanitizer (INPUTS=1000000 SOURCES="github ...")
	@Scripts/bootstrap build
	@Scripts/quiet-build --configuration release --scratch-path $(FUZZED) --sanitize address --product fuzz-sources
	@for source in $(SOURCES); do \
	  (cd $(FUZZED) && release/fuzz-sources $(CURDIR)/Tests $$source 0 $(INPUTS)) || exit 1; \
	done

docs: ## Write the reference of flags and commands, Docs/operate/flags.md and Docs/cli/reference.md, from their declarations
	@Scripts/bootstrap build test
	VS_RECORD_GOLDEN=1 swift test --scratch-path $(DEBUG) $(TEST_FLAGS) --filter CommandReferenceTests

check: ## Check format, imports, architecture, constructs, words, scripts, and that the core stands alone
	@Scripts/bootstrap build check
	@Scripts/check

bench: ## Measure vsd against a bare HTTP server, then traces, exporters and reports (PAIRS=5 SECONDS_EACH=10 CONNECTIONS="1 16 64")
	@Scripts/bootstrap build bench
	@$(MAKE) --no-print-directory vsd
	@Tests/Benchmarks/run
	@$(MAKE) --no-print-directory bench-traces bench-export bench-agg

bench-traces: ## Measure answers of traces from a store of a million spans, a part of bench (THINGS=1000000)
	@Scripts/bootstrap build
	@Scripts/quiet-build $(RELEASE_FLAGS) --product bench-traces
	@mkdir -p .build-bench
	@store=$$(mktemp -d .build-bench/traces.XXXXXX); ended=0; \
	  $(RELEASE)/release/bench-traces "$$store" $(THINGS) || ended=$$?; \
	  rm -rf "$$store"; exit $$ended

bench-away: ## Measure what a receiver that is away costs intake: vsd with it and without, in alternation
	@Scripts/bootstrap build bench
	@$(MAKE) --no-print-directory vsd
	@SERVER_FLAGS="--tracer otlp --settle 0s --otlp-endpoint http://127.0.0.1:9" \
	  Tests/Benchmarks/run --reference-binary $(CURDIR)/$(RELEASE)/release/vsd

bench-export: ## Measure what exporting a span costs, a part of bench: reading it, presenting it, encoding it for each receiver (ROUNDS=9)
	@Scripts/bootstrap build
	@Scripts/quiet-build $(RELEASE_FLAGS) --product bench-export
	@mkdir -p .build-bench
	@store=$$(mktemp -d .build-bench/export.XXXXXX); ended=0; \
	  $(RELEASE)/release/bench-export "$$store" $(ROUNDS) || ended=$$?; \
	  rm -rf "$$store"; exit $$ended

bench-history: ## Measure with the deliveries of a generated history instead of issues
	@Scripts/bootstrap build bench
	@$(MAKE) --no-print-directory vsd
	@Scripts/quiet-build $(RELEASE_FLAGS) --product vsperf
	@mkdir -p .build-bench
	@$(RELEASE)/release/vsperf generate history --scale 32 --until 2026-01-01T00:00:00Z --out .build-bench/history.ndjson
	@HISTORY=$(CURDIR)/.build-bench/history.ndjson Tests/Benchmarks/run

bench-agg: ## Measure vsperf agg beside DuckDB and Polars, a part of bench (ROWS=1000000 ROUNDS=7 THREADS=2)
	@Scripts/bootstrap build
	@$(MAKE) --no-print-directory vsperf
	@Tests/Benchmarks/run-agg

clean: ## Remove everything that was built
	rm -rf .build .build-*
