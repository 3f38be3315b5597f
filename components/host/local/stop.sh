#!/usr/bin/env bash
# Stops the local host named BERTH_MACHINE, in order; its data stays, and keep.sh starts it again.
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
  name=$(machine_name)
  lock "$name"
  stop "$name"
  exit
}
