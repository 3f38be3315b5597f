#!/bin/sh
# Berth: what there is to do with backups on this host. See docs/backups.md.
exec /usr/bin/python3 -IB /usr/local/lib/berth/backup "$@"
