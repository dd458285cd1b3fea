# What people type. Each target is a line or two: the work is in scripts/.

SWIFT ?= swift
SCRATCH ?= .build
# The same everywhere, so that one release build serves the house, the benchmarks and the packages.
RELEASE = --scratch-path $(SCRATCH) $$(scripts/release-flags $(SCRATCH))

.PHONY: help run test check bench build release deb proto clean

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18

run: ## the house: a gateway with real devices in network namespaces, and the whole story; ONCE=1 ends after it, LAN=eth0 uses your LAN
	scripts/install-deps build run
	$(SWIFT) build $(RELEASE)
	scripts/house/run

test: ## everything that is tested, with one line at the end
	scripts/install-deps build run test deb
	SCRATCH=$(abspath $(SCRATCH)) scripts/test

check: ## the rules of the house, a build with checked imports, unit tests
	scripts/install-deps build
	SCRATCH=$(SCRATCH) scripts/check

bench: ## what it costs, beside others
	scripts/install-deps build run bench
	$(SWIFT) build $(RELEASE)
	Benchmarks/run

build: ## the programs, for debugging
	scripts/install-deps build
	$(SWIFT) build --scratch-path $(SCRATCH)

release: ## the programs, optimised, stripped and without need of a Swift runtime, in .build/programs
	scripts/install-deps build
	$(SWIFT) build $(RELEASE)
	scripts/strip-programs $(SCRATCH)

deb: ## Debian packages for this machine's architecture, in .build/deb
	scripts/install-deps build deb
	scripts/deb $(SCRATCH)

proto: ## Swift code from proto/, after a change there
	scripts/generate-messages

clean: ## away with all that was built
	rm -rf $(SCRATCH)
