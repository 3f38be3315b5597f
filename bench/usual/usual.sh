#!/usr/bin/env bash
# The usual ways to bring a new version to a gunicorn, on a host that Berth has set up: the same application, server
# settings, database and nginx. Run as root, with gunicorn.service and gunicorn.socket beside it:
#   usual.sh begin service|socket SECONDS   in place of Berth's; SECONDS is how long a stop may take
#   usual.sh release VERSION restart|reload
#   usual.sh end                            back to Berth's
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=/srv/logbook usual=/srv/usual units=/etc/systemd/system

# link PATH TARGET: by one rename.
link() {
  ln -sfn "$2" "$1.new"
  mv -fT "$1.new" "$1"
}

# prepare VERSION: the code of the live release with another version in it, and the link to it.
prepare() {
  local place=$usual/releases/$1
  rm -rf "$place"
  mkdir -p "$usual/releases"
  cp -a "$root/current/" "$place"
  sed -i "s/^VERSION = .*/VERSION = \"$1\"/" "$place/logbook/load_views.py"
  chgrp logbook "$place/logbook/load_views.py"
  "$place/.venv/bin/python" -m compileall -q "$place/logbook"
  link "$usual/current" "$place"
}

case $1 in
begin)
  systemctl stop 'logbook-web@*.socket' 'logbook-web@*.service'
  prepare begin
  cp "$here/gunicorn.service" "$units/gunicorn.service"
  sed -i "s/^TimeoutStopSec=.*/TimeoutStopSec=$3/" "$units/gunicorn.service"
  socket=/run/gunicorn/gunicorn.sock
  if [ "$2" = socket ]; then
    cp "$here/gunicorn.socket" "$units/gunicorn.socket"
    socket=/run/gunicorn.sock
  fi
  systemctl daemon-reload
  if [ "$2" = socket ]; then systemctl start gunicorn.socket; fi
  systemctl start gunicorn.service
  link /run/logbook/web.sock "$socket"
  ;;
release)
  prepare "$2"
  systemctl "$3" gunicorn.service
  ;;
end)
  systemctl stop gunicorn.socket gunicorn.service 2>/dev/null || systemctl stop gunicorn.service
  rm -rf "$units/gunicorn.service" "$units/gunicorn.socket" "$usual"
  systemctl daemon-reload
  systemctl restart logbook-web-start.service
  ;;
esac
