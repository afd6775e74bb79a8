# The only entry: people and continuous integration call the same targets. `make help` lists them.
#
# `dev` is for the lints, the tests and the rehearsal, `release` for the action and the benches. Rehearsals and tests wait for the stage,
# not for the processor, so the stage and the sample application are dev builds. The whole workspace is always built together there,
# because another selection of packages would mean other features of the shared crates, and with that a build of its own.
# That binaries are static is said in .cargo/config.toml, and for the release in tests/tools/build_release.

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
INFRASTRUCTURE_PYTHON := target/infrastructure/bin/python
NEXTEST := $(shell cargo nextest --version >/dev/null 2>&1 && echo yes)

## rehearse: deploy, fail and roll back the sample application on a simulated AWS, under load (STRATEGY=canary and others)
.PHONY: rehearse
rehearse:
	@tests/tools/announce_build $(DEBUG)
	cargo build --locked --workspace --bins
	$(DEBUG)/rehearse '$(STRATEGY)'

## test: install what is needed, run every check and every test, and say what took how long
.PHONY: test
test:
	@tests/tools/everything 'setup format-check lint test-tools clippy' 'test-rust | release | test-fuzz' 'test-bench | test-moto test-infrastructure' 'test-image'

## image: build the container image `ecs-bluegreen-action` without pulling anything, and hold it to its size
.PHONY: image
image: release
	tests/tools/image $(ACTION) $(ECS_BLUEGREEN_IMAGE)

## bench: measure start, reaction, memory, scale, size and the judgement of canaries against the bars
.PHONY: bench
bench: bench-programs
	$(RELEASE)/bench

# What only somebody who asks for it runs would rot.
.PHONY: test-bench
test-bench: setup programs
	$(DEBUG)/bench short

## scale: deploy 200 services at once (or N=50) under AWS's request limits, and nothing else
.PHONY: scale
scale: bench-programs
	$(RELEASE)/bench scale $(N)

## schedules: play N random schedules (20000), those of SEED where it is given; a SCHEDULE alone is told in full
.PHONY: schedules
schedules:
	SCHEDULES=$(or $(N),20000) SEED='$(SEED)' SCHEDULE='$(SCHEDULE)' cargo test --locked --workspace --test it schedules:: -- --nocapture

## fuzz: give the readers of images and archives hostile input, for N seconds each (60)
.PHONY: fuzz
fuzz: setup
	tests/tools/fuzz $(or $(N),60)

## mutants: change what decides, one place after the other, and list the changes that no unit test notices (FILES='registry/src/compress.rs' for some)
# In a copy of the sources, with a folder of its own for what is compiled: what is built for one crate alone has other features.
.PHONY: mutants
mutants:
	@cargo mutants --version >/dev/null 2>&1 || { echo 'cargo-mutants is missing: cargo install cargo-mutants --locked' >&2; exit 1; }
	CARGO_TARGET_DIR='$(CURDIR)/target/mutants' CARGO_PROFILE_DEV_DEBUG=none \
	cargo mutants --workspace --jobs 1 --output target $(if $(FILES),--no-config --cargo-arg=--lib $(addprefix --file ,$(FILES)))

## lint: check workflows, action.yml, scripts, Dockerfile, spelling and the examples in the docs
.PHONY: lint
lint: setup
	tests/tools/lint

## generate: write the generated files anew (tests named `generated_*` compare, and write with GENERATE=1)
.PHONY: generate
generate:
	GENERATE=1 INSTA_UPDATE=always cargo test --workspace --locked generated

## generate-policies: write the policies of docs/iam.md into infrastructure/
.PHONY: generate-policies
generate-policies:
	python3 tests/tools/infrastructure/policies.py

## format: format all Rust code
.PHONY: format
format:
	cargo fmt --all
	cargo fmt --manifest-path fuzz/Cargo.toml

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
	@sed -n 's/^## \([a-z-]*\): /\1\t/p' $(MAKEFILE_LIST) | while IFS=$$'\t' read -r name what; do printf '  make %-25s %s\n' "$$name" "$$what"; done

.PHONY: setup
setup:
	@tests/tools/setup

# As the Dockerfile does it: the same script in the same files, which are those that .dockerignore lets into a build.
.PHONY: release
release:
	python3 tests/tools/build_context.py . target/context
	CARGO_TARGET_DIR='$(CURDIR)/target' target/context/tests/tools/build_release

# What measures and what is only the stage need not be small.
.PHONY: bench-programs
bench-programs: release
	CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
	cargo build --release --locked --package ecs-bluegreen-sim --package sample-app --bins

# The stories start the stage's and the sample application's programs, which `cargo test` alone would not build.
.PHONY: programs
programs:
	cargo build --workspace --bins --tests --locked

.PHONY: format-check
format-check:
	cargo fmt --all --check
	cargo fmt --manifest-path fuzz/Cargo.toml --check

# Clippy is the compiler of what the tests run: a check of its own would compile everything that we depend on a second time.
# `cargo clippy` passes its arguments on in the same way.
clippy programs test-bench test-rust schedules: export RUSTC_WORKSPACE_WRAPPER := clippy-driver
clippy programs test-bench test-rust schedules: export CLIPPY_ARGS := --deny__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__

.PHONY: clippy
clippy: programs

.PHONY: test-tools
test-tools: setup
	$(PYTHON) -m unittest discover --start-directory tests/tools --top-level-directory tests/tools

.PHONY: test-fuzz
test-fuzz: setup
	tests/tools/fuzz 10

.PHONY: test-image
test-image: setup release programs
	tests/tools/test_binary $(ACTION)
	tests/tools/test_image --build $(ACTION) $(ECS_BLUEGREEN_IMAGE) $(DEBUG)

# An image that is there already, whatever built it: a release tests the one that it pushes.
.PHONY: test-built-image
test-built-image: programs
	tests/tools/test_image $(ECS_BLUEGREEN_IMAGE) $(DEBUG)

## test-reproducible: compile the action a second time, in other folders, and compare (minutes; continuous integration does it)
.PHONY: test-reproducible
test-reproducible: release
	tests/tools/test_reproducible $(ACTION)

.PHONY: test-moto
test-moto: setup release
	$(PYTHON) tests/tools/test_moto $(ACTION)

## test-infrastructure: check infrastructure/ by Terraform, cfn-lint, Guard and an emulator, and its two descriptions against each other
.PHONY: test-infrastructure
test-infrastructure: setup-infrastructure
	$(INFRASTRUCTURE_PYTHON) tests/tools/test_infrastructure

## test-infrastructure-slow: check infrastructure/ by checkov, and the AWS provider's schema against its source (minutes; a release does it)
.PHONY: test-infrastructure-slow
test-infrastructure-slow: setup-infrastructure
	tests/tools/setup infrastructure-slow
	target/infrastructure-slow/bin/python tests/tools/test_infrastructure slow

.PHONY: setup-infrastructure
setup-infrastructure: setup
	tests/tools/setup infrastructure

.PHONY: test-rust
test-rust: setup programs
ifeq ($(NEXTEST),yes)
# Some tests need a Docker engine: they are left out, and counted as skipped, only where there is none and CI is not true.
	everything=; if [[ $${CI:-} == true ]] || docker info >/dev/null 2>&1; then everything='--run-ignored all'; fi; \
	cargo nextest run --workspace --locked --no-fail-fast $$everything
else
	cargo test --workspace --locked --no-fail-fast
endif
