systemctl disable --now --quiet berth-firewall.service 2>/dev/null || true
nft delete table inet berth 2>/dev/null || true
systemctl daemon-reload
