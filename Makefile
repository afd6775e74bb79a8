# The only entry: people and continuous integration call the same targets. `make help` lists them.
#
# `dev` is for clippy, the tests and the rehearsal, `release` for the image and the benches. A fresh dev build takes half as long as
# a release build (2 minutes, not 4, on two cores), and a rehearsal waits for its stage, not for the processor. The whole workspace is
# always built together, because another selection of packages would mean other features of the shared crates, and with that a
# build of its own. That binaries are static is said in .cargo/config.toml.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

# The flags of .cargo/config.toml would give way to these.
unexport RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_RUSTFLAGS
export PYTHONDONTWRITEBYTECODE := 1
export ECS_BLUEGREEN_IMAGE := ecs-bluegreen-action

HOST := $(shell rustc -vV | sed -n 's/^host: //p')
DEBUG := target/$(HOST)/debug
RELEASE := target/$(HOST)/release
ACTION := $(RELEASE)/ecs-bluegreen
PYTHON := target/venv/bin/python
NEXTEST := $(shell cargo nextest --version >/dev/null 2>&1 && echo yes)

## rehearse: deploy, fail and roll back the sample application on a simulated AWS, under load (STRATEGY=canary and others)
.PHONY: rehearse
rehearse:
	cargo build --locked --workspace --bins
	$(DEBUG)/rehearse '$(STRATEGY)'

## test: install what is needed, then run every check and every test
.PHONY: test
test: setup format-check lint test-tools clippy test-fuzz test-image test-moto test-rust

## image: build the container image `ecs-bluegreen-action` without pulling anything, and hold it to its size
.PHONY: image
image: release
	tests/tools/image $(ACTION) $(ECS_BLUEGREEN_IMAGE)

## bench: measure start, reaction, memory, scale, size and the judgement of canaries against the bars
.PHONY: bench
bench: release
	$(RELEASE)/bench

## scale: deploy 200 services at once (or N=50) under AWS's request limits, and nothing else
.PHONY: scale
scale: release
	$(RELEASE)/bench scale $(N)

## fuzz: give the readers of images and archives hostile input, for N seconds each (60)
.PHONY: fuzz
fuzz: setup
	tests/tools/fuzz $(or $(N),60)

## lint: check workflows, action.yml, scripts, Dockerfile, spelling and the examples in the docs
.PHONY: lint
lint: setup
	tests/tools/lint

## generate: write the generated files anew (tests named `generated_*` compare, and write with GENERATE=1)
.PHONY: generate
generate:
	GENERATE=1 INSTA_UPDATE=always cargo test --workspace --locked generated

## format: format all Rust code
.PHONY: format
format:
	cargo fmt --all
	cargo fmt --manifest-path fuzz/Cargo.toml -- --config-path .

## freeze: renew the frozen versions of the test tools from requirements.in and package.json
.PHONY: freeze
freeze:
	tests/tools/freeze

## clean: remove everything that was built or installed below target/
.PHONY: clean
clean:
	rm -rf target

## help: list these targets
.PHONY: help
help:
	@sed -n 's/^## \([a-z-]*\): /\1\t/p' $(MAKEFILE_LIST) | while IFS=$$'\t' read -r name what; do printf '  make %-10s %s\n' "$$name" "$$what"; done

.PHONY: setup
setup:
	@tests/tools/setup

.PHONY: release
release:
	cargo build --release --locked --workspace --bins

.PHONY: format-check
format-check:
	cargo fmt --all --check
	cargo fmt --manifest-path fuzz/Cargo.toml --check -- --config-path .

.PHONY: clippy
clippy:
	cargo clippy --workspace --all-targets --locked -- --deny warnings

.PHONY: test-tools
test-tools: setup
	$(PYTHON) -m unittest discover --start-directory tests/tools --top-level-directory tests/tools

.PHONY: test-fuzz
test-fuzz: setup
	tests/tools/fuzz 10

.PHONY: test-image
test-image: setup release
	tests/tools/test_image $(ACTION) $(ECS_BLUEGREEN_IMAGE)
	tests/tools/test_deploy $(RELEASE) $(ECS_BLUEGREEN_IMAGE)

.PHONY: test-moto
test-moto: setup release
	$(PYTHON) tests/tools/test_moto $(ACTION)

.PHONY: test-rust
test-rust: setup
# The stories start the simulator's and the sample application's programs, which `cargo test` alone would not build.
	cargo build --workspace --bins --tests --locked
ifeq ($(NEXTEST),yes)
# Some tests need a Docker engine: they are left out, and counted as skipped, only where there is none and CI is not true.
	everything=; if [[ $${CI:-} == true ]] || docker info >/dev/null 2>&1; then everything='--run-ignored all'; fi; \
	cargo nextest run --workspace --locked --no-fail-fast $$everything
else
	cargo test --workspace --locked --no-fail-fast
endif
