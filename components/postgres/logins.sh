: "${database?the name of the database}"
: "${role?the role that owns it}"
: "${login?the login that the live release has}"
: "${grace?for how long what was live before may still be at work, in seconds}"

# A database that comes from elsewhere may have it log in.
if [ "$(as_postgres -c "SELECT rolcanlogin FROM pg_roles WHERE rolname = '$role'")" = t ]; then
  as_postgres -c "ALTER ROLE \"$role\" NOLOGIN PASSWORD NULL" >>"$log" 2>&1
fi
# A password of before ends by itself, also when this host is off meanwhile. Until then what was live before finishes.
before=$(as_postgres -c "SELECT rolname FROM pg_roles WHERE rolname ~ '^${role}_[0-9a-f]{6}\$' AND rolname <> '$login'
  AND coalesce(rolvaliduntil, 'infinity') = 'infinity' AND pg_has_role(oid, '$role', 'MEMBER')")
for one in $before; do
  as_postgres -c "ALTER ROLE \"$one\" VALID UNTIL '$(date --utc --date="$grace seconds" '+%F %T+00')'" >>"$log" 2>&1 ||
    fail "the password of the login '$one' could not be ended."
done
end=/usr/local/lib/berth/postgres-end-logins
if [ -n "$before" ]; then
  say "the previous password stays valid for $grace s, for requests and tasks that began with it"
  # A moment later, for the end is passed by then.
  logged systemd-run --quiet --collect --on-active="$((grace + 1))" --timer-property=AccuracySec=1s "$end" "$role"
fi
logged "$end" "$role" || fail "the logins with expired passwords could not be removed."

# Under other names of before nobody logs in any more; what they hold stays, and is named for as long as it is there.
names=$state/names/${step%-logins}
is_there() { [ "$(as_postgres -c "SELECT 1 FROM $1 WHERE $2 = '$3'")" = 1 ]; }
mapfile -t known < <(cat "$names" 2>/dev/null || true)
now=("database $database" "role $role")
still=()
for one in "${known[@]}"; do
  name=${one#* }
  case $one in "${now[0]}" | "${now[1]}") continue ;; esac
  case $one in
  role\ *)
    if ! is_there pg_roles rolname "$name"; then continue; fi
    for member in $(as_postgres -c "SELECT rolname FROM pg_roles WHERE rolname ~ '^${name}_[0-9a-f]{6}\$' AND rolcanlogin AND pg_has_role(oid, '$name', 'MEMBER')"); do
      as_postgres -c "ALTER ROLE \"$member\" NOLOGIN" >>"$log" 2>&1 || fail "the login '$member', of another name of the application, could not be closed."
      as_postgres -c "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = '$member'" >>"$log" 2>&1
    done
    ;;
  database\ *)
    if ! is_there pg_database datname "$name"; then continue; fi
    say "kept: the database '$name', which the stack does not name any more and which may hold data. 'sudo -u postgres dropdb $name' on the host removes it"
    ;;
  *) continue ;;
  esac
  still+=("$one")
done
printf '%s\n' "${still[@]}" "${now[@]}" | sort -u | put_file "$names" root:root 0600
