: "${version?the major version}"
# The data stays in /var/lib/postgresql; the server stops. With links to settings that are gone it would not start again.
systemctl disable --now --quiet postgresql.service 2>/dev/null || true
runuser -u postgres -- find "/etc/postgresql/$version/main/conf.d" -name 'berth*.conf' -type l -delete 2>/dev/null || true
take_away /etc/berth/postgresql
