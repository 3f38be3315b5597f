set -eu; umask 077
step=$(mktemp /dev/shm/berth-app-web.XXXXXXXX)
cat >"$step" <<'BERTH_STEP_END'
rm -f "$0"
step='app-web'
name='shop'
root='/srv/shop'
if [ ! -r /var/lib/berth/library/DIGEST.sh ]; then echo 'berth: app-web: /var/lib/berth/library/DIGEST.sh is gone from this host. Run '\''pulumi up'\'' with --replace for the step that connects, which puts it back.' >&2; exit 1; fi
. /var/lib/berth/library/DIGEST.sh
begin ''

put_file '/etc/systemd/system/shop-web@.socket' 'root:root' '0644' <<'BERTH_FILE_END'
# Berth: systemd holds the socket of each instance, so that no connection is refused while it restarts. nginx asks at
# /run/shop/web.sock, a link to one of them.
[Unit]
Description=Socket of the application shop, %i

[Socket]
ListenStream=/run/shop/web-%i.sock
SocketUser=root
SocketGroup=www-data
SocketMode=0660
DirectoryMode=0755
Backlog=2048
RemoveOnStop=yes
BERTH_FILE_END
put_file '/etc/systemd/system/shop-web@.service' 'root:root' '0644' <<'BERTH_FILE_END'
# Berth: the application shop, served by gunicorn or uWSGI. An instance is a release with its settings; two run side by side
# while one takes over from the other.
[Unit]
Description=Application shop, %i
Documentation=https://docs.gunicorn.org/en/stable/deploy.html#systemd https://uwsgi-docs.readthedocs.io/en/latest/Systemd.html
Requires=shop-web@%i.socket
After=network-online.target shop-web@%i.socket postgresql.service redis-server.service
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
SyslogIdentifier=shop-web
User=shop
Group=shop
WorkingDirectory=/srv/shop/config/web/%i/release
# Uploads on their way lie on the disk; /tmp is memory.
Environment=TMPDIR=/var/tmp
EnvironmentFile=/srv/shop/config/web/%i/env
EnvironmentFile=/srv/shop/config/web/%i/release/.berth/env
ExecStart=/usr/local/lib/berth/shop/serve %i
ExecReload=/bin/kill -s HUP $MAINPID
KillMode=mixed
TimeoutStartSec=90
TimeoutStopSec=70
Restart=always
RestartSec=2
UMask=0027

# The sandbox; 'systemd-analyze security shop-web@ID.service' weighs it. See systemd.exec(5).
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
ReadWritePaths=/srv/shop/media /srv/shop/logs
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
PrivateUsers=yes
PrivateIPC=yes
ProtectHostname=yes
ProtectClock=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectProc=invisible
ProcSubset=pid
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RemoveIPC=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
BERTH_FILE_END
put_file '/etc/systemd/system/shop-web-start.service' 'root:root' '0644' <<'BERTH_FILE_END'
# Berth: starts the release of shop that is live, as the host boots.
[Unit]
Description=Start of the application shop
ConditionPathExists=/srv/shop/config/web/current
RequiresMountsFor=/srv/shop

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/lib/berth/shop/start

[Install]
WantedBy=multi-user.target
BERTH_FILE_END
put_file '/usr/local/lib/berth/shop/start' 'root:root' '0755' <<'BERTH_FILE_END'
#!/bin/sh
# Berth: starts the release of shop that is live, and it alone: its server and its processes. The link
# config/web/current says which; where a switch was cut short, all others are made to follow it.
set -eu
instance=$(readlink /srv/shop/config/web/current)
release=${instance%.*}
link() {
  ln -sfn "$2" "$1.berth-new"
  mv -fT "$1.berth-new" "$1"
}
link /srv/shop/current "/srv/shop/releases/$release"
mkdir -p /run/shop
link /run/shop/web.sock "web-$instance.sock"
rm -f /run/shop/before.sock
[ ! -d "/srv/shop/static/$release" ] || link /srv/shop/static/current "/srv/shop/static/$release"
systemctl start --no-block "shop-web@$instance.socket" "shop-web@$instance.service"
[ ! -e "/srv/shop/config/web/$instance/units" ] ||
  cut -d' ' -f1 "/srv/shop/config/web/$instance/units" | xargs -r systemctl start --no-block
BERTH_FILE_END
put_file '/usr/local/lib/berth/shop/tidy' 'root:root' '0755' <<'BERTH_FILE_END'
#!/bin/bash
# Berth: what lies of releases that are live no more, their settings and the commands of their processes, goes when what
# they had begun has ended; so do the units of processes that were taken out while they were at work. The step that makes
# a release live starts this and does not wait.
set -eu
instances=/srv/shop/config/web

left() { find "$instances" -mindepth 1 -maxdepth 1 -type d ! -name "$(readlink "$instances/current" || true)" -printf '%f\n' 2>/dev/null; }

# of INSTANCE COMMAND…: the command with the units of its server and its processes behind.
of() {
  {
    echo "shop-web@$1.service"
    cut -d' ' -f1 "$instances/$1/units" 2>/dev/null || true
  } | xargs -r "${@:2}"
}

# states INSTANCE: of its units, with the job that systemd has for each.
states() { of "$1" systemctl show -p ActiveState,Job; }

is_ending() {
  for one in $(left); do
    if grep -qE '^(ActiveState=deactivating|Job=[1-9])' < <(states "$one"); then return 0; fi
  done
  return 1
}

# Steps hold this lock: none of them starts one of these meanwhile. The one that was waited for may itself have made a
# release live, and started no other for what that has left.
exec 9<>/run/lock/berth.lock
while true; do
  while is_ending; do sleep 1; done
  flock 9
  is_ending || break
  flock -u 9
done
for one in $(left); do
  # A process is left on it (onRelease: keep).
  if grep -qvE '^(ActiveState=(inactive|failed)|Job=|)$' < <(states "$one"); then continue; fi
  of "$one" systemctl reset-failed 2>/dev/null || true
  find "$instances" -mindepth 1 -maxdepth 1 -type l -name "$one.*" -delete
  rm -rf "${instances:?}/$one"
done
for unit in /run/systemd/system/shop-*@.service; do
  if grep -qsx '# Berth: the process .* of the application shop\.' "$unit" && ! systemctl --quiet is-active "$(basename "${unit%.service}")*.service"; then
    rm -f "$unit"
    systemctl daemon-reload
  fi
done
BERTH_FILE_END
put_file '/usr/local/lib/berth/shop/celery_drain.py' 'root:root' '0644' <<'BERTH_FILE_END'
"""Berth: lets a Celery worker take no more tasks, before it is told to end: celery_drain.py COMMAND-FILE

A worker that is told to end forgets the tasks that it has just handed to one of its processes: that process runs them,
and the broker hands them out once more (celery.concurrency.asynpool, AsynPool.flush). So it first stops consuming; what
it has reserved is begun within seconds, or, where its tasks take longer, there is hardly a moment in which it hands one
over. See https://docs.celeryq.dev/en/stable/userguide/workers.html#queues-cancel-consumer.
"""

import os
import shlex
import sys
import time

# Should the unit's memory not do for this as well, this is to be ended, and not the worker; see proc_pid_oom_score_adj(5).
with open("/proc/self/oom_score_adj", "w") as file:
    file.write("1000")

from celery.app.utils import find_app  # noqa: E402
from celery.utils.nodenames import default_nodename, host_format  # noqa: E402

patience = 10  # Seconds until it is told to end all the same.
answer = {"timeout": 2, "limit": 1}

def main() -> None:
    if "MAINPID" not in os.environ:  # It has ended by itself; see ExecStop= in systemd.service(5).
        return
    with open(sys.argv[1]) as file:
        options = options_of(file.read())
    sys.path.insert(0, os.getcwd())
    app = find_app(options.get("app") or os.environ["APP"])
    # As the worker's own command makes it of what it is given (celery.bin.worker).
    node = host_format(default_nodename(options.get("hostname") or os.environ["CELERY_WORKER_HOSTNAME"]))
    worker = app.control.inspect([node], **answer)
    if (worker.stats() or {}).get(node, {}).get("pid") != int(os.environ["MAINPID"]):
        sys.exit(f"berth: this worker does not answer as {node}, and is told to end at once")
    for queue in (worker.active_queues() or {}).get(node, []):
        app.control.cancel_consumer(queue["name"], destination=[node], reply=True, **answer)
    end = time.monotonic() + patience
    while time.monotonic() < end and (worker.reserved() or {}).get(node):
        time.sleep(0.1)

def options_of(command: str) -> dict[str, str]:
    """What the command names, which is 'exec bash -c COMMAND': the application, the worker, and where they are sought.

    A directory that the command changes to is changed to.
    """
    words = shlex.shlex(shlex.split(command)[-1], posix=True, punctuation_chars=True)
    words.whitespace_split = True
    options: dict[str, str] = {}
    word = ""
    for text in words:
        before, word = word, os.path.expandvars(text)
        if before in ("cd", "--workdir"):
            os.chdir(word)
        for name, (short, long) in {"app": ("-A", "--app"), "hostname": ("-n", "--hostname")}.items():
            if before in (short, long):
                options[name] = word
            elif word.startswith(f"{long}="):
                options[name] = word.removeprefix(f"{long}=")
        if word.startswith("--workdir="):
            os.chdir(word.removeprefix("--workdir="))
    return options

main()
BERTH_FILE_END
put_file '/usr/local/lib/berth/shop/serve' 'root:root' '0755' <<'BERTH_FILE_END'
#!/bin/sh
# Berth: the server of an instance of shop: serve INSTANCE. Which one its release has been prepared with shows in
# the settings that the instance has.
set -eu
instance=/srv/shop/config/web/$1
if [ -e "$instance/uwsgi.ini" ]; then
  exec "$instance/release/.venv/bin/uwsgi" --ini "$instance/uwsgi.ini"
fi
exec "$instance/release/.venv/bin/gunicorn" --config "$instance/gunicorn.py"
BERTH_FILE_END
put_file '/etc/berth/shop/gunicorn.py' 'root:root' '0644' <<'BERTH_FILE_END'
# Berth: gunicorn's settings, https://docs.gunicorn.org/en/stable/settings.html
# The socket comes from systemd.
wsgi_app = "shop.wsgi:application"
workers = 2
timeout = 60
graceful_timeout = 60
keepalive = 75
# The heartbeat file must not be on a disk that can stall.
worker_tmp_dir = "/dev/shm"
# Only nginx can reach the socket.
forwarded_allow_ips = "*"
# Nothing asks it, and its place in the home directory cannot be written.
control_socket_disable = True
errorlog = "-"
accesslog = None

def post_request(worker, request, environ, response):
    """Takes what the application has not read: nginx, cut off as it sends, would answer 502 in the application's place."""
    try:
        while request.body.read(1 << 16):
            pass
    except Exception:
        # Whoever sent it has gone.
        pass
BERTH_FILE_END
put_file '/etc/berth/shop/uwsgi.ini' 'root:root' '0644' <<'BERTH_FILE_END'
; Berth: uWSGI's settings, https://uwsgi-docs.readthedocs.io/en/latest/Options.html
; The socket comes from systemd. It speaks HTTP, as gunicorn's does: so nginx asks either in the same way, and a release
; with the one takes over from a release with the other.
[uwsgi]
strict = true
wsgi = shop.wsgi:application
protocol = http
master = true
processes = 2
single-interpreter = true
enable-threads = true

; Each worker loads the application itself, so that no connection or thread is shared; one that cannot be loaded ends it.
lazy-apps = true
need-app = true

; By itself uWSGI would drop its requests at SIGTERM and start anew. Instead: take no more, finish what was begun, end.
hook-master-start = unix_signal:15 grace_them_all
exit-on-reload = true
worker-reload-mercy = 60

harakiri = 60
; Not its 4 s: a large answer is read as slowly as its visitor reads it.
socket-timeout = 60
; All headers that nginx takes (large_client_header_buffers) fit.
buffer-size = 65535
; The whole body is taken before the application is asked: nginx, cut off as it sends what the application does not
; read, would answer 502 in its place. From 1 MiB on it lies in a file.
post-buffering = 1048576

disable-logging = true
; A visitor who leaves is no error.
ignore-sigpipe = true
ignore-write-errors = true
disable-write-exception = true
BERTH_FILE_END
put_file '/usr/local/lib/berth/shop/database_dump.py' 'root:root' '0644' <<'BERTH_FILE_END'
"""Berth: dumps a PostgreSQL database to standard output, in pg_dump's custom format; by itself, the one of DATABASE_URL."""

import os
import shutil
import subprocess
import sys
import tempfile
import urllib.parse

def dump(host, port, user, name, password):
    """Its password is in a file that goes at once."""
    pg_dump = shutil.which("pg_dump") or sys.exit("there is no pg_dump on this host")
    place = {"--host": host or "/var/run/postgresql", "--port": port or 5432, "--username": user, "--dbname": name}
    with tempfile.NamedTemporaryFile("w") as passwords:
        escaped = (password or "").replace("\\", "\\\\").replace(":", "\\:")
        passwords.write(f"*:*:*:*:{escaped}\n")
        passwords.flush()
        sys.exit(
            subprocess.run(
                [pg_dump, "--format=custom", "--no-password", *(f"{key}={value}" for key, value in place.items() if value)],
                env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "PGPASSFILE": passwords.name},
            ).returncode
        )

if __name__ == "__main__":
    url = urllib.parse.urlsplit(os.environ["DATABASE_URL"])
    plain = lambda text: urllib.parse.unquote(text or "")
    dump(plain(url.hostname), url.port, plain(url.username), plain(url.path.removeprefix("/")), plain(url.password))
BERTH_FILE_END
put_file '/usr/local/lib/berth/shop/django-release.py' 'root:root' '0644' <<'BERTH_FILE_END'
"""Berth: what a release asks of Django before it goes live, in one process: django-release.py WHAT…"""

import os
import sys

import database_dump
import django
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

# By which the step knows what failed.
statuses = {"check": 3, "migrations": 4, "static": 5, "dump": 6}

def check():
    """What 'check --deploy' finds is shown; an error ends the release."""
    call_command("check", deploy=True, stdout=open(os.devnull, "w"), stderr=sys.stdout)

def migrations():
    """Names what is not applied yet, and leaves beside the code the names of all that it has."""
    if not settings.DATABASES or "dummy" in connection.settings_dict["ENGINE"]:
        return
    executor = MigrationExecutor(connection)
    known = [".".join(key) for key in executor.loader.disk_migrations]
    if os.access(".berth", os.W_OK):
        with open(".berth/migrations", "w") as out:
            out.write("".join(f"{name}\n" for name in sorted(known)))
    for migration, _ in executor.migration_plan(executor.loader.graph.leaf_nodes()):
        print(f"to migrate: {migration.app_label}.{migration.name}")

def static():
    call_command("collectstatic", interactive=False, verbosity=0)

def dump():
    wanted = connection.settings_dict
    if connection.vendor != "postgresql":
        sys.exit(f"the database is {connection.vendor}, and only PostgreSQL is dumped")
    database_dump.dump(*(wanted.get(key) for key in ("HOST", "PORT", "USER", "NAME", "PASSWORD")))

sys.path.insert(0, os.getcwd())
what = ""
try:
    for what in sys.argv[1:]:
        if what == sys.argv[1]:
            django.setup()
        globals()[what]()
except SystemCheckError as error:
    print(error, file=sys.stderr)
    sys.exit(statuses[what])
except Exception:
    sys.excepthook(*sys.exc_info())
    sys.exit(statuses[what])
BERTH_FILE_END
put_file '/usr/local/bin/shop-manage' 'root:root' '0755' <<'BERTH_FILE_END'
#!/bin/sh
# Berth: Django's commands for the application shop, with its settings and as its account, such as
# shop-manage createsuperuser
set -eu
[ "$(id -u)" = 0 ] || exec sudo -- "$0" "$@"
if [ -t 0 ]; then channel=--pty; else channel=--pipe; fi
exec systemd-run --quiet --wait --collect "$channel" -p User=shop -p Group=shop -p UMask=0027 \
  -p WorkingDirectory=/srv/shop/current -p EnvironmentFile=/srv/shop/config/env \
  -p EnvironmentFile=/srv/shop/current/.berth/env -p NoNewPrivileges=yes \
  /srv/shop/current/.venv/bin/python -m django "$@"
BERTH_FILE_END
: "${name?the name of the application}"
: "${root?the directory of the application}"

# prove_unit UNIT: systemd takes it, and it is shut in.
prove_unit() {
  local reason exposure
  reason=$(systemd-analyze verify "/etc/systemd/system/$1.service" 2>&1 | grep -F "$1" || true)
  [ -z "$reason" ] || fail "systemd does not take $1.service: $reason"
  exposure=$(systemd-analyze security --no-pager "${1/%@/@0}.service" | sed -n 's/.*Overall exposure level.*: \([0-9.]*\) .*/\1/p')
  awk -v level="${exposure:-10}" 'BEGIN { exit !(level <= 2.5) }' ||
    fail "the sandbox of $1.service has an exposure level of ${exposure:-unknown}; 2.5 at most was expected." "A drop-in in /etc/systemd/system/$1.service.d loosens it."
}

daemon_reload_if_changed
# The unit that starts the release that is live as the host boots.
systemctl is-enabled --quiet "$name-web-start.service" || logged systemctl enable "$name-web-start.service"

prove_unit "$name-web@"

finish
BERTH_STEP_END
[ "$(id -u)" = 0 ] && exec /bin/bash "$step"
exec sudo -n -- /bin/bash "$step"
