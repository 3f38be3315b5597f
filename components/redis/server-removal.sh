: "${server?redis or valkey}"

# The data stays in its directory below /var/lib; both servers stop.
systemctl disable --now --quiet "$server-server.service" "$server-server@cache.service" 2>/dev/null || true
rm -rf "/etc/berth/$server"
systemctl daemon-reload
