#!/bin/bash
# pythons.sh FOLDER: Pythons as uv brings them, and a list of them, pythons.json, whose archives lie beside it at FOLDER on
# a host. They are made of Debian's own packages: uv's own come from GitHub, which a computer of tests need not reach.
set -euo pipefail
folder=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
fail() { printf '%s\n' "$*" >&2; exit 1; }
# shellcheck source=components/host/local/archive.sh
. "$here/../../components/host/local/archive.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
release=trixie
mirror=$(sed -n 1p <<<"$(debian_mirrors)")
mkdir -p "$work"/{lists/partial,cache/archives/partial,etc}
apt_settings >"$work/apt.conf"

# apt of a state of its own, for one suite.
apt() {
  apt-get -qq -c "$work/apt.conf" -o Dir::State::Lists="$work/lists" -o Dir::Cache="$work/cache" -o Dir::Etc::sourcelist="$work/sources" \
    -o Dir::Etc::sourceparts=/dev/null -o Dir::Etc::preferencesparts=/dev/null -o APT::Sandbox::User=root -o APT::Get::List-Cleanup=false "$@"
}

# bring VERSION SUITE
bring() {
  local place=$work/$1 full
  printf 'deb [signed-by=%s] %s %s main\n' "$(debian_keyring)" "$mirror" "$2" >"$work/sources"
  rm -rf "$work/lists"/*_* && apt update
  mkdir -p "$place/x"
  (cd "$place" && apt download "python$1" "python$1-minimal" "libpython$1-minimal" "libpython$1-stdlib")
  for deb in "$place"/*.deb; do dpkg -x "$deb" "$place/x"; done
  mv "$place/x/usr" "$place/python"
  rm -rf "$place/python/share" "$place/python/lib/python$1/EXTERNALLY-MANAGED"
  # uv takes no link that leads out.
  find "$place/python" -type l -lname '/*' -delete
  ln -s "python$1" "$place/python/bin/python3"
  ln -s "python$1" "$place/python/bin/python"
  full=$(dpkg-deb -f "$place/python$1"_*.deb Version | sed 's/[-~+].*//')
  tar -czf "$folder/$1.tar.gz" -C "$place" python
  cat <<END
"cpython-$full-linux-x86_64-gnu": {"name": "cpython", "arch": {"family": "x86_64", "variant": null}, "os": "linux", "libc": "gnu",
  "major": 3, "minor": ${1#3.}, "patch": ${full##*.}, "prerelease": "", "url": "file://$folder/$1.tar.gz",
  "sha256": "$(sha256sum "$folder/$1.tar.gz" | cut -d' ' -f1)", "variant": null, "build": null}
END
}

mkdir -p "$folder"
{
  printf '{'
  bring 3.11 bookworm
  printf ','
  bring 3.14 sid
  printf '}'
} >"$folder/pythons.json"
