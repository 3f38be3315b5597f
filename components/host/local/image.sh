#!/usr/bin/env bash
# The base image of local hosts: a minimal Debian 13 with systemd, sshd and cloud-init, made once and kept in the
# cache. Prints its folder on standard output.
# shellcheck source=components/host/local/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
# shellcheck source=components/host/local/archive.sh
. "$here/archive.sh"

# Beside the essential packages: what a cloud's Debian image has and a step may count on.
contents=systemd-sysv,dbus,openssh-server,cloud-init,sudo,ca-certificates,iproute2,iputils-ping,nftables
contents+=,adduser,procps,netbase,kmod,less,tzdata,e2fsprogs

build() {
  local root=$1 mirror=$2 security=$3 keyring work file
  work=$(dirname "$root")
  keyring=$(debian_keyring)
  apt_settings >"$work/apt.conf"
  debian_sources "$mirror" "$security" "$keyring" >"$work/build.sources"
  debian_sources "$mirror" "$security" /usr/share/keyrings/debian-archive-keyring.gpg >"$work/debian.sources"
  for file in "$work"/apt.conf "$work"/*.sources; do chmod 0644 "$file"; done
  mkdir -p "$cache/apt/archives"
  # The essential packages are unpacked from the archive's folder too, so nothing may empty it between steps;
  # mmdebstrap's own clean-up at the end does.
  mmdebstrap --quiet --mode=root --format=directory --variant=minbase --architectures="$architecture" \
    --include="$contents" --keyring="$keyring" --aptopt="$work/apt.conf" \
    --aptopt='Acquire::Languages "none"' --aptopt='APT::Install-Recommends "false"' \
    --skip=download/empty --skip=essential/unlink --skip=cleanup/apt/lists \
    --setup-hook="BERTH_ROOT=\"\$1\" bash '$here/image-hook.sh' setup" \
    --customize-hook="BERTH_ROOT=\"\$1\" BERTH_SOURCES='$work/debian.sources' bash '$here/image-hook.sh' customize" \
    "$release" "$root" "$work/build.sources" >"$work/log" 2>&1
}

become_root "$@"
need_all
mirrors=$(debian_mirrors)
mirror=$(sed -n 1p <<<"$mirrors")
security=$(sed -n 2p <<<"$mirrors")

# Everything the image is made from: another recipe, mirror or certificate makes another image.
hash=$({
  cat "$here"/image.sh "$here"/image-*
  debian_sources "$mirror" "$security" ""
  local_certificates | xargs -r -d '\n' cat
} | sha256sum | cut -c1-16)
image=$cache/images/debian-13-$architecture-$hash
if [ ! -d "$image" ]; then
  # What it guards is the cache.
  lock image "$cache"
  if [ ! -d "$image" ]; then
    mkdir -p "$cache/images"
    chmod 0700 "$cache"
    rm -rf "$cache"/images/.building-*
    work=$(mktemp -d "$cache/images/.building-XXXXXX")
    say "making the base image (Debian 13, $architecture), once on this computer: about half a minute"
    began=$SECONDS
    build "$work/root" "$mirror" "$security" || {
      tail -n 30 "$work/log" >&2
      fail "making the base image failed; the end of its log is above." \
        "Check that 'apt-get update' works on this computer, then run this again."
    }
    chmod 0755 "$work/root"
    mv "$work/root" "$image"
    rm -rf "$work"
    say "the base image is made ($((SECONDS - began)) s)"
    for old in "$cache"/images/debian-13-*; do
      # An image is the ground on which its machines stand: it stays as long as one of them does.
      if [ "$old" != "$image" ] && ! grep -qsxF "$old" "$machines"/*/image; then rm -rf "$old"; fi
    done
  fi
  unlock image
fi
printf '%s\n' "$image"
