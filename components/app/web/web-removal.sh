: "${name?the name of the application}"
: "${root?the directory of the application}"
# Their files are gone already, and 'disable --now' stops no unit that has neither file nor link.
systemctl stop --quiet "$name-web-start.service" "$name-web@*.socket" "$name-web@*.service" 2>/dev/null || true
rm -f "/etc/systemd/system/$name-web@"*
rm -rf "/run/${name:?}" "${root:?}/config/web"
systemctl daemon-reload
