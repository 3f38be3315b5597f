: "${file?where the credentials are kept}"
: "${unit?the unit that fetches them, without its ending}"
# Their files are gone already, and 'disable' knows no unit without one.
systemctl stop "$unit.timer" "$unit.service" 2>/dev/null || true
rm -rf /usr/local/lib/berth/credentials
rm -f "$file" "/etc/systemd/system/timers.target.wants/$unit.timer" "/etc/systemd/system/multi-user.target.wants/$unit.service"
systemctl daemon-reload
systemctl reset-failed "$unit.timer" "$unit.service" 2>/dev/null || true
