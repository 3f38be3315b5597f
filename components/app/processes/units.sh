: "${name?the name of the application}"

# prove_unit UNIT: systemd takes it, and it is shut in.
prove_unit() {
  local reason exposure
  reason=$(systemd-analyze verify "/etc/systemd/system/$1.service" 2>&1 | grep -F "$1" || true)
  [ -z "$reason" ] || fail "systemd rejects $1.service: $reason"
  exposure=$(systemd-analyze security --no-pager "${1/%@/@0}.service" | sed -n 's/.*Overall exposure level.*: \([0-9.]*\) .*/\1/p')
  awk -v level="${exposure:-10}" 'BEGIN { exit !(level <= 2.5) }' ||
    fail "the sandbox of $1.service has an exposure level of ${exposure:-unknown}; 2.5 at most was expected." "A drop-in in /etc/systemd/system/$1.service.d loosens it."
}

daemon_reload_if_changed
# The unit that starts the release that is live as the host boots.
at_boot "$name-web-start.service"
