#!/usr/bin/env bash
# Builds libopus.wasm from the source package that Debian 12 has of libopus. Wants clang-14, lld-14, wasi-libc and
# libclang-rt-14-dev-wasm32 (apt-get install them), and apt-get to fetch the source. Prints the checksum of the result, which is the same on every machine.
set -euo pipefail

here="$(cd "$(dirname "$0")" && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cd "$work"

version=1.3.1
source_sum=65b58e1e25b2a114157014736a3d9dfeaad8d41be1c8179866f144a2fb44ff9d

if [ -n "${OPUS_SOURCE:-}" ]; then
  cp "$OPUS_SOURCE" "opus_$version.orig.tar.gz"
else
  echo 'deb-src http://deb.debian.org/debian bookworm main' >sources.list
  mkdir -p lists
  apt=(apt-get -qq -o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$work/lists" -o APT::Sandbox::User=root)
  "${apt[@]}" update
  "${apt[@]}" source --download-only "opus=$version-3"
fi
echo "$source_sum  opus_$version.orig.tar.gz" | sha256sum --check --quiet
tar xf "opus_$version.orig.tar.gz"
cd "opus-$version"

# The file names of a make variable in one of the source lists.
listed() { make -s -f "$1" -f <(printf 'print:\n\t@echo $(%s)\n' "$2") print; }
sources="$(listed celt_sources.mk CELT_SOURCES) $(listed silk_sources.mk SILK_SOURCES) $(listed silk_sources.mk SILK_SOURCES_FLOAT)"
sources="$sources $(listed opus_sources.mk OPUS_SOURCES_FLOAT) src/opus.c src/opus_decoder.c src/opus_encoder.c src/repacketizer.c"

# Sums may be reordered, or nothing could be done four at a time; infinities and NaN stay what they are, since libopus looks
# for them. Hardening turns a broken state into a trap.
flags=(--target=wasm32-wasi -O3 -msimd128 -fno-strict-aliasing
  -fassociative-math -freciprocal-math -fno-signed-zeros -fno-trapping-math -fno-math-errno -ffp-contract=off
  -DOPUS_BUILD -DVAR_ARRAYS -DFLOAT_APPROX -DENABLE_HARDENING -DOVERRIDE_celt_fatal -DHAVE_LRINTF -DHAVE_LRINT
  "-DPACKAGE_VERSION=\"$version\"" -I. -Iinclude -Icelt -Isilk -Isilk/float -ffile-prefix-map="$work"=. -w)

cp "$here/shim.c" shim.c
objects=()
for source in $sources shim.c; do
  object="$(echo "${source%.c}" | tr / _).o"
  clang-14 "${flags[@]}" -c "$source" -o "$object"
  objects+=("$object")
done

clang-14 --target=wasm32-wasi -fuse-ld=/usr/bin/wasm-ld-14 -nostartfiles "${objects[@]}" -o libopus.wasm -lm \
  -Wl,--no-entry -Wl,--gc-sections -Wl,--strip-all -Wl,--stack-first -Wl,-z,stack-size=262144 -Wl,--max-memory=268435456
cp libopus.wasm "$here/libopus.wasm"
cp COPYING "$here/COPYING"
cd "$here" && sha256sum libopus.wasm
