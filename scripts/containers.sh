#!/bin/sh
# sh scripts/containers.sh: builds the images and proves them: each service in a container of its own with 512 MB, a
# read-only root and no privileges, through the demo's order workflow and a hundred decompression bombs (containers.ts).
# Says "skipped" and why, and exits 0, where that cannot be done.
#   KEELSON_BASE   what to build on, as Dockerfile's BASE; by default a Debian made here by debootstrap, with this
#                  checkout's Node and pnpm, so that nothing is pulled
#   KEELSON_PODMAN what runs podman, such as "sudo podman"
set -eu
unset CDPATH
cd -- "$(dirname -- "$0")/.."
. scripts/set-up.sh

podman=${KEELSON_PODMAN:-podman}
# Of the two runtimes, runc alone knows the control groups of every system.
command -v runc >/dev/null && podman="$podman --runtime runc"
base=${KEELSON_BASE:-localhost/keelson-base:local}
work=.keelson/containers

skip() {
  echo "skipped: $1"
  exit 0
}

${podman} --version >/dev/null 2>&1 || skip "podman is not installed (Debian: apt-get install podman buildah runc)"
${podman} info >/dev/null 2>&1 || skip "podman does not work here: $(${podman} info 2>&1 | tail -n 1)"

# Debian's minimal system, with what the Dockerfile expects of a base: Node, and pnpm in the place of an npm to fetch it.
make_base() {
  command -v debootstrap >/dev/null || skip "there is no base to build on: install debootstrap, or set KEELSON_BASE"
  [ "$(id -u)" = 0 ] || skip "making a base takes root: run as root, or set KEELSON_BASE"
  rm -rf "$work/rootfs"
  mkdir -p "$work"
  debootstrap --variant=minbase --include=ca-certificates bookworm "$work/rootfs" >"$work/debootstrap.log" 2>&1 ||
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
  ${podman} build --isolation chroot --network host --format docker --target "$1" --tag "localhost/keelson-$1:local" \
    --build-arg "BASE=$base" --build-arg PNPM_FLAGS=--prefer-offline \
    --volume "${store%/v*}:/pnpm-store" --volume "$cache:/pnpm-cache" "$work/context" >"$work/build-$1.log" 2>&1 || {
    tail -n 30 "$work/build-$1.log" >&2
    fail "The image of $1 could not be built."
  }
}

set_up
mkdir -p "$work"
[ -n "${KEELSON_BASE:-}" ] || ${podman} image exists "$base" || stage "a base to build on" make_base
take_context
for target in api ingress scheduler worker migrate; do
  build "$target"
  say "built $target"
done
sizes() {
  for target in api ingress scheduler worker migrate; do
    bytes=$(${podman} image inspect --format '{{.Size}}' "localhost/keelson-$target:local")
    echo "image $target: $((bytes / 1000000)) MB"
  done
}

sizes
KEELSON_PODMAN=$podman exec node scripts/containers.ts
