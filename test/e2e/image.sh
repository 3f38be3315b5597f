#!/usr/bin/env bash
# An image in which the packages of a host and its locale already lie, for tests that are not about a bootstrap: a layer over the base
# image, made once. image.sh FILES PACKAGE...: FILES is a folder whose content is put in place before. Prints the two
# folders as components/host/local/create.sh takes them in BERTH_IMAGE.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../components/host/local" && pwd)
# shellcheck source=components/host/local/common.sh
. "$here/common.sh"
# shellcheck source=components/host/local/network.sh
. "$here/network.sh"
# shellcheck source=components/host/local/archive.sh
. "$here/archive.sh"
# shellcheck source=components/host/local/settings.sh
. "$here/settings.sh"

files=$1
shift
base=$(bash "$here/image.sh")
name=packages-$({ cat "${BASH_SOURCE[0]}"; printf '%s\n' "$base" "$@"; cd "$files" && find . -type f -exec sha256sum {} + | sort; } | sha256sum | cut -c1-16)
images=$cache/test-images
private_folder "$images"
lock images "$cache"
if [ ! -d "$images/$name" ]; then
  # Those of other lists and releases of Debian, unless they were made in the last week.
  find "$images" -mindepth 1 -maxdepth 1 \( -name '.making-*' -o -mtime +7 \) -exec rm -rf --one-file-system {} +
  work=$(mktemp -d "$images/.making-XXXXXX")
  root=$work/root
  mkdir -m 0755 "$work/upper" "$work/work" "$root"
  mount -t overlay packages "$root" -o "lowerdir=$base,upperdir=$work/upper,workdir=$work/work"
  trap 'umount "$root" 2>/dev/null || true' EXIT
  cp -r --no-preserve=all "$files/." "$root/"
  package_settings "$root"
  resolvers | sed 's/^/nameserver /' >"$root/etc/resolv.conf"
  mkdir -p "$cache/apt/archives"
  find "$cache/apt/archives" -maxdepth 1 -name '*.deb' -exec cp -t "$root/var/cache/apt/archives" {} +
  # Not started: what is installed is enabled, and starts with each machine as on a host of its own.
  # shellcheck disable=SC2016  # the inner shell's words
  systemd-nspawn --quiet --register=no --keep-unit --as-pid2 --pipe --resolv-conf=off --timezone=off --link-journal=no \
    --directory="$root" --setenv=DEBIAN_FRONTEND=noninteractive \
    bash -c 'apt-get update -qq && apt-get install -q -y --no-install-recommends -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-unsafe-io "$@" &&
      localedef -i en_US -f UTF-8 en_US.UTF-8' \
    install "$@" >"$work/log" 2>&1 || {
    tail -n 30 "$work/log" >&2
    fail "installing the packages of a host into the image of the tests failed; the end of its log is above." \
      "Check that 'apt-get update' works on this computer, then run this again."
  }
  harvest_archives "$root/var/cache/apt/archives"
  rm -f "$root"/var/cache/apt/archives/*.deb
  : >"$root/etc/resolv.conf"
  umount "$root"
  mv "$work/upper" "$images/$name"
  rm -rf "$work"
fi
unlock images
printf '%s:%s\n' "$images/$name" "$base"
