# Its files are gone already, and 'disable' knows no unit without one.
systemctl stop berth-metrics.timer berth-metrics.service 2>/dev/null || true
rm -f /etc/systemd/system/timers.target.wants/berth-metrics.timer
rm -rf /usr/local/lib/berth/metrics
systemctl daemon-reload
systemctl reset-failed berth-metrics.timer berth-metrics.service 2>/dev/null || true
