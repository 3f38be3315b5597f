: "${database?the name of the database}"
: "${role?the role that owns it, which nobody logs in as}"
: "${login?the member of that role that logs in with this password}"

is_role() { [ "$(as_postgres -c "SELECT 1 FROM pg_roles WHERE rolname = '$1'")" = 1 ]; }

is_role "$role" || as_postgres -c "CREATE ROLE \"$role\" NOLOGIN" >>"$log" 2>&1

log_in() { PGPASSFILE=$hidden timeout 60 "$postgres_psql" -XAtqw -h 127.0.0.1 -U "$login" -d "${1:-$database}" -c 'SELECT current_user' 2>>"$log"; }
printf '127.0.0.1:5432:*:%s:%s\n' "$login" "$(secret password)" | hide

# Another password is another login: the one of before serves what runs, until its end (logins.sh). Whichever it is, what
# it makes belongs to the role. The statement that holds the password comes by standard input; the server is told not
# to log it, and what psql says of it is masked.
has_end() { [ "$(as_postgres -c "SELECT 1 FROM pg_roles WHERE rolname = '$login' AND rolvaliduntil < 'infinity'")" = 1 ]; }
if [ "$(log_in postgres)" != "$role" ] || has_end; then
  is_role "$login" || as_postgres -c "CREATE ROLE \"$login\" LOGIN IN ROLE \"$role\"" >>"$log" 2>&1 ||
    fail "the login '$login' could not be made."
  as_postgres 2>&1 <<SQL | mask >>"$log" || fail "the password of the login '$login' could not be set."
SET password_encryption = 'scram-sha-256';
SET log_statement = 'none'; SET log_min_duration_statement = -1; SET log_min_error_statement = 'panic';
ALTER ROLE "$login" LOGIN PASSWORD '$(secret password | sed "s/'/''/g")' VALID UNTIL 'infinity';
GRANT "$role" TO "$login";
ALTER ROLE "$login" SET role TO "$role";
SQL
fi

[ "$(as_postgres -c "SELECT 1 FROM pg_database WHERE datname = '$database'")" = 1 ] ||
  logged runuser -u postgres -- createdb --owner "$role" "$database" || fail "the database '$database' could not be made."
# Since PostgreSQL 15 only the owner may create in the public schema; the owner of the database is the one.
[ "$(as_postgres -c "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = '$database'")" = "$role" ] ||
  as_postgres -c "ALTER DATABASE \"$database\" OWNER TO \"$role\"" >>"$log" 2>&1

[ "$(log_in)" = "$role" ] || fail "the login '$login' cannot use the database '$database' by its password." "The server's log is in /var/log/postgresql on the host."
