# make run and make test are all it takes on a Debian or Ubuntu machine with Go:
# what else they need they install.

GO      ?= go
SUDO    := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
ROOT    := $(SUDO) env "PATH=$(PATH)" "HOME=$(HOME)" "GOFLAGS=$(GOFLAGS)"
CLANG   := clang-19
FUZZ    ?= 500x

export CGO_ENABLED = 0

.PHONY: all build run test unit race live lint cross generate check-generated fuzz setup corpus conformance clean

all: build

build:
	$(GO) build -trimpath -o xnumon ./cmd/xnumon

run: build
	$(SUDO) ./xnumon run

test: setup lint check-generated cross unit race fuzz live corpus test-package

# What tests compile and run: a C compiler, and clang for the BPF objects.
setup:
	@$(SUDO) ./scripts/setup

lint:
	@unformatted=$$(gofmt -l .); [ -z "$$unformatted" ] || { echo "gofmt -w $$unformatted"; exit 1; }
	$(GO) vet ./...
	GOOS=darwin $(GO) vet ./...
	$(GO) tool staticcheck ./...
	$(GO) vet -C peers ./...

cross:
	GOOS=linux GOARCH=arm64 $(GO) build ./...
	GOOS=darwin GOARCH=arm64 $(GO) build ./...
	GOOS=darwin GOARCH=amd64 $(GO) build ./...

unit:
	$(GO) test -tags nolive ./...

race:
	CGO_ENABLED=1 $(GO) test -tags nolive -race ./...

# As root, on the kernel of this machine. A live test that skips has failed.
live: build
	$(ROOT) ./scripts/live

fuzz:
	./scripts/fuzz $(FUZZ)

generate:
	$(GO) generate ./...

# The committed BPF objects must be what the source gives.
check-generated: setup
	./scripts/check-generated

# What xnumon says of the corpus: nothing wrong at any level of its gate, and
# nothing missing at the highest, but for a race that a busy machine has lost, of which it
# tells, and which is no more than one fact in a hundred.
corpus: build setup
	$(ROOT) $(GO) run ./conformance run -xnumon ./xnumon -monitors 'xnumon*' -case-limit 2m -not-wrong 'xnumon*' -all-right 'xnumon hash' \
		-excuse 'not held,gone,timeout,raced'

# All monitors on this machine, and what test-kernels has last found on other
# kernels, into docs/conformance.md.
conformance: build setup
	@$(SUDO) ./bench/setup
	@mkdir -p build
	$(ROOT) $(GO) run ./conformance run -xnumon ./xnumon -json build/conformance.json
	$(GO) run ./conformance page docs/conformance.md build/conformance.json $$(ls build/kernels/*/corpus.json 2>/dev/null)

# What it costs beside the bare machine and other monitors, into docs/performance.md.
.PHONY: bench
bench: build setup
	$(SUDO) ./bench/setup
	$(ROOT) $(GO) run ./bench

# The live tests and the corpus on other kernels, in an emulator. Long.
.PHONY: test-kernels
test-kernels: setup
	@$(SUDO) ./scripts/kernels-setup
	$(GO) run ./kernels

# The package and its service on a system that has booted, in an emulator. Long.
.PHONY: test-service
test-service: package
	$(ROOT) ./scripts/test-service

# build/xnumon_VERSION_ARCH.deb and .rpm; VERSION= and ARCH= say which.
.PHONY: package test-package
package:
	@mkdir -p build
	@rm -f build/xnumon[_-]*.deb build/xnumon[_-]*.rpm
	./scripts/package

# Installs and removes them in a root of their own.
test-package: package
	@$(SUDO) ./scripts/test-package

clean:
	rm -rf xnumon build
