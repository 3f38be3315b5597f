#!/usr/bin/env bash
# What image.sh does inside the image while mmdebstrap makes it: `setup` before the packages, `customize` after.
# shellcheck source=components/host/local/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
# shellcheck source=components/host/local/archive.sh
. "$here/archive.sh"
root=$BERTH_ROOT

setup() {
  mkdir -p "$root/var/cache/apt/archives"
  find "$cache/apt/archives" -maxdepth 1 -name '*.deb' -exec cp -t "$root/var/cache/apt/archives" {} +
}

certificates() {
  local file
  while read -r file; do
    install -D -m 0644 -t "$root/usr/local/share/ca-certificates" "$file"
  done < <(local_certificates)
  chroot "$root" update-ca-certificates >/dev/null 2>&1
}

customize() {
  harvest_archives "$root/var/cache/apt/archives"
  rm -f "$root"/etc/apt/apt.conf.d/99mmdebstrap "$root"/etc/apt/sources.list "$root"/etc/apt/sources.list.d/*
  install -m 0644 "$BERTH_SOURCES" "$root/etc/apt/sources.list.d/debian.sources"
  install -m 0644 "$here/image-apt.conf" "$root/etc/apt/apt.conf.d/20berth-local"
  install -m 0644 "$here/image-cloud.cfg" "$root/etc/cloud/cloud.cfg.d/95_berth_local.cfg"
  certificates
  # Each machine has its own.
  rm -f "$root"/etc/ssh/ssh_host_*_key "$root"/etc/ssh/ssh_host_*_key.pub "$root"/var/lib/dbus/machine-id
  : >"$root/etc/machine-id"
  : >"$root/etc/hostname"
  rm -f "$root/etc/resolv.conf"
  : >"$root/etc/resolv.conf"
  systemctl --root="$root" --quiet enable systemd-networkd.service ssh.service cloud-init-local.service \
    cloud-init-main.service cloud-init-network.service cloud-config.service cloud-final.service
  # Addresses are static, so there is nothing to wait for; and a container has no console to log in at.
  systemctl --root="$root" --quiet mask systemd-networkd-wait-online.service console-getty.service
  # Kept ready, so that the first apt-get of a new machine need not work it out.
  chroot "$root" apt-get update -qq >/dev/null 2>&1 || true
  chroot "$root" apt-cache gencaches -qq
}

"$1"
