: "${name?the name of the site}"
rm -f "/etc/nginx/sites-enabled/$name.conf" "/etc/berth/$name/maintenance"
take_away /etc/systemd/system/nginx.service.d/berth.conf "/etc/nginx/sites-available/$name.conf" /etc/nginx/conf.d/berth{,-*}.conf /etc/nginx/snippets/berth-*.conf
rm -rf "/usr/local/share/berth/$name"
daemon_reload_if_changed
if nginx -t >>"$log" 2>&1; then systemctl reload nginx.service || true; else systemctl stop nginx.service; fi
