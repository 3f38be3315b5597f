# The stack's own settings. PostgreSQL reads them from a copy, which only changes when it takes them: with a wrong one it
# would not start again, maybe on a night long after.
wanted_settings=/etc/berth/postgresql/settings.conf
own_settings=/etc/berth/postgresql/own.conf
settings_before=/etc/berth/postgresql/own.conf.before
# After berth.conf, so that they win; and where the removal finds it.
own_link() { printf '/etc/postgresql/%s/main/conf.d/berth.own.conf' "$version"; }

# settings_differ: they are not the ones in use, or a killed run has left open whether they are.
settings_differ() { [ -e "$settings_before" ] || ! cmp -s <(cat "$wanted_settings" 2>/dev/null) <(cat "$own_settings" 2>/dev/null); }

# use_settings FILE: makes PostgreSQL read these from now on.
use_settings() {
  as_account rm -f "$(own_link)"
  if [ -s "$1" ]; then
    put_file "$own_settings" root:root 0644 <"$1"
    as_account ln -sfnT "$own_settings" "$(own_link)"
  else
    rm -f "$own_settings"
  fi
}

# settings_fault: what PostgreSQL would say of its settings as it starts; nothing where it takes them.
settings_fault() {
  as_account env LC_ALL=C "/usr/lib/postgresql/$version/bin/postgres" -D "/var/lib/postgresql/$version/main" -c "config_file=/etc/postgresql/$version/main/postgresql.conf" -c lc_messages=C -C work_mem 2>&1 >/dev/null |
    sed -n 's/^.*\(LOG\|FATAL\): *//p' | grep -v 'configuration file .* contains errors' | tr '\n' ' ' || true
}

# go_back REASON: to the settings of before, by a restart if PostgreSQL does not run.
go_back() {
  use_settings "$settings_before"
  rm -f "$settings_before"
  systemctl is-active --quiet "$unit" || logged systemctl restart "$unit" || true
  logged systemctl reload "$unit" || true
  wait_until 60 as_postgres -c 'SELECT 1' || fail "PostgreSQL does not start, also with the settings of before. $1" "See /var/log/postgresql on the host."
  fail "PostgreSQL does not take the settings of postgres.settings: ${1% }." "Those of before are in use."
}

# take_settings: the wanted ones come into use, or those of before stay.
take_settings() {
  if ! settings_differ; then
    if [ -e "$own_settings" ]; then note_file "$own_settings" root:root 0644; fi
    return 0
  fi
  local fault why
  # What a killed run has tried may not be good; those of before are.
  [ -e "$settings_before" ] || put_file "$settings_before" root:root 0644 < <(cat "$own_settings" 2>/dev/null)
  use_settings "$wanted_settings"
  fault=$(settings_fault)
  [ -z "$fault" ] || go_back "$fault"
  logged systemctl reload "$unit" || true
  # The server reads them in its own time.
  wait_until 10 settings_read || true
  if [ "$(as_postgres -c 'SELECT count(*) FROM pg_settings WHERE pending_restart')" != 0 ]; then
    say "restarting PostgreSQL for its settings"
    if ! logged systemctl restart "$unit" || ! wait_until 60 as_postgres -c 'SELECT 1'; then
      why=$(as_account timeout 10 tail -n 30 "/var/log/postgresql/postgresql-$version-main.log" 2>/dev/null | grep -E 'FATAL|HINT' | tail -n 2 | sed 's/^.*\(FATAL\|HINT\): *//' | tr '\n' ' ' || true)
      go_back "${why:-it does not start with them}"
    fi
  fi
  rm -f "$settings_before"
}

# settings_read: the server has read its files since they were changed.
settings_read() { [ "$(as_postgres -c "SELECT pg_conf_load_time() >= to_timestamp($(stat -c %.9Y "$settings_before"))")" = t ]; }
