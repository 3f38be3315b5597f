: "${name?the name of the application}"
: "${root?the directory of the application}"
systemctl disable --now --quiet "$name-web-start.service" "$name-web.service" "$name-web.socket" 2>/dev/null || true
systemctl stop "$name-web@*.service" "$name-web@*.socket" 2>/dev/null || true
rm -f "/etc/systemd/system/$name-web.service" "/etc/systemd/system/$name-web.socket"
rm -rf "/run/${name:?}" "${root:?}/config/web"
systemctl daemon-reload
