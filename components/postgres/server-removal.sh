: "${version?the major version}"
# The data stays in /var/lib/postgresql; the server stops. With links to settings that are gone it would not start again.
systemctl stop --quiet "postgresql@$version-main.service" 2>/dev/null || true
# This unit is for all clusters of the machine, and stopping it stops them.
if [ -z "$(find /etc/postgresql -mindepth 2 -maxdepth 2 -type d ! -path "/etc/postgresql/$version/main" -print -quit)" ]; then
  systemctl disable --now --quiet postgresql.service 2>/dev/null || true
else
  say "PostgreSQL has other clusters on this host, which go on. At the next boot they start, and $version/main with them."
fi
settings=/etc/postgresql/$version/main/conf.d
# Its account can move the directory at any moment: what is found there counts only once it is known to be that one.
unlinked() {
  # shellcheck disable=SC2016 # Its own arguments.
  runuser -u postgres -- sh -c 'cd "$1" && [ "$(pwd -P)" = "$1" ] && find . -maxdepth 1 -name "berth*.conf" -type l -delete' sh "$settings" 2>/dev/null
}
[ ! -d "/etc/postgresql/$version/main" ] || wait_until 10 unlinked ||
  say "$settings cannot be read: links of berth*.conf there keep PostgreSQL from starting. Delete them."
take_away /etc/berth/postgresql
