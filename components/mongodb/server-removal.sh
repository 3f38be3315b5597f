: "${role?the role in PostgreSQL that owns the data}"
# The data stays in PostgreSQL. Nobody logs in to it any more.
# The unit's file is gone already, and 'disable --now' stops no unit without one.
systemctl stop --quiet ferretdb.service 2>/dev/null || true
systemctl disable --quiet ferretdb.service 2>/dev/null || true
rm -f /etc/systemd/system/multi-user.target.wants/ferretdb.service /etc/systemd/system/postgresql@*-main.service.wants/ferretdb.service
systemctl daemon-reload
take_away /usr/local/lib/berth/mongodb
psql=$(printf '%s\n' /usr/lib/postgresql/*/bin/psql | sort -V | tail -n 1)
as_postgres() { PGOPTIONS='-c search_path=pg_catalog' runuser -u postgres -- timeout 60 "$psql" -XAtq "$@" </dev/null; }
for login in $(as_postgres -c "SELECT rolname FROM pg_roles WHERE rolname ~ '^${role}_[0-9a-f]{6}\$' AND rolcanlogin" 2>/dev/null || true); do
  as_postgres -c "ALTER ROLE \"$login\" NOLOGIN" -c "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = '$login'" >>"$log" 2>&1 ||
    say "the login '$login' in PostgreSQL could not be closed: 'ALTER ROLE \"$login\" NOLOGIN' closes it."
done
