#!/bin/bash
# Berth: restarts a service when its packages have other versions than it was started with. apt calls it after each run of
# dpkg, which may have unpacked what it configures in its next.
set -eu
name=$1
shift
place=/var/lib/berth/services
known=$place/$name.versions
[ -z "$(dpkg --audit 2>/dev/null)" ] || exit 0
# shellcheck disable=SC2016 # dpkg-query's own format language.
now=$(dpkg-query -W -f '${Package} ${Version}\n' "$@" 2>/dev/null)
[ "$now" != "$(cat "$known" 2>/dev/null || true)" ] || exit 0
umask 077
mkdir -p "$place"
printf '%s\n' "$now" >"$known.new"
first=
[ -e "$known" ] || first=yes
mv -fT "$known.new" "$known"
# At its first start it has what is installed.
[ -z "$first" ] || exit 0
systemctl try-restart --no-block "service-$name.service"
