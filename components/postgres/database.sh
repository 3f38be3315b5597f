: "${database?the name of the database}"
: "${role?the role that owns it}"

as_postgres() { runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 "$@"; }

[ "$(as_postgres -c "SELECT 1 FROM pg_roles WHERE rolname = '$role'")" = 1 ] ||
  as_postgres -c "CREATE ROLE \"$role\" LOGIN" >>"$log" 2>&1

log_in() { PGPASSFILE=$hidden psql -XAtqw -h 127.0.0.1 -U "$role" -d "${1:-$database}" -c 'SELECT 1' 2>>"$log"; }
printf '127.0.0.1:5432:*:%s:%s\n' "$role" "$(secret password)" | hide

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
