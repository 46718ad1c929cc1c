#!/usr/bin/env bash
# Says what a machine lacks to build Rotunda (toolchain), to test it (test), or to compare it on bad networks (bench-link), and installs what it may.
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

# provide COMMAND... -- PACKAGE... finds one of the commands, or installs the Debian packages as root.
provide() {
  local commands=() packages
  while [ "$1" != -- ]; do commands+=("$1"); shift; done
  packages=("${@:2}")
  for command in "${commands[@]}"; do
    if command -v "$command" >/dev/null; then return; fi
  done
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing ${packages[*]}"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
    return
  fi
  missing+=("${commands[0]} is needed by the tests and was not found: install it with 'sudo apt-get install ${packages[*]}'")
}

# The bindings are for Debian's own Python, whatever else is called python3.
has_gstreamer() {
  /usr/bin/python3 - 2>/dev/null <<'END'
import gi
gi.require_version("Gst", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import Gst, GstSdp, GstWebRTC
Gst.init(None)
for element in "webrtcbin nicesrc dtlsenc srtpenc sctpenc rtpbin vp8enc opusenc rtpopuspay audiotestsrc appsrc audioconvert videoconvert".split():
    assert Gst.ElementFactory.find(element)
END
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
  has_gstreamer || provide "GStreamer's webrtcbin for Python" -- gstreamer1.0-plugins-base gstreamer1.0-plugins-good \
    gstreamer1.0-plugins-bad gstreamer1.0-nice gir1.2-gst-plugins-bad-1.0 python3-gst-1.0
  provide chromium chromium-browser google-chrome -- chromium
  provide firefox-esr firefox -- firefox-esr
  if ! unshare --net test -w /dev/net/tun 2>/dev/null; then
    missing+=("root and /dev/net/tun are needed by the tests of bad networks, which make networks of their own (docs/design/link.md)")
  fi
  ;;
bench-link)
  provide chromium chromium-browser google-chrome -- chromium
  provide ffmpeg -- ffmpeg
  provide janus -- janus
  ;;
*)
  echo "usage: $0 toolchain|test|bench-link" >&2
  exit 2
  ;;
esac

if [ "${#missing[@]}" -gt 0 ]; then
  printf '%s\n' "${missing[@]}" >&2
  exit 1
fi
