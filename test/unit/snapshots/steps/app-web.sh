set -eu; umask 077
step=$(mktemp /dev/shm/berth-app-web.XXXXXXXX)
cat >"$step" <<'BERTH_STEP_END'
rm -f "$0"
step='app-web'
name='shop'
if [ ! -r /var/lib/berth/library/DIGEST.sh ]; then echo 'berth: app-web: /var/lib/berth/library/DIGEST.sh is gone from this host. Run '\''pulumi up'\'' with --replace for the step that connects, which puts it back.' >&2; exit 1; fi
. /var/lib/berth/library/DIGEST.sh
begin ''

put_file '/etc/systemd/system/shop-web.socket' 'root:root' '0644' <<'BERTH_FILE_END'
# Berth: systemd holds the socket, so that no connection is refused while the application restarts.
[Unit]
Description=Socket of the application shop

[Socket]
ListenStream=/run/shop/web.sock
SocketUser=root
SocketGroup=www-data
SocketMode=0660
DirectoryMode=0755
Backlog=2048

[Install]
WantedBy=sockets.target
BERTH_FILE_END
put_file '/etc/systemd/system/shop-web.service' 'root:root' '0644' <<'BERTH_FILE_END'
# Berth: the application shop, served by gunicorn.
[Unit]
Description=Application shop
Documentation=https://docs.gunicorn.org/en/stable/deploy.html#systemd
Requires=shop-web.socket
After=network-online.target shop-web.socket postgresql.service redis-server.service
Wants=network-online.target
ConditionPathExists=/srv/shop/current/.venv/bin/gunicorn
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
User=shop
Group=shop
WorkingDirectory=/srv/shop/current
EnvironmentFile=/srv/shop/config/env
EnvironmentFile=-/srv/shop/current/.berth/env
ExecStart=/srv/shop/current/.venv/bin/gunicorn --config /etc/berth/shop/gunicorn.py shop.wsgi:application
ExecReload=/bin/kill -s HUP $MAINPID
KillMode=mixed
TimeoutStartSec=90
TimeoutStopSec=70
Restart=always
RestartSec=2
UMask=0027

# The sandbox; 'systemd-analyze security shop-web.service' weighs it. See systemd.exec(5).
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

[Install]
WantedBy=multi-user.target
BERTH_FILE_END
put_file '/etc/berth/shop/gunicorn.py' 'root:root' '0644' <<'BERTH_FILE_END'
# Berth: gunicorn's settings, https://docs.gunicorn.org/en/stable/settings.html
# The socket comes from systemd.
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

daemon_reload_if_changed
reason=$(systemd-analyze verify "/etc/systemd/system/$name-web.service" 2>&1 | grep -F "$name-web" || true)
case $reason in
*"is not executable"* | "") ;; # Before the first release there is nothing to execute.
*) fail "systemd does not take $name-web.service: $reason" ;;
esac
on_change restart "$name-web.socket" "/etc/systemd/system/$name-web.socket"
enabled "$name-web.socket"
systemctl is-enabled --quiet "$name-web.service" || logged systemctl enable "$name-web.service"

[ -S "/run/$name/web.sock" ] || fail "the socket /run/$name/web.sock is not there."
runuser -u www-data -- test -w "/run/$name/web.sock" || fail "nginx cannot use the socket /run/$name/web.sock."
exposure=$(systemd-analyze security --no-pager "$name-web.service" | sed -n 's/.*Overall exposure level.*: \([0-9.]*\) .*/\1/p')
awk -v level="${exposure:-10}" 'BEGIN { exit !(level <= 2.5) }' ||
  fail "the sandbox of $name-web.service has an exposure level of ${exposure:-unknown}; 2.5 at most was expected." "A drop-in in /etc/systemd/system/$name-web.service.d loosens it."

finish
BERTH_STEP_END
[ "$(id -u)" = 0 ] && exec /bin/bash "$step"
exec sudo -n -- /bin/bash "$step"
