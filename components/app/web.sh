: "${name?the name of the application}"
: "${root?the directory of the application}"

daemon_reload_if_changed
reason=$(systemd-analyze verify "/etc/systemd/system/$name-web@.service" 2>&1 | grep -F "$name-web@" || true)
[ -z "$reason" ] || fail "systemd does not take $name-web@.service: $reason"
systemctl is-enabled --quiet "$name-web-start.service" || logged systemctl enable "$name-web-start.service"
exposure=$(systemd-analyze security --no-pager "$name-web@0.service" | sed -n 's/.*Overall exposure level.*: \([0-9.]*\) .*/\1/p')
awk -v level="${exposure:-10}" 'BEGIN { exit !(level <= 2.5) }' ||
  fail "the sandbox of $name-web@.service has an exposure level of ${exposure:-unknown}; 2.5 at most was expected." "A drop-in in /etc/systemd/system/$name-web@.service.d loosens it."
