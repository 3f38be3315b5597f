set -eu; umask 077
step=$(mktemp /dev/shm/berth-app-live.XXXXXXXX)
cat >"$step" <<'BERTH_STEP_END'
rm -f "$0"
step='app-live'
name='shop'
owner='deployer'
root='/srv/shop'
release='b9732f9ff9-f0ac'
django='shop.settings'
static=''
health='/health'
domain='192.0.2.7'
scheme='https'
timeout='60'
wsgi='shop.wsgi:application'
settings='5d4e0fa98a736584'
if [ ! -r /var/lib/berth/library/DIGEST.sh ]; then echo 'berth: app-live: /var/lib/berth/library/DIGEST.sh is gone from this host. Run '\''pulumi up'\'' with --replace for the step that connects, which puts it back.' >&2; exit 1; fi
. /var/lib/berth/library/DIGEST.sh
begin 'SECRET_KEY DATABASE_URL REDIS_URL API_TOKEN DATABASE_URL-password REDIS_URL-password'

: "${name?the name of the application}"
: "${owner?the account that owns the files}"
: "${root?the directory of the application}"
: "${release?the id of the release}"

directory=$root/releases/$release
venv=$directory/.venv
home=$(getent passwd "$owner" | cut -d: -f6)

# as_owner COMMAND…: as the account that owns the files, in the release, with a clean environment.
as_owner() {
  runuser -u "$owner" -- env -i -C "$directory" HOME="$home" USER="$owner" LANG=C.UTF-8 \
    PATH="$venv/bin:/usr/local/bin:/usr/bin:/bin" PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 \
    sh -c 'umask 027; exec "$@"' sh "$@"
}

: "${django?the settings module of a Django application; empty for another}"
: "${static?the directory of static files in the release; empty for none}"
: "${health?the path that answers 200 when the application is well}"
: "${domain?the name that the site is asked by}"
: "${scheme?http or https}"
: "${settings?changes when a setting that is not secret does}"
: "${timeout?how long a request may take, in seconds}"
: "${wsgi?the WSGI application, MODULE:CALLABLE}"

unit=$name-web.service
began=$(date +%s)
current=$root/current
record=$state/app-$name.live

# in_unit ACCOUNT COMMAND…: in the release, with the settings that the service gets, which only systemd reads.
in_unit() {
  local account=$1 running=berth-$name-release
  shift
  # Of a step that was killed it may still be at work.
  no_other() { ! systemctl is-active --quiet "$running"; }
  wait_until 600 no_other || fail "$running.service of an earlier run has been at work for 10 minutes." "See 'systemctl status $running' on the host."
  logged systemd-run --quiet --wait --pipe --collect --unit "$running" -p User="$account" -p Group="$name" \
    -p WorkingDirectory="$directory" -p EnvironmentFile="$root/config/env" -p EnvironmentFile="$directory/.berth/env" \
    -p UMask=0027 -p NoNewPrivileges=yes -p PrivateTmp=yes "$@"
}

# What must be the same for the running service to be the one wanted: release, settings, unit.
wanted() {
  printf '%s %s %s\n' "$release" "$settings" \
    "$(cat "$root/config/env" "/etc/systemd/system/$unit" "/etc/berth/$name/gunicorn.py" | sha256sum | cut -d' ' -f1)"
}

# answer SECONDS [SOCKET]: the status with which the application answers at its socket, or at another.
answer() {
  curl -s -o /dev/null -m "$1" -w '%{http_code}' --unix-socket "${2:-/run/$name/web.sock}" \
    -H "X-Forwarded-Proto: $scheme" "http://$domain$health" || true
}
well() { [ "$(answer 10 "$@")" = 200 ]; }

collect_static() {
  local target=$root/static/$release source=
  [ ! -e "$target/.complete" ] || return 0
  rm -rf "$target"
  put_directory "$target" "$owner:www-data" 2755
  if [ -n "$static" ]; then
    source=$directory/$static
    [ -d "$source" ] || fail "the release has no directory '$static' (berth:app.static)."
    logged runuser -u "$owner" -- sh -c 'umask 022; cp -r -- "$1/." "$2/"' sh "$source" "$target" || fail "the static files cannot be copied."
  elif [ -n "$django" ]; then
    in_unit "$owner" -p UMask=0022 "$venv/bin/python" -m django collectstatic --noinput --verbosity 0 ||
      fail "Django's collectstatic failed." "Its last lines are above; the site still runs what it ran."
  fi
  # Compressed once, here, and not at every request.
  find "$target" -type f -size +1k \( -name '*.css' -o -name '*.js' -o -name '*.mjs' -o -name '*.svg' -o -name '*.json' \
    -o -name '*.txt' -o -name '*.xml' -o -name '*.map' -o -name '*.html' \) -print0 |
    runuser -u "$owner" -- sh -c 'umask 022; xargs -0r sh -c "gzip -9knf -- \"\$@\" && brotli -q 9 -kf -- \"\$@\"" sh' >>"$log" 2>&1 ||
    { refuse_full_disk; fail "the static files cannot be compressed."; }
  : >"$target/.complete"
}

migrate() {
  [ -n "$django" ] || return 0
  in_unit "$name" "$venv/bin/python" -m django migrate --noinput --verbosity 1 ||
    fail "Django's migrate failed." "Its last lines are above; the site still runs the release before."
}

# rehearse: the release runs beside the one that people use, at a socket of its own, and must be well there. The
# very first goes live without: there is nothing that it could take away.
rehearse() {
  local trial=berth-$name-trial place=/run/berth-$name-trial code
  [ -n "$previous" ] && [ "$previous" != "$directory" ] && [ -d "$previous" ] || return 0
  systemctl stop "$trial.service" 2>/dev/null || true
  logged systemd-run --quiet --collect --unit "$trial" -p User="$name" -p Group="$name" -p RuntimeDirectory="$trial" \
    -p WorkingDirectory="$directory" -p EnvironmentFile="$root/config/env" -p EnvironmentFile="$directory/.berth/env" \
    -p UMask=0027 -p NoNewPrivileges=yes -p PrivateTmp=yes -p KillMode=mixed -p TimeoutStopSec=10 -p RuntimeMaxSec=120 \
    "$venv/bin/gunicorn" --config "/etc/berth/$name/gunicorn.py" --workers 1 --bind "unix:$place/web.sock" "$wsgi" ||
    fail "the release $release cannot be tried out."
  over() { ! systemctl is-active --quiet "$trial"; }
  started() { [ "$(answer 10 "$place/web.sock")" != 000 ] || over; }
  settled() { well "$place/web.sock" || over; }
  { wait_until 30 started && wait_until 10 settled; } || true
  code=$(answer 10 "$place/web.sock")
  if [ "$code" = 200 ]; then
    systemctl stop "$trial.service" 2>/dev/null || true
    return 0
  fi
  last_words "$trial"
  systemctl stop "$trial.service" 2>/dev/null || true
  refuse_full_disk
  not_well "$code" "It did not go live; $(basename "$previous"), the release before, still serves."
}

# last_words UNIT: what it printed since this step began. gunicorn puts some thirty lines of its own below the
# application's exception.
last_words() {
  journalctl -u "$1" --since "@$began" -o cat --no-pager 2>/dev/null | tail -n 80 | mask >&2 || true
}

not_well() {
  local answered="answers $1"
  if [ "${1:-000}" = 000 ]; then answered="does not answer"; fi
  fail "release $release is not well: $health $answered, and 200 was expected." "$2"
}

switch_to() {
  put_link "$root/static/current" "$root/static/$(basename "$1")"
  put_link "$current" "$1"
}

start() { systemctl reset-failed "$unit" 2>/dev/null || true; logged systemctl restart "$unit"; }

if [ "$(cat "$record" 2>/dev/null)" != "$(wanted)" ] || [ "$(readlink "$current" || true)" != "$directory" ] || ! well; then
  refuse_full_disk
  previous=$(readlink "$current" || true)
  collect_static
  migrate
  rehearse
  switch_to "$directory"
  if ! start || ! wait_until 30 well; then
    code=$(answer 10)
    last_words "$unit"
    if [ -n "$previous" ] && [ "$previous" != "$directory" ] && [ -d "$previous" ]; then
      switch_to "$previous"
      start || true
      wait_until 30 well || true
      not_well "$code" "The release before, $(basename "$previous"), runs again."
    fi
    not_well "$code" "Its log: journalctl -u $unit"
  fi
  wanted >"$record"
fi
well || fail "the application does not answer $health with 200 any more." "Its log: journalctl -u $unit"

# The last five releases stay, and the one that runs.
find "$root/releases" -mindepth 1 -maxdepth 1 -type d -printf '%T@ %f\n' | sort -rn | tail -n +6 | while read -r _ old; do
  if [ "$old" != "$release" ]; then rm -rf "${root:?}/releases/$old" "${root:?}/static/$old"; fi
done

finish
BERTH_STEP_END
[ "$(id -u)" = 0 ] && exec /bin/bash "$step"
exec sudo -n -- /bin/bash "$step"
