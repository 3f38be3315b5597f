# Its files are gone already, and 'disable' knows no unit without one.
systemctl stop --quiet berth-reboot.timer 2>/dev/null || true
rm -f /etc/systemd/system/timers.target.wants/berth-reboot.timer /etc/systemd/system/multi-user.target.wants/berth-rebooted.service
systemctl daemon-reload
systemctl reset-failed berth-reboot.timer berth-reboot.service berth-rebooted.service 2>/dev/null || true
