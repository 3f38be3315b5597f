#!/usr/bin/env bash
# What is on a host when a contender is done, a line a fact, without what differs from host to host (passwords, keys,
# ids, times) and without words that only people read. Run as root: inspect.sh DOMAIN.
set -euo pipefail
domain=$1
export LC_ALL=C.UTF-8
root=/srv/logbook
facts() { sed "s|^|$1: |" | sed -E 's/[[:space:]]+/ /g; s/ $//'; }
plain() { sed -E '/^[[:space:]]*(#|\/\/|;|$)/d' "$1"; }

dpkg-query -W -f '${db:Status-Abbrev}${Package}=${Version}\n' | facts package
getent passwd | awk -F: '$3 >= 1000 || $1 == "logbook" { print $1, $6, $7 }' | sort | facts account
getent group berth-admins | cut -d: -f1 | facts group
systemctl list-unit-files --state=enabled --no-legend --plain | awk '{ print $1 }' | sort | facts enabled
systemctl list-units --state=active --no-legend --plain --type=service,socket,timer | awk '{ print $1 }' |
  grep -vE '^(user|session|run-|berth-.*release|systemd-(ask|initctl|tmpfiles|hostnamed|timedated))' | sort | facts active
systemctl list-units --state=failed --no-legend --plain | awk '{ print $1 }' | facts failed
ss -Hltn | awk '{ print $4 }' | sort -u | facts listens
nft list table inet berth | facts firewall
sshd -T 2>/dev/null | grep -vE '^(hostkey|port|listenaddress)' | sort | facts sshd
locale -a | sort | facts locale
timedatectl show -p Timezone --value | facts timezone
hostname -s | facts hostname
for file in /etc/apt/apt.conf.d/52berth /etc/systemd/journald.conf.d/berth.conf /etc/logrotate.d/berth \
  /etc/logrotate.d/logbook /etc/systemd/system/apt-daily-upgrade.timer.d/berth.conf /etc/sudoers.d/berth-admins \
  /etc/berth/redis/redis.conf /etc/systemd/system/redis-server.service.d/berth.conf /etc/berth/logbook/gunicorn.py \
  /etc/systemd/system/logbook-web@.socket /etc/systemd/system/logbook-web@.service /etc/systemd/system/logbook-web.socket /etc/systemd/system/logbook-web.service /etc/nginx/sites-enabled/logbook.conf \
  /etc/nginx/conf.d/berth.conf /etc/nginx/snippets/berth-*.conf /etc/cloud/cloud.cfg.d/90-berth.cfg; do
  if [ ! -e "$file" ]; then
    printf 'none\n' | facts "file $file"
    continue
  fi
  stat -L -c '%U:%G %a' "$file" | facts "file $file"
  plain "$file" | sed -E "s/^Documentation=.*//" | sed '/^$/d' | facts "file $file"
done
cut -d= -f1 "$root/config/env" | sort | facts setting
{
  stat -c '%U:%G %a' "$root"/{releases,static,media,logs,config,config/env}
  stat -Lc '%U:%G %a' /etc/ssl/berth/site.key
} | facts mode
# Its name is each one's own.
find /etc/berth/redis -name '*.conf' ! -name redis.conf -printf '%u:%g %m\n' | facts "passwords of redis"
(cd "$root/static/current/" && find . -type f ! -name .complete | sort | sed -E 's/\.[0-9a-f]{12}\./.HASH./') | facts static
"$root/current/.venv/bin/python" -m pip --version >/dev/null 2>&1 && echo 'venv: has a pip of its own'
python3 -m pip --python "$root/current/.venv/bin/python" freeze --all 2>/dev/null | facts venv
find "$root/current/" -name '*.py' ! -path '*/.venv/*' | wc -l | facts sources
find "$root/current/" -name '*.pyc' ! -path '*/.venv/*' | wc -l | facts compiled
find "$root/current/.venv/" -name '*.pyc' | wc -l | facts "venv compiled"
sql() { runuser -u postgres -- psql -XAtq "$@"; }
sql -c "SELECT name, setting FROM pg_settings WHERE source = 'configuration file' AND name NOT IN ('DateStyle', 'hba_file') ORDER BY 1" | facts postgres
sql -c "SHOW data_checksums" -c "SHOW server_encoding" -c "SELECT datcollate FROM pg_database WHERE datname = 'logbook'" | facts cluster
sql -c "SELECT datname, pg_get_userbyid(datdba) FROM pg_database ORDER BY 1" | facts database
sql -c "SELECT type, database, user_name, address, auth_method FROM pg_hba_file_rules ORDER BY rule_number" | facts hba
sql -d logbook -c "SELECT app, name FROM django_migrations ORDER BY 1, 2" | facts migration
unit=$(systemctl list-units --plain --no-legend "logbook-web*.service" --state=active | awk "\$1 !~ /start/ { print \$1; exit }")
systemd-analyze security --no-pager "$unit" | sed -n 's/.*Overall exposure level.*: \([0-9.]*\) .*/\1/p' | facts exposure
openssl x509 -in /etc/ssl/berth/site.crt -noout -subject -ext subjectAltName,keyUsage,extendedKeyUsage | facts certificate
openssl x509 -in /etc/ssl/berth/site.crt -noout -text | grep -E 'Public Key Algorithm|ASN1 OID' | facts certificate
for path in /health /; do
  curl -sk --compressed -o /dev/null -D - --resolve "$domain:443:127.0.0.1" "https://$domain$path" |
    tr -d '\r' | grep -viE '^(date|expires|etag|last-modified|set-cookie|content-length|$)' | facts "answer $path"
done
curl -s -o /dev/null -w '%{http_code} %{redirect_url}\n' --resolve "$domain:80:127.0.0.1" "http://$domain/" | facts "plain http"
