# Berth: takes away the logins of a role whose passwords have ended, with their sessions: postgres-end-logins ROLE
set -euo pipefail
role=$1

as_postgres -c "SELECT rolname FROM pg_roles WHERE rolname ~ '^${role}_[0-9a-f]{6}\$' AND rolvaliduntil < now() AND pg_has_role(oid, '$role', 'MEMBER')" |
  while read -r login; do
    as_postgres -c "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = '$login'" </dev/null
    # What it made by itself, and not as the role, may lie in any database that it could reach.
    as_postgres -c "SELECT DISTINCT datname FROM pg_shdepend JOIN pg_database ON pg_database.oid = dbid
      WHERE refclassid = 'pg_authid'::regclass AND refobjid = (SELECT oid FROM pg_roles WHERE rolname = '$login')" </dev/null |
      while read -r database; do
        as_postgres -d "$database" -c "REASSIGN OWNED BY \"$login\" TO \"$role\"" -c "DROP OWNED BY \"$login\"" </dev/null
      done
    as_postgres -c "DROP OWNED BY \"$login\"" -c "DROP ROLE \"$login\"" </dev/null
  done
