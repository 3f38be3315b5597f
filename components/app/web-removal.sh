: "${name?the name of the application}"
# Their files are gone already, and 'disable --now' stops no unit that has neither file nor link.
systemctl stop --quiet "$name-web.service" "$name-web.socket" 2>/dev/null || true
systemctl disable --quiet "$name-web.service" "$name-web.socket" 2>/dev/null || true
rm -rf "/run/${name:?}"
systemctl daemon-reload
