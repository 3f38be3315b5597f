: "${version?the major version}"
: "${locale?the locale of the cluster}"
: "${memory_limit?the memory the host may use, in MiB; empty where it can see that by itself}"
: "${private?the address at which other hosts reach it, as in a URL; empty where none does}"

# Another major version with data in it means that this stack once ran on it.
for other in /var/lib/postgresql/*/main; do
  [ -d "$other" ] || continue
  number=$(basename "$(dirname "$other")")
  if [ "$number" != "$version" ]; then
    fail "there is a PostgreSQL $number cluster in $other, and this stack wants $version." "Berth does not move data between major versions: dump it with pg_dumpall, move the old directory away, run 'pulumi up', load the dump."
  fi
done

# as_owner_of DIRECTORY COMMAND…: as the account that may change what is in it, which root does not follow.
as_owner_of() { runuser -u "$(stat -c '%U' "$1")" -- "${@:2}"; }

cluster=/etc/postgresql/$version/main
data=/var/lib/postgresql/$version/main
# Beside the data, so that it is on the same disk: there from before a cluster is made until it is made whole. Nothing
# uses a cluster before that, and nothing without this mark is ever removed: a disk may come to a new machine, which
# knows nothing of it.
making=/var/lib/postgresql/.berth-making-$version
if [ -e "$making" ]; then
  # PostgreSQL numbers what people make from 16384 on (transam.h, FirstNormalObjectId).
  used=$(find "$data/base" -mindepth 1 -maxdepth 1 -name '[0-9]*' -printf '%f\n' 2>/dev/null | awk '$1 >= 16384' || true)
  [ -z "$used" ] || fail "$data is marked as unfinished, and it holds a database." "Look at it; if it is good, remove $making and run 'pulumi up' again."
  say "removing a cluster whose making was cut off"
  systemctl stop "postgresql@$version-main.service" 2>/dev/null || true
  rm -rf "$cluster"
  if [ -e "$data" ]; then as_owner_of "${data%/*}" rm -rf "$data"; fi
fi
taking_over=$state/postgres-taking-over
if [ ! -e "$cluster/postgresql.conf" ] || [ -e "$taking_over" ]; then
  if [ -s "$data/global/pg_control" ]; then
    say "taking over the database that is in $data"
    # The configuration comes from an empty cluster, made as this one once was: Debian keeps none beside the data. What
    # a cut run left of that is in its way.
    empty=$state/postgres-empty-$version
    : >"$taking_over"
    rm -rf "$cluster" "$empty"
    { logged pg_createcluster --datadir "$empty" --locale "$locale" --encoding UTF8 "$version" main -- --auth-local=peer --auth-host=scram-sha-256 &&
      logged pg_conftool "$version" main set data_directory "$data"; } ||
      fail "the database in $data could not be taken over." "Its files are as they were."
    rm -rf "$empty"
    rm -f "$taking_over"
  else
    [ ! -d "$data" ] || [ -z "$(ls -A "$data")" ] || fail "$data holds files, but no whole database; Berth did not make them and does not remove them." "Move them away, or put the whole data directory back from a backup, then run 'pulumi up' again."
    say "making the database cluster"
    [ -e "$making" ] || as_owner_of /var/lib/postgresql touch "$making"
    sync -f "$making"
    logged pg_createcluster --locale "$locale" --encoding UTF8 "$version" main -- --data-checksums --auth-local=peer --auth-host=scram-sha-256 ||
      fail "the database cluster could not be made."
  fi
fi
if [ -e "$making" ]; then
  # On the disk before anything is put into the cluster.
  rm -f "$making"
  sync -f /var/lib/postgresql
fi

memory=${memory_limit:-$(awk '/^MemTotal:/ { print int($2 / 1024) }' /proc/meminfo)}
within() { if [ "$1" -lt "$2" ]; then echo "$2"; elif [ "$1" -gt "$3" ]; then echo "$3"; else echo "$1"; fi; }

# Sizes after https://wiki.postgresql.org/wiki/Tuning_Your_PostgreSQL_Server for a machine shared with the site.
put_file "$cluster/conf.d/berth-memory.conf" root:root 0644 <<CONF
# Berth: sizes for a host with $memory MiB of memory.
shared_buffers = '$(within $((memory / 6)) 128 8192)MB'
effective_cache_size = '$(within $((memory / 2)) 256 65536)MB'
work_mem = '$(within $((memory / 256)) 4 64)MB'
maintenance_work_mem = '$(within $((memory / 16)) 64 1024)MB'
CONF
put_file "$cluster/conf.d/berth.conf" root:root 0644 </etc/berth/postgres.conf
put_file "$cluster/pg_hba.conf" root:postgres 0640 </etc/berth/pg_hba.conf

unit=postgresql@$version-main.service
enabled postgresql.service
systemctl is-active --quiet "$unit" || logged pg_ctlcluster "$version" main start || true
on_change restart "$unit" "$cluster/conf.d/"
if [ -z "$private" ]; then take_away /etc/berth/private/postgres.crt /etc/berth/private/postgres.key; fi
on_change reload "$unit" "$cluster/pg_hba.conf" /etc/berth/private/postgres

as_postgres() { runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 "$@"; }
wait_until 60 as_postgres -c 'SELECT 1' ||
  fail "PostgreSQL does not answer: $(tail -n 3 "/var/log/postgresql/postgresql-$version-main.log" 2>/dev/null | tr '\n' ' ')"
[ "$(as_postgres -c 'SHOW server_encoding')" = UTF8 ] || fail "the cluster's encoding is not UTF8." "Its data must be dumped and loaded into a new cluster by hand."
listening=$(ss -Hltn 'sport = :5432' | awk '{ print $4 }' | grep -vE '^(127\.0\.0\.1|\[::1\]):' | grep -vxF "${private:-none}:5432" || true)
[ -z "$listening" ] || fail "PostgreSQL listens on $listening; it must listen on the loopback address${private:+ and $private} alone."
