# make            builds bin/rotunda, web apps included
# make run        builds and starts it with a demo call; keeps its data in ./data
# make check      format, vet, lint, types, unit tests: about a minute when warm
# make test       all of it on a fresh machine: races, and real browsers against the real binary
# make conformance  what others wrote against the real binary: the official Node and Python SDKs, on both databases, and
#                   aiortc and GStreamer over WHIP and WHEP; part of make test
# make bench      benchmarks         make bench-compose, make bench-compose-hour   speed and memory of compositions
# make soak       half an hour of 200 people who come, go and do what they can: nothing may grow; a short form is part of make test
# make bench-dialect   what a room on the Janus dialect costs beside the same room on our protocol
# make bench-link   calls over bad networks, beside Janus: 25 minutes, as root, with nothing else at work
# make soak-browsers  the browser tests, twenty times each         make load    the REST API under load, until it saturates
# make opus       builds libopus for internal/opus from Debian's source; the result is in the tree
# make clean      removes what was built
# make format     rewrites sources into their format

SHELL       := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := build

GOLANGCI_VERSION := v2.15.0

# Outside a repository of our own (an unpacked archive, another owner's checkout) the version is a plain word.
VERSION := $(shell test -e .git && git describe --tags --always --dirty 2>/dev/null || echo dev)
GOFLAGS_BUILD := -trimpath -buildvcs=false -ldflags '-s -w -X main.version=$(VERSION)'

cache   := $(CURDIR)/.cache
lint    := $(cache)/golangci-lint-$(GOLANGCI_VERSION)
s3      := $(cache)/versitygw-$(shell sha256sum test/s3/go.sum | cut -c1-8)
modules := node_modules/.installed
python  := $(cache)/conformance-python/.installed
webrtc  := $(cache)/conformance-webrtc/.installed
app     := apps/sample/dist/index.html
docs    := apps/docs/dist/index.html
portal  := apps/portal/dist/index.html
sdkdocs := apps/docs/public/sdk/index.html
sdk     := sdk/web/dist/index.js
react   := sdk/react/dist/index.js

export PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD := 1
export DEBIAN_FRONTEND := noninteractive

## Building

.PHONY: build run opus
build: $(sdk) $(react) bin/rotunda

# Go's own cache decides what there is to do, so this always asks it.
.PHONY: bin/rotunda
bin/rotunda: $(app) $(docs) $(portal) | toolchain
	CGO_ENABLED=0 go build $(GOFLAGS_BUILD) -o $@ ./cmd/rotunda

run: build
	exec bin/rotunda serve --demo

# Fails if what comes out is not what the tree has: then the checksum is to be committed with it.
opus:
	internal/opus/wasm/build.sh
	cd internal/opus/wasm && sha256sum --check libopus.wasm.sha256

# npm ci takes a while and throws node_modules away: only when the lockfile says something new.
$(modules): package-lock.json | toolchain
	@if [ "$$(cat $@ 2>/dev/null)" != "$$(sha256sum <package-lock.json)" ]; then \
	  npm ci --no-audit --no-fund && sha256sum <package-lock.json >$@; \
	fi
	@touch $@

sources = $(shell find $(1) package.json tsconfig.base.json -type f \
  -not -path '*/node_modules/*' -not -path '*/dist/*' -not -name '*.go' 2>/dev/null)

$(sdk): $(modules) $(call sources,sdk/web)
	npm run build -w sdk/web
	@touch $@

$(react): $(sdk) $(call sources,sdk/react)
	npm run build -w sdk/react
	@touch $@

$(app): $(modules) $(call sources,sdk apps/theme apps/sample)
	npm run build -w apps/sample
	@touch $@

$(portal): $(modules) $(call sources,sdk/web apps/theme apps/portal)
	npm run build -w apps/portal
	@touch $@

$(sdkdocs): $(modules) $(call sources,sdk apps/sdk-docs)
	npm run build -w apps/sdk-docs
	@touch $@

$(docs): $(modules) $(sdkdocs) $(call sources,apps/theme apps/docs)
	npm run build -w apps/docs
	@touch $@

## Checking

.PHONY: check test lint vet cross web-check web-test go-test go-race e2e conformance soak-short link-short
check: vet lint web-check go-test web-test
	@echo 'check: passed'

# From quick to slow; the first failure ends it. Nothing is skipped.
test: test-machine
	$(MAKE) --no-print-directory vet lint cross web-check web-test
	$(MAKE) --no-print-directory build
	$(MAKE) --no-print-directory conformance
	$(MAKE) --no-print-directory soak-short link-short
	$(MAKE) --no-print-directory go-race
	$(MAKE) --no-print-directory e2e
	@grep -E '^(ok|FAIL)' $(cache)/go-race.log
	@echo 'test: passed'

vet:
	go vet ./...

lint: $(lint)
	$(lint) fmt --diff
	$(lint) run

# What other systems would compile; the server is made for Linux, but must not be broken elsewhere.
cross:
	GOOS=darwin GOARCH=arm64 CGO_ENABLED=0 go vet ./cmd/rotunda
	GOOS=windows GOARCH=amd64 CGO_ENABLED=0 go vet ./cmd/rotunda

go-test: $(s3)
	go test ./...

# The race detector allocates, so what proves that forwarding does not runs without it.
go-race: $(s3) | $(cache)
	go test -race -timeout 20m ./... 2>&1 | tee $(cache)/go-race.log
	go test -run Allocates ./internal/sfu
	go test -tags plain ./internal/sfu # the path of other systems

web-check: $(modules)
	npm run lint
	npm run check --workspaces --if-present
	npm run typecheck --workspaces --if-present

web-test: $(modules)
	npm test -w sdk/web -w sdk/react -w apps/theme -w apps/sample -w apps/portal -w apps/docs -w apps/sdk-docs

e2e: build
	npm test -w test/e2e

# The older SDK is there for its way to verify webhooks; it shares what the other stands on.
$(python): test/conformance/python/requirements.txt test/conformance/python/requirements-4.176.txt | $(cache)
	rm -rf $(@D) $(cache)/conformance-python-4.176
	python3 -m venv $(@D)
	$(@D)/bin/pip install -q --disable-pip-version-check -r test/conformance/python/requirements.txt
	$(@D)/bin/pip install -q --disable-pip-version-check --no-deps --target $(cache)/conformance-python-4.176 \
	  -r test/conformance/python/requirements-4.176.txt
	@touch $@

$(webrtc): test/conformance/webrtc/requirements.txt | $(cache)
	rm -rf $(@D)
	python3 -m venv $(@D)
	$(@D)/bin/pip install -q --disable-pip-version-check -r test/conformance/webrtc/requirements.txt
	@touch $@

conformance: build $(modules) $(python) $(webrtc)
	@mkdir -p $(cache)/conformance
	go build -o $(cache)/conformance ./test/conformance/participant ./test/conformance/recording
	go run ./test/conformance

# Two minutes, against a server with the race detector.
soak-short: build
	go build -race -o $(cache)/rotunda-race ./cmd/rotunda
	go run ./test/soak -for 75s -server $(cache)/rotunda-race

# A call in real browsers over a network that becomes narrow and dies for a moment. Less than a minute.
link-short: build
	go run ./test/link/quality -check

## Long runs

.PHONY: bench bench-compose bench-compose-hour bench-dialect bench-link soak soak-browsers load
bench:
	go test -run '^$$' -bench . -benchmem ./...

# Four pictures of 720p, a minute long; it should be made at twice real time or more on two processors.
bench-compose: | toolchain
	go test -run '^$$' -bench Compose -benchtime 1x ./internal/compose

# Ten people for an hour: its memory is no larger than that of a minute. It takes about an hour, and 3 GB under TMPDIR.
bench-compose-hour: | toolchain
	go test -run '^$$' -bench Compose -benchtime 1x -timeout 6h ./internal/compose -people 10 -minutes 60 -size 640x360 -labels

# Five minutes on a quiet machine. Fails if the dialect takes more than twice as much beside mixing.
bench-dialect: build
	go run ./test/dialect

# Into .cache/bench-link: figures, a table, graphs.
bench-link: build
	./test/machine.sh bench-link
	go run ./test/link/quality

soak: build
	go run ./test/soak

soak-browsers: build
	npm run soak -w test/e2e

load: build
	go run ./test/load -raise

## Tools and tidying

.PHONY: toolchain test-machine format clean
toolchain:
	@./test/machine.sh toolchain

test-machine: toolchain
	@./test/machine.sh test

$(cache):
	@mkdir -p $@

# Eighty seconds to build, so one that is on the machine already is taken.
$(lint): | $(cache) toolchain
	@found="$$(command -v golangci-lint || echo "$$(go env GOPATH)/bin/golangci-lint")"; \
	if "$$found" version 2>/dev/null | grep -qF "version $(GOLANGCI_VERSION:v%=%) "; then ln -sf "$$found" $@; else \
	  echo 'installing golangci-lint $(GOLANGCI_VERSION) (about a minute, once)'; \
	  GOBIN=$(cache) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION); \
	  mv $(cache)/golangci-lint $@; \
	fi

# The S3 server of the tests, which would build it themselves, against their time limit. Two minutes, once.
$(s3): test/s3/go.sum | $(cache) toolchain
	go build -C test/s3 -o $@ tool
	@touch $@

format: $(lint) $(modules)
	$(lint) fmt
	npx biome check --write .

clean:
	rm -rf bin node_modules apps/*/node_modules sdk/*/node_modules test/*/node_modules sdk/*/dist
	rm -rf apps/docs/public/sdk
	find apps -path '*/dist/*' -not -name .gitkeep -delete
