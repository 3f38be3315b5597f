# A role of its own, which sees how the server works and no table of anybody's. Its settings are no walls, since it may change them
# for itself: what it has no right to is.
kept_password /etc/berth/metrics/postgres-password
as_postgres 2>&1 <<SQL | mask >>"$log" || fail "the role 'berth_metrics' could not be made in PostgreSQL."
SET password_encryption = 'scram-sha-256';
SET log_statement = 'none'; SET log_min_duration_statement = -1; SET log_min_error_statement = 'panic';
DO \$\$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'berth_metrics') THEN CREATE ROLE berth_metrics; END IF; END \$\$;
ALTER ROLE berth_metrics LOGIN INHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS CONNECTION LIMIT 5
  PASSWORD '$(cat /etc/berth/metrics/postgres-password)' VALID UNTIL 'infinity';
ALTER ROLE berth_metrics SET search_path = pg_catalog;
ALTER ROLE berth_metrics SET default_transaction_read_only = on;
ALTER ROLE berth_metrics SET statement_timeout = '10s';
GRANT pg_monitor TO berth_metrics;
SQL
