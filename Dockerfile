# The image of the action: one static binary and the CA roots, nothing else. No shell stands between the runner and the binary:
# a shell would drop the inputs, whose variables have hyphens in their names.
#
# Two ways lead to the same image, because both compile the same files (.dockerignore) by the same script (tests/tools/build_release):
#   docker build -t ecs-bluegreen-action .                             compiles inside the builder stage; releases are built so
#   docker build -t … --target prebuilt -f Dockerfile target/image     takes a prepared folder and pulls nothing (`make image`)
#
# The stages stand in this order because Docker's classic builder runs every stage above its target.

ARG BUILDER=rust:1.95-slim-bookworm

# What both ways share. There is no USER: the runner's command files can be written by root only.
FROM scratch AS base
ARG VERSION=unreleased
ARG REVISION=unknown
LABEL org.opencontainers.image.title="ecs-bluegreen-action" \
      org.opencontainers.image.description="Blue/green deployments to Amazon ECS, tested before users reach them" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENTRYPOINT ["/ecs-bluegreen"]

FROM base AS prebuilt
COPY . /

# hadolint ignore=DL3006
FROM ${BUILDER} AS builder
WORKDIR /source
COPY . .
RUN tests/tools/build_release \
 && tests/tools/rootfs target/*/release/ecs-bluegreen /rootfs

FROM base AS image
# The compiler that made the binary: a release names it by digest.
ARG BUILDER
LABEL ecs-bluegreen-action.builder="${BUILDER}"
COPY --from=builder /rootfs/ /
