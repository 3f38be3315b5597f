#!/bin/bash
# Berth: takes away the logins of a role whose passwords have ended, with their sessions: postgres-end-logins DATABASE ROLE
set -euo pipefail
database=$1 role=$2

as_postgres() { runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 "$@"; }
as_postgres -c "SELECT rolname FROM pg_roles WHERE rolname ~ '^${role}_[0-9a-f]{6}\$' AND rolvaliduntil < now() AND pg_has_role(oid, '$role', 'MEMBER')" |
  while read -r login; do
    as_postgres -d "$database" <<SQL
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = '$login';
REASSIGN OWNED BY "$login" TO "$role";
DROP OWNED BY "$login";
DROP ROLE "$login";
SQL
  done
