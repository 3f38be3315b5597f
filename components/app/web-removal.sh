: "${name?the name of the application}"
systemctl disable --now --quiet "$name-web.service" "$name-web.socket" 2>/dev/null || true
rm -rf "/run/${name:?}"
systemctl daemon-reload
