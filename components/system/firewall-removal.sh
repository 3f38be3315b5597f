# Its file is gone already, and 'disable --now' stops no unit that has neither file nor link.
systemctl stop --quiet berth-firewall.service 2>/dev/null || true
systemctl disable --quiet berth-firewall.service 2>/dev/null || true
for table in berth berth_listeners; do nft delete table inet "$table" 2>/dev/null || true; done
take_away /etc/berth/ssh-ports.nft /etc/berth/replaced.nft
systemctl daemon-reload
