systemctl stop --quiet berth-copy.service 2>/dev/null || true
systemctl disable --quiet berth-copy-clean.service 2>/dev/null || true
rm -rf /var/lib/berth/copy /usr/local/lib/berth/copy/program /usr/local/lib/berth/copy/program-*
rmdir --ignore-fail-on-non-empty /usr/local/lib/berth/copy /etc/berth/copy 2>/dev/null || true
systemctl daemon-reload
