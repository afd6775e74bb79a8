# shellcheck shell=bash
# What the scripts here share. Sourced, never run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }

fail() {
  printf 'error: %s\n' "$1" >&2
  shift
  if (($#)); then printf 'hint: %s\n' "$@" >&2; fi
  exit 1
}

# Leaves a part out, loudly; where CI=true nothing may be left out, so there it fails.
skip() {
  if [[ ${CI:-} == true ]]; then fail "$1, and under CI=true nothing may be skipped"; fi
  printf '\n\033[1;33m!! SKIPPED: %s\033[0m\n\n' "$1" >&2
}
