: "${database?the name of the database}"
: "${role?the role that owns it, which nobody logs in as}"
: "${extensions?the extensions to make, separated by spaces}"
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

# Extensions are made by scripts that run as the superuser and find functions by their names. So they lie in a schema in
# which nobody else can make one, and never in one of the application's.
in_database() { as_postgres -d "$database" "$@"; }
superusers_own() { [ "$(in_database -c "SELECT nspowner FROM pg_namespace WHERE nspname = '$1'")" = 10 ]; }
for extension in $extensions; do
  place=$(in_database -c "SELECT coalesce(schema, 'extensions') FROM pg_available_extension_versions WHERE name = '$extension' LIMIT 1")
  [ -n "$place" ] || fail "this PostgreSQL has no extension '$extension' (postgres.extensions)." "Name the Debian package that has it in app.packages; 'apt-cache search postgresql-17-' on the host lists those that there are."
  case $place in pg_*) ;; *)
    { in_database -c "CREATE SCHEMA IF NOT EXISTS \"$place\"" && in_database -c "GRANT USAGE ON SCHEMA \"$place\" TO PUBLIC"; } >>"$log" 2>&1 ||
      fail "the schema '$place' for the extension '$extension' could not be made: $(tail -n 1 "$log")" ;;
  esac
  # Whose it is now it stays: nobody can take the superuser's away.
  superusers_own "$place" || fail "the schema '$place' of the database '$database' is not the superuser's, and the extension '$extension' must lie there." "Rename it: ALTER SCHEMA \"$place\" RENAME TO …"
  # The owner of the database may make those that others need, in schemas of its own, which their scripts would look into.
  # Nobody makes one while this goes on.
  in_database >>"$log" 2>&1 <<SQL || fail "the extension '$extension' could not be made: $(grep ERROR: "$log" | tail -n 1)"
BEGIN;
LOCK TABLE pg_extension IN SHARE ROW EXCLUSIVE MODE;
DO \$\$
DECLARE other text;
BEGIN
  WITH RECURSIVE needed (name) AS (
    SELECT unnest(requires) FROM pg_available_extension_versions WHERE name = '$extension'
    UNION
    SELECT unnest(one.requires) FROM needed JOIN pg_available_extension_versions one ON one.name = needed.name
  )
  SELECT extname INTO other FROM needed JOIN pg_extension ON extname = name
    JOIN pg_namespace place ON place.oid = extnamespace WHERE nspowner <> 10;
  IF other IS NOT NULL THEN
    RAISE EXCEPTION 'it needs %, which lies in a schema of the application''s. As the superuser: ALTER EXTENSION % SET SCHEMA extensions', other, other;
  END IF;
END \$\$;
CREATE EXTENSION IF NOT EXISTS "$extension" SCHEMA "$place" CASCADE;
COMMIT;
SQL
done
# Also for the login of a new password, and where the last of them is not named any longer.
if [ "$(in_database -c "SELECT 1 FROM pg_namespace WHERE nspname = 'extensions' AND nspowner = 10")" = 1 ]; then
  as_postgres -c "ALTER ROLE \"$login\" SET search_path TO \"\$user\", public, extensions" >>"$log" 2>&1
fi

[ "$(log_in)" = "$role" ] || fail "the login '$login' cannot use the database '$database' by its password." "The server's log is in /var/log/postgresql on the host."
