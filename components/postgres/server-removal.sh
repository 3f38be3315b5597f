# The data stays in /var/lib/postgresql; the server stops.
systemctl disable --now --quiet postgresql.service 2>/dev/null || true
