if grep -qs '^# Berth: ' /usr/sbin/policy-rc.d; then take_away /usr/sbin/policy-rc.d; fi
while read -r unit package key; do
  [ -n "$unit" ] || continue
  if systemctl is-active --quiet "$unit"; then
    fail "$unit, of the package $package ($key), runs on this host already, and Berth does not stop it." "If nothing needs it, run 'systemctl disable --now $unit' on the host; then run 'pulumi up' again."
  fi
done < <(shipped)
# None of them before all have been looked at.
while read -r unit _; do
  if [ -n "$unit" ]; then put_link "/etc/systemd/system/$unit" /dev/null; fi
done < <(shipped)
daemon_reload_if_changed
