# Its file is gone already, and 'disable --now' stops no unit that has neither file nor link.
systemctl stop --quiet berth-firewall.service 2>/dev/null || true
systemctl disable --quiet berth-firewall.service 2>/dev/null || true
nft delete table inet berth 2>/dev/null || true
systemctl daemon-reload
