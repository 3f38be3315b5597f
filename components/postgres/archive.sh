#!/bin/sh
# Berth: PostgreSQL's archive_command. Where there are no backups, nothing is archived, and PostgreSQL goes on.
archive=/usr/local/lib/berth/backup-archive
[ -x "$archive" ] || exit 0
exec "$archive" "$1"
