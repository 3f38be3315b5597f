: "${postgres_version?the major version of PostgreSQL}"

needs_port PostgreSQL 5432 "postgresql@$postgres_version-main.service"

while read -r number other; do
  in_the_way "there is a PostgreSQL $number cluster in $other, and this stack wants $postgres_version." "Dump it with pg_dumpall and move the directory away, or choose another machine."
done < <(other_clusters "$postgres_version")

# One that stands still serves nobody: its data is taken over, as that of this stack's own one after a destroy.
if [ ! -e /etc/berth/postgresql/berth.conf ] && systemctl is-active --quiet "postgresql@$postgres_version-main.service"; then
  databases=$(as_postgres -c "SELECT string_agg(datname, ', ') FROM pg_database WHERE oid >= 16384" 2>/dev/null </dev/null || true)
  if [ -n "$databases" ]; then
    in_the_way "PostgreSQL's cluster $postgres_version/main serves databases that Berth did not make ($databases), and Berth would set it up for this stack alone." "Choose another machine. If nothing else uses them, 'systemctl disable --now postgresql' on the host leaves the cluster to Berth, with its data."
  fi
fi
