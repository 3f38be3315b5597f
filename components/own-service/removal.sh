: "${name?the name of the service}"
# Its data and its account stay. Its files are gone already, and 'disable' knows no unit without one.
unit=service-$name.service
systemctl stop --quiet "$unit" 2>/dev/null || true
rm -f "/etc/systemd/system/multi-user.target.wants/$unit" "/var/lib/berth/services/$name.versions"
systemctl daemon-reload
systemctl reset-failed "$unit" 2>/dev/null || true
rmdir --ignore-fail-on-non-empty "/etc/berth/services/$name" /etc/berth/services 2>/dev/null || true
