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
    # Left by whoever made the base image, or was killed; a lock that is held stays.
    for file in "$run"/*.lock; do flock -n "$file" rm -f "$file" || true; done
  fi
  rm -f "$run/$name.lock" "$run/network.lock"
  rmdir "$run" 2>/dev/null || true
  exit
}
