#!/bin/sh
# sh scripts/run.sh <command> [arguments]: sets up what is missing, then becomes `node scripts/<command>.ts`, so that
# whoever signals or waits for this process has Node itself. Needs Node.js 20 or newer and npm, nothing else.
set -eu
unset CDPATH
cd -- "$(dirname -- "$0")/.."
. scripts/set-up.sh

command=${1:-}
case $command in
  start | demo | test | bench | format | mutations | audit | rewrap) script=$command ;;
  verify) script=test ;;
  chaos) script=../e2e/chaos/main ;;
  try-upgrade) script=../e2e/upgrade/main ;;
  *) fail "There is no command \"$command\". Use start, demo, test, verify, chaos, try-upgrade, mutations, audit, rewrap, bench or format." ;;
esac
shift

trap 'interrupted 130' INT
trap 'interrupted 143' TERM
trap 'interrupted 129' HUP
trap 'unlock' EXIT
set_up
# Compiled code is kept, so that services start, and start again, in half the time.
export NODE_COMPILE_CACHE="${NODE_COMPILE_CACHE:-$PWD/.tools/compile-cache}"
exec node "scripts/$script.ts" "$@"
