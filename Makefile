# Two commands do everything on a fresh machine: `make run` and `make test`.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

CARGO_TARGET_DIR ?= $(CURDIR)/target
export CARGO_TARGET_DIR
ULTRA := $(CARGO_TARGET_DIR)/debug/ultra

.PHONY: help run test lint unit generate dist bench fuzz image clean

help: ## Show what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 12

run: ## Build, check the dev profile, serve it on embedded defaults (SQLite, memory cache, mock provider)
	cargo build --locked
	$(ULTRA) check readiness --profile dev
	$(ULTRA) serve --profile dev || { code=$$?; \
	  [ $$code != 5 ] || echo 'hint: if the port is taken: ULTRA_PORT=auto make run' >&2; exit $$code; }

test: ## Install what is missing and run the whole suite: format, lints, unit and integration tests
	scripts/setup test
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --document-private-items --quiet
	cargo build --locked
	cargo nextest run --locked

generate: ## Write the generated files: .env.example, docs/configuration.md, schema, completions, man pages
	cargo build --locked
	$(ULTRA) generate

dist: ## Build the program as it is released: optimised, and arranged by what it does under load
	scripts/setup dist
	scripts/dist

bench: ## Measure everything that takes minutes, or ONLY=gateways, ONLY=soak; the figures go into docs/benchmarks.md
	scripts/setup $(if $(filter gateways,$(ONLY)),bench-peers,bench)
	scripts/dist
	benches/run $(CARGO_TARGET_DIR)/guided/dist/ultra --peers $(if $(ONLY),--only $(ONLY))

fuzz: ## Fuzz the dotenv dialect and the translation of APIs, each for a minute, or for SECONDS
	fuzz/run $(or $(SECONDS),60) dotenv
	fuzz/run $(or $(SECONDS),60) translation

image: ## Build the container image and see `ultra serve` answer in it
	scripts/setup image
	scripts/image

clean: ## Remove what was built
	cargo clean
