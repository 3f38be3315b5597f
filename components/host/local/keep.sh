#!/usr/bin/env bash
# Brings a local host that was made to the size it should have, and starts it when it does not run, as after its
# computer's own start. Environment: BERTH_MACHINE; BERTH_MEMORY, its limit in MiB (none); BERTH_DISK, the size of
# its disk in GiB.
# shellcheck source=components/host/local/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
# shellcheck source=components/host/local/network.sh
. "$here/network.sh"
# shellcheck source=components/host/local/archive.sh
. "$here/archive.sh"
# shellcheck source=components/host/local/settings.sh
. "$here/settings.sh"
# shellcheck source=components/host/local/machine.sh
. "$here/machine.sh"

# Read whole before it runs: a pull may change this file meanwhile.
{
  become_root "$@"
  need_all
  name=$(machine_name)
  read_size
  lock "$name"
  [ -e "$machines/$name/complete" ] || fail "there is no local host named $name on this computer." \
    "If it was removed by hand, 'pulumi destroy' (or 'npm run destroy') forgets it, and the next 'up' makes a new one."
  claim "$name"
  change_size "$name" "$memory" "$disk"
  if ! running "$name" || [ -z "$(leader "$name")" ]; then
    say "starting the local host $name; its data is kept"
    stop "$name"
    start "$name"
  fi
  wait_ready "$name"
  exit
}
