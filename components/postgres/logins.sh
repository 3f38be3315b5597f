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
