set -eu; umask 077
step=$(mktemp /dev/shm/berth-postgres-database.XXXXXXXX)
cat >"$step" <<'BERTH_STEP_END'
rm -f "$0"
step='postgres-database'
database='shop'
role='shop'
if [ ! -r /var/lib/berth/library/DIGEST.sh ]; then echo 'berth: postgres-database: /var/lib/berth/library/DIGEST.sh is gone from this host. Run '\''pulumi up'\'' with --replace for the step that connects, which puts it back.' >&2; exit 1; fi
. /var/lib/berth/library/DIGEST.sh
begin 'password'

: "${database?the name of the database}"
: "${role?the role that owns it}"

as_postgres() { runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 "$@"; }

[ "$(as_postgres -c "SELECT 1 FROM pg_roles WHERE rolname = '$role'")" = 1 ] ||
  as_postgres -c "CREATE ROLE \"$role\" LOGIN" >>"$log" 2>&1

log_in() { PGPASSFILE=$passfile psql -XAtqw -h 127.0.0.1 -U "$role" -d "${1:-$database}" -c 'SELECT 1' 2>>"$log"; }
passfile=$(mktemp /dev/shm/berth-pgpass.XXXXXXXX)
trap 'rm -f "$passfile"' EXIT
printf '127.0.0.1:5432:*:%s:%s\n' "$role" "$(secret password)" >"$passfile"

# The statement that holds the password comes by standard input; the server is told not to log it, and what psql
# says of it is masked.
if [ "$(log_in postgres)" != 1 ]; then
  as_postgres 2>&1 <<SQL | mask >>"$log" || fail "the password of the role '$role' could not be set."
SET password_encryption = 'scram-sha-256';
SET log_statement = 'none'; SET log_min_duration_statement = -1; SET log_min_error_statement = 'panic';
ALTER ROLE "$role" LOGIN PASSWORD '$(secret password | sed "s/'/''/g")';
SQL
fi

[ "$(as_postgres -c "SELECT 1 FROM pg_database WHERE datname = '$database'")" = 1 ] ||
  logged runuser -u postgres -- createdb --owner "$role" "$database" || fail "the database '$database' could not be made."
# Since PostgreSQL 15 only the owner may create in the public schema; the owner of the database is the one.
[ "$(as_postgres -c "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = '$database'")" = "$role" ] ||
  as_postgres -c "ALTER DATABASE \"$database\" OWNER TO \"$role\"" >>"$log" 2>&1

[ "$(log_in)" = 1 ] || fail "the role '$role' cannot log in to the database '$database' by its password." "The server's log is in /var/log/postgresql on the host."

finish
BERTH_STEP_END
[ "$(id -u)" = 0 ] && exec /bin/bash "$step"
exec sudo -n -- /bin/bash "$step"
