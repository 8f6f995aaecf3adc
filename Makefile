# The entry points of the project. `make` without a target lists them.

SHELL := /bin/sh
# Finds a toolchain that is unpacked in /opt/swift, without changes to PATH.
export PATH := $(PATH):/opt/swift/usr/bin

# Debug, release, test and sanitizer builds have separate folders. A plain `swift build` uses the debug folder.
DEBUG := .build
RELEASE := .build-release
TESTED := .build-tests
SANITIZED := .build-thread-sanitizer
FUZZED := .build-address-sanitizer

# Link the Swift runtime statically, so that the release binary runs without a Swift installation.
RELEASE_FLAGS := --configuration release --scratch-path $(RELEASE) --static-swift-stdlib
TEST_FLAGS := --parallel --disable-xctest

# Test what users run: the sources as the optimizer makes them, which has broken code that worked without it. Package.swift leaves
# the tests themselves as they are. Debug information would cost a fifth of the time that the build takes.
TESTING := env VALUESTREAM_OPTIMIZED_TESTS=1 swift
TEST_BUILD := --configuration release --scratch-path $(TESTED) -Xswiftc -enable-testing -Xswiftc -gnone

# `swift test` builds other code than `swift build --build-tests`, so let it build.
BUILD_TESTS = $(TESTING) test list $(TEST_BUILD) --disable-xctest >/dev/null
RUN_TESTS = $(if $(TESTS),,Scripts/test-in-parts) $(TESTING) test $(TEST_BUILD) $(TEST_FLAGS) --skip-build $(TESTS)

# Arguments for vsd in `make run` and `make demo`:  make run ARGS="--addr :5001 --tracer mock"
ARGS ?=
# The seed of the history that `make demo` shows.
SEED ?= 1
# Arguments for `swift test` in the test targets:  make test TESTS="--filter GitHub"
TESTS ?=

# The pictures that `make screenshots` makes, by default all of them.
NAMES ?=

# The number of rounds in which `make bench-export` exports all of its spans.
ROUNDS ?= 9
# The length and size of the history that `make bench-reports` asks about. 100 percent are 1,000 repositories.
REPORT_DAYS ?= 180
REPORT_PERCENT ?= 100
# The size of the generated company whose pages `make bench-pages` measures.
SCALE ?= 57
# The number of builds that `make bench-import` imports.
BUILDS ?= 100000
# The number of subjects in the store of `make bench-traces`.
THINGS ?= 1000000

# The attacks of `make hostile`, by default all of them, and the program under attack.
ATTACKS ?=
VSD ?= $(RELEASE)/release/vsd
# The trials of `make test-fail-over`, by default all of them.
TRIALS ?=

# The number of payloads for each source in `make fuzz`, and the sources; all if empty.
INPUTS ?= 1000000
SOURCES ?=

.PHONY: help run demo demo-import screenshots vsd vsperf dist test test-long test-dist test-fail-over test-days test-sanitizer hostile fuzz docs check bench bench-traces bench-reports bench-pages bench-away bench-deliveries bench-export bench-history bench-import bench-agg clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Build vsd and start it on its embedded store (ARGS="--addr :5001 ...")
	@Scripts/bootstrap build run
	@$(MAKE) --no-print-directory vsd
	@Scripts/run $(RELEASE)/release/vsd $(ARGS)

demo: ## Start vsd with a generated year and print the address of its dashboard (SEED=2 ARGS="--tracer otlp")
	@Scripts/bootstrap build demo
	@$(MAKE) --no-print-directory vsd vsperf
	@SEED=$(SEED) Scripts/demo $(RELEASE)/release/vsd $(RELEASE)/release/vsperf $(ARGS)

demo-import: ## The same, imported with vsperf from a server that plays GitHub and GitLab
	@Scripts/bootstrap build demo
	@$(MAKE) --no-print-directory vsd vsperf
	@Scripts/quiet-build --product play-vendors
	@SEED=$(SEED) PLAYER=$(CURDIR)/$(DEBUG)/debug/play-vendors Scripts/demo $(CURDIR)/$(RELEASE)/release/vsd $(CURDIR)/$(RELEASE)/release/vsperf $(ARGS)

screenshots: ## Make the pictures of the pages in Docs/pictures (NAMES="overview trace")
	@Scripts/bootstrap build screenshots
	@$(MAKE) --no-print-directory vsd vsperf
	@.build-tools/python/bin/python Tests/Browser/screenshots.py $(RELEASE)/release/vsd $(RELEASE)/release/vsperf Docs/pictures $(NAMES)

vsd: ## Build the release binary, .build-release/release/vsd
	@Scripts/bootstrap build
	@test -x $(RELEASE)/release/vsd || echo "building vsd, which takes some minutes the first time"
	@Scripts/quiet-build $(RELEASE_FLAGS) --product vsd

vsperf: ## Build the command-line tool, .build-release/release/vsperf
	@Scripts/bootstrap build
	@test -x $(RELEASE)/release/vsperf || echo "building vsperf, which takes a minute the first time"
	@Scripts/quiet-build $(RELEASE_FLAGS) --product vsperf

dist: ## Make a release in .build-dist: an archive, a Debian package, an SBOM, checksums
	@Scripts/bootstrap build dist
	@$(MAKE) --no-print-directory vsd vsperf
	@Scripts/dist $(RELEASE)/release/vsd $(RELEASE)/release/vsperf

test: ## Build and run the tests (TESTS="--filter Name")
	@Scripts/bootstrap build test
	$(BUILD_TESTS)
	$(RUN_TESTS)

test-long: ## Run the tests with more rounds, then test-fail-over, test-dist, test-days and test-sanitizer
	@Scripts/bootstrap build test long
	$(BUILD_TESTS)
	VALUESTREAM_LONG_TESTS=1 $(RUN_TESTS)
	@$(MAKE) --no-print-directory test-fail-over test-dist test-days test-sanitizer

test-fail-over: ## Let three vsd, their database and their network fail under load, as root, part of test-long (TRIALS=kill-leader,network-cut)
	@Scripts/bootstrap build test
	@if [ "$(VSD)" = "$(RELEASE)/release/vsd" ]; then $(MAKE) --no-print-directory vsd; fi
	@Tests/FailOver/fail-over.py --vsd $(VSD) $(if $(TRIALS),--only $(TRIALS))

test-dist: ## Install the release in a bare Debian and run it there, as root, part of test-long
	@Scripts/bootstrap build long
	@$(MAKE) --no-print-directory dist
	@Tests/Release/install .build-dist

test-days: ## Run the tests on unusual dates, one of them in an unusual time zone, one beside two busy processes, part of test-long
	@Scripts/bootstrap build test long
	$(BUILD_TESTS)
	@Tests/Hostile/on-a-day 2027-01-03T12:00:00 UTC $(RUN_TESTS)
	@Tests/Hostile/on-a-day 2028-02-29T09:30:00 Pacific/Chatham $(RUN_TESTS)
	@Tests/Hostile/beside-load Tests/Hostile/on-a-day 2027-12-31T23:59:00 UTC $(RUN_TESTS)

test-sanitizer: ## Run the tests under ThreadSanitizer, part of test-long
	@Scripts/bootstrap build test
	TSAN_OPTIONS=suppressions=$(CURDIR)/Tests/thread-sanitizer.suppressions \
	  swift test --scratch-path $(SANITIZED) --sanitize thread $(TEST_FLAGS) $(TESTS)

hostile: ## Attack a release vsd while an honest sender measures it (ATTACKS=gzip-flood,fat-subject VSD=path)
	@Scripts/bootstrap build hostile
	@if [ "$(VSD)" = "$(RELEASE)/release/vsd" ]; then $(MAKE) --no-print-directory vsd; fi
	@Tests/Hostile/hostile.py --vsd $(VSD) $(if $(ATTACKS),--only $(ATTACKS))

fuzz: ## Feed broken payloads to the sources under AddressSanitizer (INPUTS=1000000 SOURCES="github ...")
	@Scripts/bootstrap build
	@Scripts/quiet-build --configuration release --scratch-path $(FUZZED) --sanitize address --product fuzz-sources
	@sources="$(or $(SOURCES),$$($(FUZZED)/release/fuzz-sources --names))" && for source in $$sources; do \
	  (cd $(FUZZED) && release/fuzz-sources $(CURDIR)/Tests $$source 0 $(INPUTS)) || exit 1; \
	done

docs: ## Generate the references of flags and commands, manual pages and completion from their declarations
	@Scripts/bootstrap build test
	VS_RECORD_GOLDEN=1 swift test --scratch-path $(DEBUG) $(TEST_FLAGS) --filter "CommandReferenceTests|ManualPageTests|vsdTests.CommandLineTests"

check: ## Check format, imports, architecture, constructs, words, scripts and the dependencies of the core
	@Scripts/bootstrap build check
	@Scripts/check

bench: ## Measure vsd against a bare HTTP server, then traces, exporters and reports (PAIRS=5 SECONDS_EACH=10 CONNECTIONS="1 16 64")
	@Scripts/bootstrap build bench
	@$(MAKE) --no-print-directory vsd
	@Tests/Benchmarks/run
	@$(MAKE) --no-print-directory bench-traces bench-export bench-agg

bench-traces: ## Measure trace queries on a store of a million spans, part of bench (THINGS=1000000)
	@Scripts/bootstrap build
	@Scripts/quiet-build $(RELEASE_FLAGS) --product bench-traces
	@mkdir -p .build-bench
	@store=$$(mktemp -d .build-bench/traces.XXXXXX); ended=0; \
	  $(RELEASE)/release/bench-traces "$$store" $(THINGS) || ended=$$?; \
	  rm -rf "$$store"; exit $$ended

bench-reports: ## Measure all reports and pages over HTTP on the store of a large organization (REPORT_DAYS=180 REPORT_PERCENT=100 SEED=1)
	@Scripts/bootstrap build bench
	@$(MAKE) --no-print-directory vsd
	@Scripts/quiet-build $(RELEASE_FLAGS) --product bench-reports
	@mkdir -p .build-bench
	@store=$$(mktemp -d .build-bench/reports.XXXXXX); ended=0; \
	  $(RELEASE)/release/bench-reports "$$store" $(REPORT_DAYS) $(REPORT_PERCENT) $(SEED) && \
	  Tests/Benchmarks/run-reports "$$store" --vsd $(VSD) || ended=$$?; \
	  rm -rf "$$store"; exit $$ended

bench-pages: ## Measure every page over HTTP on a generated year (SCALE=57 is about a million spans)
	@Scripts/bootstrap build bench
	@$(MAKE) --no-print-directory vsd vsperf
	@mkdir -p .build-bench
	@store=$$(mktemp -d .build-bench/pages.XXXXXX); ended=0; \
	  Tests/Benchmarks/run-reports "$$store" --vsd $(VSD) --year $(SCALE) --pages --rounds 41 --rate 0 || ended=$$?; \
	  rm -rf "$$store"; exit $$ended

bench-away: ## Measure how an unreachable backend slows intake, in alternating runs with and without it
	@Scripts/bootstrap build bench
	@$(MAKE) --no-print-directory vsd
	@SERVER_FLAGS="--tracer otlp --settle 0s --otlp-endpoint http://127.0.0.1:9" \
	  Tests/Benchmarks/run --reference-binary $(CURDIR)/$(RELEASE)/release/vsd

bench-deliveries: ## Count the instructions of each stage of a delivery with valgrind (DELIVERIES=4096)
	@Scripts/bootstrap build
	@Scripts/quiet-build $(RELEASE_FLAGS) --product bench-deliveries
	@Tests/Benchmarks/run-deliveries

bench-export: ## Measure the cost of exporting a span, part of bench: reading, presenting and encoding it for each backend (ROUNDS=9)
	@Scripts/bootstrap build
	@Scripts/quiet-build $(RELEASE_FLAGS) --product bench-export
	@mkdir -p .build-bench
	@store=$$(mktemp -d .build-bench/export.XXXXXX); ended=0; \
	  $(RELEASE)/release/bench-export "$$store" $(ROUNDS) || ended=$$?; \
	  rm -rf "$$store"; exit $$ended

bench-history: ## Measure vsd with the deliveries of a generated history instead of issues
	@Scripts/bootstrap build bench
	@$(MAKE) --no-print-directory vsd
	@Scripts/quiet-build $(RELEASE_FLAGS) --product vsperf
	@mkdir -p .build-bench
	@$(RELEASE)/release/vsperf generate history --scale 32 --until 2026-01-01T00:00:00Z --out .build-bench/history.ndjson
	@HISTORY=$(CURDIR)/.build-bench/history.ndjson Tests/Benchmarks/run

bench-import: ## Measure an import from a server without limits into a vsd on this machine (BUILDS=100000)
	@Scripts/bootstrap build bench
	@$(MAKE) --no-print-directory vsd vsperf
	@mkdir -p .build-bench
	@$(RELEASE)/release/vsperf generate history --scale 8 --until 2026-01-01T00:00:00Z --out .build-bench/import.ndjson
	@Tests/Benchmarks/run-import --builds $(BUILDS) --file .build-bench/import.ndjson

bench-agg: ## Compare vsperf agg with DuckDB and Polars, part of bench (ROWS=1000000 ROUNDS=7 THREADS=2)
	@Scripts/bootstrap build
	@$(MAKE) --no-print-directory vsperf
	@Tests/Benchmarks/run-agg

clean: ## Remove all build output
	rm -rf .build .build-*
