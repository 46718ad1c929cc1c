#!/usr/bin/env bash
# Says what a machine lacks to build Rotunda (toolchain) or to test it (test), and installs what it may.
set -euo pipefail

missing=()

# at_least WANTED FOUND compares major.minor versions.
at_least() {
  [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -1)" = "$1" ]
}

need() { # NAME WANTED FOUND WHERE
  if [ -z "$3" ]; then
    missing+=("$1 $2 or newer is needed and was not found: $4")
  elif ! at_least "$2" "$3"; then
    missing+=("$1 $2 or newer is needed, this is $3: $4")
  fi
}

check_toolchain() {
  need Go 1.26 "$(go env GOVERSION 2>/dev/null | sed 's/^go//' || true)" 'https://go.dev/dl/'
  need Node 20.19 "$(node --version 2>/dev/null | sed 's/^v//' || true)" 'https://nodejs.org/'
  need npm 10 "$(npm --version 2>/dev/null || true)" 'it comes with Node'
}

# provide COMMAND... -- PACKAGE finds one of the commands, or installs the Debian package as root.
provide() {
  local commands=() package
  while [ "$1" != -- ]; do commands+=("$1"); shift; done
  package=$2
  for command in "${commands[@]}"; do
    if command -v "$command" >/dev/null; then return; fi
  done
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing $package"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" >/dev/null
    return
  fi
  missing+=("${commands[0]} is needed by the tests and was not found: install it with 'sudo apt-get install $package'")
}

case "${1:-}" in
toolchain) check_toolchain ;;
test)
  check_toolchain
  provide gcc -- gcc
  provide curl -- curl
  provide jq -- jq
  provide ffmpeg -- ffmpeg
  provide pg_ctl /usr/lib/postgresql/*/bin/pg_ctl -- postgresql # Debian keeps it out of the path
  provide sqlite3 -- sqlite3
  provide nginx /usr/sbin/nginx -- nginx-light
  provide python3 -- python3
  python3 -c 'import ensurepip' 2>/dev/null || provide 'python3 -m venv' -- python3-venv
  provide chromium chromium-browser google-chrome -- chromium
  ;;
*)
  echo "usage: $0 toolchain|test" >&2
  exit 2
  ;;
esac

if [ "${#missing[@]}" -gt 0 ]; then
  printf '%s\n' "${missing[@]}" >&2
  exit 1
fi
