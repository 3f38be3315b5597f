systemctl disable --now --quiet berth-notices.timer 2>/dev/null || true
systemctl stop --quiet berth-notices.service 2>/dev/null || true
rm -f /etc/systemd/system/timers.target.wants/berth-notices.timer /var/lib/berth/notices.json /var/lib/berth/notices.new /run/berth-notices.json
rm -rf /usr/local/lib/berth/notices/program /usr/local/lib/berth/notices/program-*
rmdir --ignore-fail-on-non-empty /usr/local/lib/berth/notices /etc/berth/notices 2>/dev/null || true
systemctl daemon-reload
systemctl reset-failed berth-notices.timer berth-notices.service 2>/dev/null || true
