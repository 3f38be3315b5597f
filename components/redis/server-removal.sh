# The data stays in /var/lib/redis; the server stops.
systemctl disable --now --quiet redis-server.service 2>/dev/null || true
rm -f /etc/berth/redis/own-password /etc/berth/redis/users.conf /etc/berth/redis/memory.conf
systemctl daemon-reload
