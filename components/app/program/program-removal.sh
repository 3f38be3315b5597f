: "${name?the name of the application}"
# What tells others of a release, and runs for some minutes.
systemctl stop --quiet "berth-$name-hook-*.service" 2>/dev/null || true
rm -rf "/var/lib/berth/app-${name:?}/hooks"
systemctl disable --quiet "$name-web-start.service" 2>/dev/null || true
rm -rf "/usr/local/lib/berth/${name:?}/program" "/usr/local/lib/berth/$name"/program-*
rmdir --ignore-fail-on-non-empty "/usr/local/lib/berth/$name" 2>/dev/null || true
systemctl daemon-reload
