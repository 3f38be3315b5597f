#!/usr/bin/env bash
# Removes the local host named BERTH_MACHINE and its data; with the last one, all that local hosts need on this
# computer but the cache. Removing what is not there is no error.
# shellcheck source=components/host/local/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
# shellcheck source=components/host/local/network.sh
. "$here/network.sh"
# shellcheck source=components/host/local/archive.sh
. "$here/archive.sh"
# shellcheck source=components/host/local/machine.sh
. "$here/machine.sh"

# Read whole before it runs: a pull may change this file meanwhile.
{
  become_root "$@"
  name=$(machine_name)
  lock "$name"
  remove "$name"
  lock network
  if ! compgen -G "$machines/*" >/dev/null; then
    network_down
    rm -rf --one-file-system "$library/network" "$machines"
    rmdir "$library" 2>/dev/null || true
  fi
  rm -f "$run/$name.lock" "$run/network.lock"
  # Left by whoever made the base image, unless somebody makes it now.
  if [ -e "$run/image.lock" ]; then flock -n "$run/image.lock" rm -f "$run/image.lock" || true; fi
  rmdir "$run" 2>/dev/null || true
  exit
}
