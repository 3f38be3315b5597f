#!/usr/bin/env bash
# The floor of the bench: all that Berth does to a host, as one plain script of a person who knows what to type. It
# has none of Berth's proofs, locks and words; it waits for nothing it need not wait for, and leaves nothing out:
# bench/inspect.sh compares what the two leave behind. Run as root from the folder that holds it and app.tar:
# floor.sh DOMAIN MAX_BODY. Run again, it does only what is not done yet. The headings name Berth's steps.
set -euo pipefail
domain=$1 max_body=$2
here=$(cd "$(dirname "$0")" && pwd)
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
umask 022
cd /

changed=" "
# put PATH [OWNER [MODE]]: standard input becomes the file, when it is another one.
put() {
  local content temporary=$1.floor-new
  content=$(cat; printf x)
  if [ -f "$1" ] && [ "$(cat "$1"; printf x)" = "$content" ]; then return; fi
  mkdir -p "${1%/*}"
  (umask 077 && printf '%s' "${content%x}" >"$temporary")
  chown "${2:-root:root}" "$temporary"
  chmod "${3:-0644}" "$temporary"
  mv -f "$temporary" "$1"
  changed+="$1 "
}
has_changed() { case $changed in *" $1"*) return 0 ;; *) return 1 ;; esac; }

# --- web-connect: a Debian that has booted, and sshd that lets the engine's steps in
# shellcheck source=/dev/null
[ "$(. /etc/os-release && echo "$ID $VERSION_ID")" = "debian 13" ]
cloud-init status --wait >/dev/null || [ $? = 2 ]
put /etc/ssh/sshd_config.d/05-berth-steps.conf <<'CONF'
AcceptEnv BERTH_STEP BERTH_REMOVAL
CONF

# --- system-packages
put /etc/postgresql-common/createcluster.d/berth.conf <<'CONF'
create_main_cluster = false
CONF
packages="brotli ca-certificates curl git libnginx-mod-http-brotli-static locales logrotate nftables nginx
  postgresql-17 python3 python3-pip python3-venv redis-server redis-tools sudo tzdata unattended-upgrades"
# shellcheck disable=SC2086  # names of packages hold no spaces
if [ "$(dpkg-query -W -f '${db:Status-Abbrev}\n' $packages 2>/dev/null | grep -c '^ii')" != "$(wc -w <<<"$packages")" ]; then
  apt-get -qq update
  apt-get -qq -y -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold \
    install --no-install-recommends $packages >/dev/null
fi

# --- system-base
short=${domain%%.*}
if [ "$(hostname)" != "$short" ]; then hostnamectl set-hostname "$short"; fi
grep -vE '^127\.0\.1\.1[[:space:]]' /etc/hosts | { printf '127.0.1.1\t%s %s\n' "$domain" "$short"; cat; } | put /etc/hosts
put /etc/cloud/cloud.cfg.d/90-berth.cfg <<'CONF'
preserve_hostname: true
manage_etc_hosts: false
CONF
ln -sfn /usr/share/zoneinfo/UTC /etc/localtime
put /etc/timezone <<<UTC
if ! locale -a | grep -qx en_US.utf8; then localedef -i en_US -f UTF-8 en_US.UTF-8; fi
grep -qxF 'en_US.UTF-8 UTF-8' /etc/locale.gen || echo 'en_US.UTF-8 UTF-8' >>/etc/locale.gen
put /etc/default/locale <<<LANG=en_US.UTF-8
put /etc/apt/apt.conf.d/52berth <<'CONF'
APT::Periodic::Update-Package-Lists "1";
APT::Periodic::Unattended-Upgrade "1";
APT::Periodic::AutocleanInterval "7";
Unattended-Upgrade::Automatic-Reboot "false";
Unattended-Upgrade::Remove-Unused-Kernel-Packages "true";
Unattended-Upgrade::MinimalSteps "true";
CONF
put /etc/systemd/system/apt-daily-upgrade.timer.d/berth.conf <<'CONF'
[Timer]
OnCalendar=
OnCalendar=*-*-* 02:00
RandomizedDelaySec=30m
Persistent=false
CONF
put /etc/systemd/journald.conf.d/berth.conf <<'CONF'
[Journal]
Storage=persistent
SystemMaxUse=500M
SystemKeepFree=1G
MaxRetentionSec=3month
CONF
put /etc/logrotate.d/berth <<'CONF'
/var/log/berth/*.log {
    su root root
    weekly
    rotate 8
    maxsize 5M
    missingok
    notifempty
    compress
    delaycompress
}
CONF

# --- system-accounts, app-account
getent group berth-admins >/dev/null || groupadd --system berth-admins
put /etc/sudoers.d/berth-admins root:root 0440 <<'CONF'
%berth-admins ALL=(ALL:ALL) NOPASSWD: ALL
CONF
visudo -cqf /etc/sudoers.d/berth-admins
getent passwd deployer >/dev/null || useradd --create-home --shell /bin/bash --password '*' deployer
getent passwd logbook >/dev/null ||
  useradd --system --user-group --home-dir /srv/logbook --no-create-home --shell /usr/sbin/nologin logbook
root=/srv/logbook
if [ ! -d "$root/config" ]; then
  install -d -o deployer -g logbook -m 0755 "$root"
  install -d -o deployer -g logbook -m 2750 "$root/releases"
  install -d -o deployer -g www-data -m 2755 "$root/static"
  install -d -o logbook -g www-data -m 2750 "$root/media"
  install -d -o logbook -g logbook -m 2750 "$root/logs"
  install -d -o root -g logbook -m 0750 "$root/config"
  ln -sfn /run/logbook "$root/sockets"
fi
put /etc/logrotate.d/logbook <<'CONF'
/srv/logbook/logs/*.log {
    su logbook logbook
    weekly
    rotate 5
    minsize 5k
    maxsize 100k
    missingok
    notifempty
    copytruncate
    compress
}
CONF
put /usr/local/bin/logbook-manage root:root 0755 <<'CONF'
#!/bin/sh
[ "$(id -u)" = 0 ] || exec sudo "$0" "$@"
exec systemd-run --quiet --wait --pipe --collect -p User=logbook -p Group=logbook \
  -p WorkingDirectory=/srv/logbook/current -p EnvironmentFile=/srv/logbook/config/env \
  -p EnvironmentFile=/srv/logbook/current/.berth/env /srv/logbook/current/.venv/bin/python -m django "$@"
CONF

# --- system-ssh
put /etc/ssh/sshd_config.d/10-berth.conf <<'CONF'
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin no
AuthorizedKeysFile .ssh/authorized_keys /etc/ssh/berth-keys/%u
X11Forwarding no
MaxAuthTries 4
LoginGraceTime 30
MaxStartups 60:30:200
ClientAliveInterval 60
ClientAliveCountMax 5
CONF
sshd -t

# --- system-firewall
put /etc/berth/firewall.nft <<'CONF'
table inet berth
delete table inet berth
table inet berth {
  chain input {
    type filter hook input priority filter; policy drop;
    ct state established,related accept
    ct state invalid drop
    iif lo accept
    meta l4proto { icmp, ipv6-icmp } accept
    ip saddr 0.0.0.0/0 tcp dport 22 accept
    ip6 saddr ::/0 tcp dport 22 accept
    tcp dport { 80, 443 } accept
    udp sport 67 udp dport 68 accept
    udp sport 547 udp dport 546 accept
  }
}
CONF
put /etc/systemd/system/berth-firewall.service <<'CONF'
[Unit]
Description=Berth's firewall
DefaultDependencies=no
Wants=network-pre.target
Before=network-pre.target shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f /etc/berth/firewall.nft
ExecReload=/usr/sbin/nft -f /etc/berth/firewall.nft
ExecStop=/usr/sbin/nft delete table inet berth

[Install]
WantedBy=sysinit.target
CONF

# --- postgres-server
cluster=/etc/postgresql/17/main
if [ ! -e "$cluster/postgresql.conf" ]; then
  pg_createcluster --locale en_US.UTF-8 --encoding UTF8 17 main -- \
    --data-checksums --auth-local=peer --auth-host=scram-sha-256 >/dev/null
fi
memory=$(awk '/^MemTotal:/ { print int($2 / 1024) }' /proc/meminfo)
within() { if [ "$1" -lt "$2" ]; then echo "$2"; elif [ "$1" -gt "$3" ]; then echo "$3"; else echo "$1"; fi; }
put "$cluster/conf.d/berth-memory.conf" <<CONF
shared_buffers = '$(within $((memory / 6)) 128 8192)MB'
effective_cache_size = '$(within $((memory / 2)) 256 65536)MB'
work_mem = '$(within $((memory / 256)) 4 64)MB'
maintenance_work_mem = '$(within $((memory / 16)) 64 1024)MB'
CONF
put "$cluster/conf.d/berth.conf" <<'CONF'
listen_addresses = 'localhost'
password_encryption = 'scram-sha-256'
max_connections = 100
random_page_cost = 1.1
log_min_duration_statement = 1000
log_lock_waits = on
log_checkpoints = on
timezone = 'UTC'
CONF
put "$cluster/pg_hba.conf" root:postgres 0640 <<'CONF'
local   all       postgres                peer
local   all       all                     scram-sha-256
host    all       all       127.0.0.1/32  scram-sha-256
host    all       all       ::1/128       scram-sha-256
CONF

# --- redis-server
put /etc/sysctl.d/60-berth-redis.conf <<'CONF'
vm.overcommit_memory = 1
CONF
sysctl -q -p /etc/sysctl.d/60-berth-redis.conf 2>/dev/null || true
if [ ! -e /etc/berth/redis/password.conf ]; then
  redis_password=$(openssl rand -hex 16)
  put /etc/berth/redis/password.conf root:redis 0640 <<<"requirepass $redis_password"
fi
redis_password=$(cut -d' ' -f2 /etc/berth/redis/password.conf)
put /etc/berth/redis/redis.conf root:redis 0640 <<'CONF'
bind 127.0.0.1 -::1
protected-mode yes
maxmemory 128mb
maxmemory-policy noeviction
appendonly yes
appendfsync everysec
save 3600 1 300 100
include /etc/berth/redis/password.conf
CONF
put /etc/systemd/system/redis-server.service.d/berth.conf <<'CONF'
[Service]
ExecStart=
ExecStart=/usr/bin/redis-server /etc/redis/redis.conf --include /etc/berth/redis/redis.conf --supervised systemd --daemonize no
Restart=always
CONF

# --- app-settings
if [ ! -e "$root/config/env" ]; then
  database_password=$(openssl rand -hex 16)
  put "$root/config/env" root:logbook 0640 <<CONF
DJANGO_SETTINGS_MODULE='logbook.settings'
LANG='C.UTF-8'
PYTHONUNBUFFERED='1'
SITE_URL='https://$domain'
STATIC_URL='/static/'
MEDIA_URL='/media/'
MEDIA_ROOT='$root/media'
BERTH_STACK='floor'
BERTH_HOST='web'
ALLOWED_HOSTS='$domain'
CSRF_TRUSTED_ORIGINS='https://$domain'
SECRET_KEY='$(openssl rand -hex 32)'
DATABASE_URL='postgresql://logbook:$database_password@127.0.0.1:5432/logbook'
REDIS_URL='redis://:$redis_password@127.0.0.1:6379/0'
CACHE_URL='redis://:$redis_password@127.0.0.1:6379/1'
CONF
fi

# --- app-web
put /etc/systemd/system/logbook-web.socket <<'CONF'
[Unit]
Description=Socket of the application logbook

[Socket]
ListenStream=/run/logbook/web.sock
SocketUser=root
SocketGroup=www-data
SocketMode=0660
DirectoryMode=0755
Backlog=2048

[Install]
WantedBy=sockets.target
CONF
put /etc/systemd/system/logbook-web.service <<'CONF'
[Unit]
Description=Application logbook
Requires=logbook-web.socket
After=network-online.target logbook-web.socket postgresql.service redis-server.service
Wants=network-online.target
ConditionPathExists=/srv/logbook/current/.venv/bin/gunicorn
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
User=logbook
Group=logbook
WorkingDirectory=/srv/logbook/current
EnvironmentFile=/srv/logbook/config/env
EnvironmentFile=-/srv/logbook/current/.berth/env
ExecStart=/srv/logbook/current/.venv/bin/gunicorn --config /etc/berth/logbook/gunicorn.py logbook.wsgi:application
ExecReload=/bin/kill -s HUP $MAINPID
KillMode=mixed
TimeoutStartSec=90
TimeoutStopSec=70
Restart=always
RestartSec=2
UMask=0027
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
ReadWritePaths=/srv/logbook/media /srv/logbook/logs
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
CONF
put /etc/berth/logbook/gunicorn.py <<'CONF'
workers = 2
timeout = 60
graceful_timeout = 60
keepalive = 75
worker_tmp_dir = "/dev/shm"
forwarded_allow_ips = "*"
control_socket_disable = True
errorlog = "-"
accesslog = None
CONF

# --- every unit above, in the fewest calls of systemd
if has_changed /etc/systemd/system/ || has_changed /etc/ssh/sshd_config.d/; then
  systemctl daemon-reload
  systemctl reload ssh.service
  systemctl restart systemd-journald.service apt-daily-upgrade.timer redis-server.service
  systemctl enable --quiet --now berth-firewall.service postgresql.service redis-server.service logbook-web.socket \
    apt-daily.timer apt-daily-upgrade.timer logrotate.timer
  systemctl enable --quiet logbook-web.service
fi
if has_changed /etc/berth/firewall.nft; then systemctl reload berth-firewall.service; fi
if has_changed "$cluster/"; then systemctl restart postgresql@17-main.service; fi

# --- postgres-database
psql() { runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 "$@"; }
until psql -c 'SELECT 1' >/dev/null 2>&1; do sleep 0.1; done
if [ "$(psql -c "SELECT 1 FROM pg_database WHERE datname = 'logbook'")" != 1 ]; then
  password=$(sed -n "s/^DATABASE_URL='postgresql:\/\/logbook:\([0-9a-f]*\)@.*/\1/p" "$root/config/env")
  psql <<SQL
SET log_statement = 'none'; SET log_min_duration_statement = -1;
CREATE ROLE logbook LOGIN PASSWORD '$password';
CREATE DATABASE logbook OWNER logbook;
SQL
fi

# --- app-release
release=$(sha256sum "$here/app.tar" | cut -c1-10)
directory=$root/releases/$release
as_owner() {
  runuser -u deployer -- env -i -C "$directory" HOME=/home/deployer USER=deployer LANG=C.UTF-8 \
    PATH="$directory/.venv/bin:/usr/bin:/bin" sh -c 'umask 027; exec "$@"' sh "$@"
}
if [ ! -e "$directory/.berth/prepared" ]; then
  install -d -o deployer -g logbook -m 2750 "$directory"
  as_owner tar --extract --no-same-permissions --file - <"$here/app.tar"
  as_owner /usr/bin/python3 -m venv --without-pip .venv
  as_owner /usr/bin/python3 -m pip --python .venv/bin/python install --quiet --no-input --disable-pip-version-check \
    --requirement requirements.txt
  as_owner .venv/bin/python -m compileall -q -x '/(\.venv|node_modules)/' .
  as_owner mkdir -p .berth
  printf 'BERTH_RELEASE=%s\nBERTH_RELEASED_AT=%s\nSTATIC_ROOT=%s\n' "$release" "$(date -u +%FT%TZ)" "$root/static/$release" |
    put "$directory/.berth/env" deployer:logbook 0640
  sync -f "$directory"
  : >"$directory/.berth/prepared"
fi

# --- app-live
if [ "$(readlink "$root/current" || true)" != "$directory" ]; then
  # shellcheck disable=SC2016  # for the shell of the account
  # django ACCOUNT UMASK COMMAND…: with the settings, which only the service's group reads.
  django() {
    local account=$1 mask=$2
    shift 2
    cat "$root/config/env" "$directory/.berth/env" |
      runuser -u "$account" -- env -i -C "$directory" sh -c \
        'umask "$0"; set -a; eval "$(cat)"; exec .venv/bin/python -m django "$@"' "$mask" "$@"
  }
  install -d -o deployer -g www-data -m 2755 "$root/static/$release"
  django deployer 022 collectstatic --noinput --verbosity 0
  find "$root/static/$release" -type f -size +1k -regex '.*\.\(css\|js\|mjs\|svg\|json\|txt\|xml\|map\|html\)' -print0 |
    runuser -u deployer -- sh -c 'umask 022; xargs -0r sh -c "gzip -9knf -- \"\$@\" && brotli -q 9 -kf -- \"\$@\"" sh'
  django logbook 027 migrate --noinput --verbosity 0
  ln -sfn "$root/static/$release" "$root/static/current"
  ln -sfn "$directory" "$root/current"
  systemctl restart logbook-web.service
fi

# --- nginx-certificate, nginx-site
if [ ! -e /etc/ssl/berth/site.crt ]; then
  mkdir -p /etc/ssl/berth
  (umask 077 && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -subj "/CN=$domain" \
    -addext "subjectAltName=DNS:$domain" -addext keyUsage=critical,digitalSignature,keyEncipherment \
    -addext extendedKeyUsage=serverAuth -keyout /etc/ssl/berth/site.key -out /etc/ssl/berth/site.crt 2>/dev/null)
  chmod 0644 /etc/ssl/berth/site.crt
fi
put /etc/nginx/conf.d/berth.conf <<'CONF'
log_format berth '$remote_addr - $remote_user [$time_iso8601] "$request" $status $body_bytes_sent '
                 '"$http_referer" "$http_user_agent" host=$host time=$request_time '
                 'connect=$upstream_connect_time upstream=$upstream_response_time';

map $uri $berth_static_cache {
    default                          "public, max-age=3600";
    "~\.[0-9a-f]{8,64}\.[A-Za-z0-9]+$" "public, max-age=31536000, immutable";
}
CONF
put /etc/nginx/snippets/berth-server.conf <<'CONF'
server_tokens off;
gzip on;
gzip_vary on;
gzip_proxied any;
gzip_min_length 1024;
gzip_types text/css text/plain application/javascript application/json application/xml image/svg+xml;
CONF
put /etc/nginx/snippets/berth-tls.conf <<'CONF'
ssl_protocols TLSv1.2 TLSv1.3;
ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305;
ssl_prefer_server_ciphers off;
ssl_session_timeout 1d;
ssl_session_cache shared:berth:10m;
ssl_session_tickets off;
CONF
put /etc/nginx/snippets/berth-headers.conf <<'CONF'
add_header X-Content-Type-Options "nosniff" always;
add_header X-Frame-Options "DENY" always;
add_header Referrer-Policy "same-origin" always;
add_header Cross-Origin-Opener-Policy "same-origin" always;
CONF
put /usr/local/share/berth/logbook/berth/away.html <"$here/away.html"
put /etc/nginx/sites-available/logbook.conf <<CONF
upstream logbook {
    server unix:/run/logbook/web.sock fail_timeout=0;
}

server {
    listen 80 default_server;
    listen [::]:80 default_server;
    server_name _;
    return 301 https://\$host\$request_uri;
}

server {
    listen 443 ssl default_server;
    listen [::]:443 ssl default_server;
    http2 on;
    server_name _;
    include /etc/nginx/snippets/berth-tls.conf;
    ssl_certificate /etc/ssl/berth/site.crt;
    ssl_certificate_key /etc/ssl/berth/site.key;
    return 421;
}

server {
    listen 443 ssl;
    listen [::]:443 ssl;
    http2 on;
    include /etc/nginx/snippets/berth-tls.conf;
    ssl_certificate /etc/ssl/berth/site.crt;
    ssl_certificate_key /etc/ssl/berth/site.key;
    server_name $domain;

    access_log /var/log/nginx/logbook.access.log berth;
    error_log /var/log/nginx/logbook.error.log;

    client_max_body_size ${max_body}m;
    client_body_timeout 60s;
    send_timeout 60s;
    keepalive_timeout 65s;
    include /etc/nginx/snippets/berth-server.conf;
    include /etc/nginx/snippets/berth-headers.conf;

    location ^~ /static/ {
        alias /srv/logbook/static/current/;
        gzip_static on;
        brotli_static on;
        access_log off;
        include /etc/nginx/snippets/berth-headers.conf;
        add_header Cache-Control \$berth_static_cache;
    }

    location ^~ /media/ {
        alias /srv/logbook/media/;
        include /etc/nginx/snippets/berth-headers.conf;
        add_header Content-Security-Policy "script-src 'none'; object-src 'none'; base-uri 'none'" always;
        add_header Cache-Control "public, max-age=3600";
    }

    location / {
        proxy_pass http://logbook;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_set_header Host \$host;
        proxy_set_header X-Real-IP \$remote_addr;
        proxy_set_header X-Forwarded-For \$remote_addr;
        proxy_set_header X-Forwarded-Proto \$scheme;
        proxy_connect_timeout 10s;
        proxy_read_timeout 60s;
        proxy_send_timeout 60s;
        proxy_hide_header X-Content-Type-Options;
        proxy_hide_header X-Frame-Options;
        proxy_hide_header Referrer-Policy;
        proxy_hide_header Cross-Origin-Opener-Policy;
        error_page 502 503 504 /berth/away.html;
    }

    location = /berth/away.html {
        internal;
        root /usr/local/share/berth/logbook;
        include /etc/nginx/snippets/berth-headers.conf;
        add_header Retry-After 10 always;
        add_header Cache-Control "no-store" always;
    }
}
CONF
rm -f /etc/nginx/sites-enabled/default
ln -sfn /etc/nginx/sites-available/logbook.conf /etc/nginx/sites-enabled/logbook.conf
if has_changed /etc/nginx/ || has_changed /etc/ssl/berth/; then
  nginx -t -q
  systemctl reload-or-restart nginx.service
fi

# --- the health check at the end of nginx-site
for _ in $(seq 300); do
  if [ "$(curl -sk -o /dev/null -m 10 -w '%{http_code}' --resolve "$domain:443:127.0.0.1" "https://$domain/health")" = 200 ]; then exit 0; fi
  sleep 0.1
done
echo "floor.sh: https://$domain/health does not answer 200" >&2
exit 1
