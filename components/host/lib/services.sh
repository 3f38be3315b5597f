# Third part: systemd units and Debian packages.

# daemon_reload_if_changed: makes systemd read its units again when this step changed one.
daemon_reload_if_changed() {
  if changed /etc/systemd/system/; then logged systemctl daemon-reload; fi
}

# unmasked UNIT: it may start, also when somebody has masked it since.
unmasked() {
  case $(systemctl is-enabled "$1" 2>/dev/null || true) in
  masked) logged systemctl unmask "$1" ;;
  masked-runtime) logged systemctl unmask --runtime "$1" ;;
  esac
}

# at_boot UNIT…: starts it at every boot.
at_boot() {
  local unit
  for unit in "$@"; do
    unmasked "$unit"
    systemctl is-enabled --quiet "$unit" 2>/dev/null || logged systemctl enable "$unit"
    note unit "$unit" enabled ""
  done
}

# enabled UNIT…: starts it now and at boot.
enabled() {
  local unit
  for unit in "$@"; do
    at_boot "$unit"
    note unit "$unit" enabled active
    systemctl is-active --quiet "$unit" || logged systemctl start "$unit" ||
      fail "$unit does not start: $(journalctl -u "$unit" -n 5 -o cat --no-pager 2>/dev/null | tr '\n' ' ')"
  done
}

# on_change VERB UNIT PREFIX…: 'systemctl VERB UNIT' when something the unit reads has changed.
on_change() {
  local verb=$1 unit=$2
  shift 2
  if changed "$@" && systemctl is-active --quiet "$unit"; then
    logged systemctl "$verb" "$unit" ||
      fail "$unit does not $verb: $(journalctl -u "$unit" -n 5 -o cat --no-pager 2>/dev/null | tr '\n' ' ')"
  fi
}

# missing_packages NAME…: those that are not installed, one a line.
missing_packages() {
  local installed name
  # shellcheck disable=SC2016  # dpkg-query's own format language.
  installed=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' | awk '$1 == "ii" { print $2 }')
  for name in "$@"; do
    grep -qxF "$name" <<<"$installed" || printf '%s\n' "$name"
  done
}

# patiently COMMAND…: logged, and again while another process holds one of dpkg's or apt's locks (apt itself waits
# for only one of them), for up to ten minutes.
patiently() {
  local from left=600 status
  while true; do
    from=$(($(wc -l <"$log") + 1)) status=0
    "$@" >>"$log" 2>&1 9>&- </dev/null || status=$?
    if [ "$status" = 0 ]; then return 0; fi
    if ! grep -qiE 'could not get lock|unable to lock|lock was locked by|is another process using it' < <(tail -n "+$from" "$log"); then break; fi
    if [ "$left" = 600 ]; then say "waiting for another package manager to finish on this host, up to 10 minutes"; fi
    left=$((left - 1))
    [ "$left" -gt 0 ] || fail "another package manager has held its lock for 10 minutes." "See which with 'ps -ef | grep -E \"apt|dpkg\"' on the host, then run 'pulumi up' again."
    sleep 1
  done
  tail -n "+$from" "$log" | tail -n 40 | mask >&2 2>/dev/null || true
  refuse_full_disk
  return "$status"
}

apt() { patiently apt-get -q -y -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@"; }

# mend_dpkg: finishes what an interrupted installation left.
mend_dpkg() {
  if [ -n "$(dpkg --audit 2>/dev/null)" ] || [ -n "$(find /var/lib/dpkg/updates -type f 2>/dev/null)" ]; then
    say "finishing an installation that was interrupted"
    patiently dpkg --force-confdef --force-confold --configure -a || apt --fix-broken install
  fi
}

# install_packages NAME…: those that are missing, in one transaction.
install_packages() {
  local missing unknown name
  mend_dpkg
  for name in "$@"; do note package "$name"; done
  mapfile -t missing < <(missing_packages "$@")
  if [ "${#missing[@]}" = 0 ]; then return; fi
  say "installing ${#missing[@]} packages"
  apt update || fail "'apt-get update' failed: the host cannot reach its package archive, or the archive is wrong in /etc/apt." "Its last lines are above."
  if ! apt install --no-install-recommends "${missing[@]}"; then
    unknown=$(for name in "${missing[@]}"; do apt-cache show --no-all-versions "$name" >/dev/null 2>&1 || echo "$name"; done)
    [ -z "$unknown" ] || fail "this host's package archive has no $(paste -sd' ' <<<"$unknown")." "Take it out of app.packages, or add the archive that has it."
    fail "apt-get could not install the packages." "Its last lines are above; run 'pulumi up' again when the cause is gone."
  fi
}
