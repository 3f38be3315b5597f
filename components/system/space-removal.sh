# Its files are gone already, and 'disable' knows no unit without one.
systemctl stop berth-space.timer berth-space.service 2>/dev/null || true
rm -f /etc/systemd/system/timers.target.wants/berth-space.timer /run/berth-space.json
rm -rf /var/lib/berth/reserve /var/lib/berth/data/reserve
systemctl daemon-reload
systemctl try-restart logrotate.timer 2>/dev/null || true
systemctl reset-failed berth-space.timer berth-space.service 2>/dev/null || true
