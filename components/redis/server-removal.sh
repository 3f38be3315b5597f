# The data stays in /var/lib/redis; the server stops.
systemctl disable --now --quiet redis-server.service 2>/dev/null || true
systemctl daemon-reload
