#!/bin/sh
# sh scripts/containers.sh: builds the images and proves them: each service in a container of its own with 512 MB, a
# read-only root and no privileges, through the demo's order workflow, W1, W2 and W3 of the benchmarks at full load, and a
# hundred decompression bombs (containers.ts). Says "skipped" and why, and exits 0, where that cannot be done. What stays is
# the base and the images, localhost/keelson-*, from which the next run is faster.
#   KEELSON_BASE   what to build on, as Dockerfile's BASE; by default a Debian made here by debootstrap, with this
#                  checkout's Node and pnpm, so that nothing is pulled
#   KEELSON_PODMAN what runs podman, such as "sudo podman"
set -eu
unset CDPATH
cd -- "$(dirname -- "$0")/.."
. scripts/set-up.sh

podman=${KEELSON_PODMAN:-podman}
# Of the two runtimes, runc alone knows the control groups of every system.
if command -v runc >/dev/null; then podman="$podman --runtime runc"; fi
base=${KEELSON_BASE:-localhost/keelson-base:local}
work=.keelson/containers

trap 'interrupted 130' INT
trap 'interrupted 143' TERM
trap 'interrupted 129' HUP
trap 'unlock' EXIT

# Asked to end, podman takes away what it had begun.
interrupted() {
  [ -z "$child" ] || { kill -TERM "$child" 2>/dev/null && wait "$child" || true; }
  exit "$1"
}

skip() {
  echo "skipped: $1"
  exit 0
}

${podman} --version >/dev/null 2>&1 || skip "podman is not installed (Debian: apt-get install podman runc debootstrap)"
# Whose limits would not hold, or could not be read, proves nothing.
[ "$(id -u)" = 0 ] || [ -n "${KEELSON_PODMAN:-}" ] ||
  skip "holding containers to 512 MB takes root: run as root, or set KEELSON_PODMAN, such as \"sudo podman\""
${podman} info >/dev/null 2>&1 || skip "podman does not work here: $(${podman} info 2>&1 | tail -n 1)"

# Debian's minimal system, with what the Dockerfile expects of a base: Node, and pnpm in the place of an npm to fetch it.
make_base() {
  command -v debootstrap >/dev/null || skip "there is no base to build on: install debootstrap, or set KEELSON_BASE"
  [ "$(id -u)" = 0 ] || skip "making a base takes root: run as root, or set KEELSON_BASE"
  rm -rf "$work/rootfs"
  logged "$work/debootstrap.log" debootstrap --variant=minbase --include=ca-certificates bookworm "$work/rootfs" ||
    skip "debootstrap could not make a base (see $work/debootstrap.log)"
  mkdir -p "$work/rootfs/opt/pnpm/bin"
  cp -L "$(command -v node)" "$work/rootfs/usr/local/bin/node"
  cp -L .tools/node_modules/pnpm/pnpm "$work/rootfs/opt/pnpm/bin/pnpm"
  # Whom this machine trusts, the build trusts too: its registry may be reached through a proxy.
  cat /etc/ssl/certs/ca-certificates.crt >"$work/rootfs/etc/ssl/certs/ca-certificates.crt"
  rm -rf "$work/rootfs/var/cache/apt" "$work/rootfs/var/lib/apt/lists"
  tar -C "$work/rootfs" -c . | ${podman} import --quiet - "$base" >/dev/null
  rm -rf "$work/rootfs"
}

# One container, within a limit, before anything is built in one.
require_containers() {
  told=$(${podman} run --rm --network host --memory 64m --memory-swap 64m --ulimit nofile=4096:4096 \
    --ulimit nproc=4096:4096 "$base" node --version 2>&1) ||
    skip "podman cannot run a container here: $(echo "$told" | tail -n 1)"
}

# What stands in the tree now, so that all images are of one state and share what they are built of.
take_context() {
  rm -rf "$work/context"
  mkdir -p "$work/context"
  tar -c --exclude=node_modules --exclude=generated --exclude=.turbo Dockerfile .dockerignore package.json pnpm-lock.yaml \
    pnpm-workspace.yaml apps packages infra/container | tar -x -C "$work/context"
}

# What set-up has fetched need not be fetched again.
build() {
  store=$(pnpm store path)
  cache=${XDG_CACHE_HOME:-$HOME/.cache}/pnpm
  mkdir -p "$cache"
  logged "$work/build-$1.log" ${podman} build --isolation chroot --network host --format docker --target "$1" --tag "localhost/keelson-$1:local" \
    --build-arg "BASE=$base" --build-arg PNPM_FLAGS=--prefer-offline \
    --volume "${store%/v*}:/pnpm-store" --volume "$cache:/pnpm-cache" "$work/context" || {
    ! grep -qE "ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ERR_PNPM_META_FETCH_FAIL" "$work/build-$1.log" ||
      skip "npm's registry could not be reached for what the images need (see $work/build-$1.log)"
    tail -n 30 "$work/build-$1.log" >&2
    fail "The image of $1 could not be built."
  }
}

build_all() {
  for target in $targets; do build "$target"; done
  # Layers of the stages that no image keeps, and images that these have taken the names of.
  ${podman} image prune --force --filter label=org.opencontainers.image.vendor=Keelson >/dev/null
}

# logged FILE COMMAND...: its output goes to the file; a signal to this shell ends it.
logged() {
  LOG=$1
  shift
  run "$@"
}

targets="api ingress scheduler worker migrate"
sizes() {
  for target in $targets; do
    bytes=$(${podman} image inspect --format '{{.Size}}' "localhost/keelson-$target:local")
    echo "image $target: $((bytes / 1000000)) MB"
  done
}

set_up
mkdir -p "$work"
[ -n "${KEELSON_BASE:-}" ] || ${podman} image exists "$base" || stage "a base to build on" make_base
require_containers
take_context
stage "five images" build_all
sizes
KEELSON_PODMAN=$podman exec node scripts/containers.ts
