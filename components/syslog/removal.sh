# Its files are gone already, and 'disable' knows no unit without one.
systemctl stop --quiet berth-syslog.service 2>/dev/null || true
rm -f /etc/systemd/system/multi-user.target.wants/berth-syslog.service
rm -rf /var/lib/private/berth-syslog /var/lib/berth-syslog
systemctl daemon-reload
systemctl reset-failed berth-syslog.service 2>/dev/null || true
rmdir --ignore-fail-on-non-empty /etc/berth/syslog 2>/dev/null || true
