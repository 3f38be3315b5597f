# as_postgres ARGUMENTS: psql as the cluster's superuser. The owner of a database decides what stands in it and how its
# sessions begin, so nothing there may be taken for what PostgreSQL brings (CVE-2018-1058), or keep it waiting. Debian's own
# 'psql' reads the cluster's settings first, which postgres may make anything of.
postgres_psql=$(printf '%s\n' /usr/lib/postgresql/*/bin/psql | sort -V | tail -n 1)
as_postgres() {
  PGOPTIONS='-c search_path=pg_catalog -c role=none -c default_transaction_read_only=off -c lock_timeout=60s -c statement_timeout=0' \
    runuser -u postgres -- timeout 300 "$postgres_psql" -XAtq -v ON_ERROR_STOP=1 "$@"
}
