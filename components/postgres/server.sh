: "${version?the major version}"
: "${locale?the locale of the cluster}"
: "${memory_limit?the memory the host may use, in MiB; empty where it can see that by itself}"
: "${archived?yes where its log (WAL) is archived, for backups}"
: "${private?the address at which other hosts reach it, as in a URL; empty where none does}"

# Another major version with data in it means that this stack once ran on it.
while read -r number other; do
  fail "there is a PostgreSQL $number cluster in $other, and this stack wants $version." "Berth does not move data between major versions: dump it with pg_dumpall, move the old directory away, run 'pulumi up', load the dump."
done < <(other_clusters "$version")

# What belongs to PostgreSQL's account, its cluster's directories in /etc and /var/lib among it, is made, changed and
# removed as that account: it could put a link in the place of any of them, which root would follow.
as_account() { runuser -u postgres -- "$@"; }

settings=/etc/berth/postgresql
cluster=/etc/postgresql/$version/main
data=/var/lib/postgresql/$version/main
# Beside the data, so that it is on the same disk: there from before a cluster is made until it is made whole. Nothing
# uses a cluster before that, and nothing without this mark is ever removed: a disk may come to a new machine, which
# knows nothing of it.
making=/var/lib/postgresql/.berth-making-$version
fresh=
if [ -e "$making" ]; then
  # PostgreSQL numbers what people make from 16384 on (transam.h, FirstNormalObjectId).
  used=$(as_account find "$data/base" -mindepth 1 -maxdepth 1 -name '[0-9]*' -printf '%f\n' 2>/dev/null | awk '$1 >= 16384' || true)
  [ -z "$used" ] || fail "$data is marked as unfinished, and it holds a database." "Look at it; if it is good, remove $making and run 'pulumi up' again."
  say "removing a cluster whose making was cut off"
  systemctl stop "postgresql@$version-main.service" 2>/dev/null || true
  as_account rm -rf "$cluster" "$data"
fi
taking_over=$state/postgres-taking-over
if [ ! -e "$cluster/postgresql.conf" ] || [ -e "$taking_over" ]; then
  if [ -s "$data/global/pg_control" ]; then
    say "taking over the database that is in $data"
    # The configuration comes from an empty cluster, made as this one once was: Debian keeps none beside the data. What
    # a cut run left of that is in its way.
    empty=/var/lib/postgresql/.berth-empty-$version
    : >"$taking_over"
    as_account rm -rf "$cluster" "$empty"
    { logged as_account pg_createcluster --datadir "$empty" --locale "$locale" --encoding UTF8 "$version" main -- --auth-local=peer --auth-host=scram-sha-256 &&
      logged as_account pg_conftool "$version" main set data_directory "$data"; } ||
      fail "the database in $data could not be taken over." "Its files are as they were."
    as_account rm -rf "$empty"
    rm -f "$taking_over"
  else
    [ ! -d "$data" ] || [ -z "$(ls -A "$data")" ] || fail "$data holds files, but no whole database; Berth did not make them and does not remove them." "Move them away, or put the whole data directory back from a backup, then run 'pulumi up' again."
    say "making the database cluster"
    fresh=yes
    [ -e "$making" ] || as_account touch "$making"
    as_account sync -f "$making"
    logged as_account pg_createcluster --locale "$locale" --encoding UTF8 "$version" main -- --data-checksums --auth-local=peer --auth-host=scram-sha-256 ||
      fail "the database cluster could not be made."
  fi
  # For the unit that starts all clusters. Its log, which Debian makes anew, is for administrators to read.
  as_account find /var/log/postgresql -name "postgresql-$version-main.log" -empty -delete
  logged systemctl daemon-reload
fi
if [ -e "$making" ]; then
  # On the disk before anything is put into the cluster.
  as_account rm -f "$making"
  sync -f /var/lib/postgresql
fi

memory=${memory_limit:-$(awk '/^MemTotal:/ { print int($2 / 1024) }' /proc/meminfo)}
within() { if [ "$1" -lt "$2" ]; then echo "$2"; elif [ "$1" -gt "$3" ]; then echo "$3"; else echo "$1"; fi; }

# Sizes after https://wiki.postgresql.org/wiki/Tuning_Your_PostgreSQL_Server for a machine shared with the site.
put_file "$settings/berth-memory.conf" root:root 0644 <<CONF
# Berth: sizes for a host with $memory MiB of memory.
shared_buffers = '$(within $((memory / 6)) 128 8192)MB'
effective_cache_size = '$(within $((memory / 2)) 256 65536)MB'
work_mem = '$(within $((memory / 256)) 4 64)MB'
maintenance_work_mem = '$(within $((memory / 16)) 64 1024)MB'
CONF
# Archiving can only be turned on by a restart. A new cluster has it on from the start, and archives nothing while there are
# no backups (archive.sh); one of before is restarted once, when backups are turned on. pgBackRest insists on its name in the
# command.
if [ -n "$fresh" ] || [ -n "$archived" ] || [ -e "$settings/archive.conf" ]; then
  put_file "$settings/archive.conf" root:root 0644 <<CONF
archive_mode = on
archive_command = '/usr/local/lib/berth/pgbackrest-archive %p'
# A piece of the log goes when it is full, and at the latest after this many seconds.
archive_timeout = $(if [ -n "$archived" ]; then echo 60; else echo 0; fi)
CONF
fi
# The settings are root's, and the cluster reads them by links.
for file in berth.conf berth-memory.conf archive.conf; do
  [ -e "$settings/$file" ] || continue
  # By names that are nobody else's, by which the removal finds them.
  link=$cluster/conf.d/berth-${file#berth-}
  if [ "$file" = berth.conf ]; then link=$cluster/conf.d/$file; fi
  if [ "$(readlink "$link" || true)" != "$settings/$file" ]; then
    logged as_account ln -sfnT "$settings/$file" "$link" || fail "the account 'postgres' cannot make $link, the link to the cluster's settings." "Give it $cluster/conf.d with 'chown postgres: $cluster/conf.d' on the host."
    changes[$settings/$file]=1
  fi
done

daemon_reload_if_changed
unit=postgresql@$version-main.service
enabled postgresql.service
unmasked "$unit"
systemctl is-active --quiet "$unit" || logged systemctl start "$unit" || true
note unit "$unit" "" active
on_change restart "$unit" "$settings/berth"
if changed "$settings/archive.conf" && wait_until 60 as_postgres -c 'SELECT 1'; then
  if [ "$(as_postgres -c 'SHOW archive_mode')" = on ]; then on_change reload "$unit" "$settings/archive.conf"; else
    say "restarting PostgreSQL once, so that its log is archived"
    on_change restart "$unit" "$settings/archive.conf"
  fi
fi
if [ -z "$private" ]; then take_away /etc/berth/private/postgres.crt /etc/berth/private/postgres.key; fi
on_change reload "$unit" "$settings/pg_hba.conf" /etc/berth/private/postgres

wait_until 60 as_postgres -c 'SELECT 1' ||
  fail "PostgreSQL does not answer: $(as_account timeout 10 tail -n 3 "/var/log/postgresql/postgresql-$version-main.log" 2>/dev/null | tr '\n' ' ')"
take_settings
[ "$(as_postgres -c 'SHOW server_encoding')" = UTF8 ] || fail "the cluster's encoding is not UTF8." "Its data must be dumped and loaded into a new cluster by hand."
listening=$(ss -Hltn 'sport = :5432' | awk '{ print $4 }' | grep -vE '^(127\.0\.0\.1|\[::1\]):' | grep -vxF "${private:-none}:5432" || true)
[ -z "$listening" ] || fail "PostgreSQL listens on $listening; it must listen on the loopback address${private:+ and $private} alone."
