#!/bin/sh
# Berth: another stack's data comes to this host, as standard input says: see docs/backups.md.
# One version from here on, whatever is put in place meanwhile.
set -eu
program=$(readlink -f /usr/local/lib/berth/copy/program)
[ $# = 0 ] || exec /usr/bin/python3 -IB "$program" "$@"
if systemctl --quiet is-active berth-copy.service; then
  printf '%s\n' "another stack's data is being restored on this host" "Try again when that has ended."
  exit 1
fi
# What an earlier one has left, whose end may be a moment ago.
systemctl start berth-copy-clean.service
systemctl reset-failed berth-copy.service 2>/dev/null || true
# What is secret lies in /run/berth-copy, which systemd removes however this ends. The rest is removed right after, by
# another unit where whoever kills this one has killed that as well.
exec systemd-run --quiet --collect --wait --pipe --unit=berth-copy --description="Berth: another stack's data is restored" \
  -p RuntimeDirectory=berth-copy -p RuntimeDirectoryMode=0711 \
  -p ExecStopPost="/usr/local/lib/berth/berth-copy copy-clean" -p OnFailure=berth-copy-clean.service -p KillMode=mixed \
  -p TimeoutStopSec=600 \
  -p PrivateTmp=yes -p Nice=10 -p CPUWeight=20 -p IOSchedulingClass=idle -p OOMScoreAdjust=900 -p OOMPolicy=continue \
  /usr/bin/python3 -IB "$program" copy-here
