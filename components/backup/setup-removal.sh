# What is in the place stays. PostgreSQL goes on, and what it would archive goes nowhere (components/postgres/archive.sh).
systemctl disable --now --quiet berth-backup.timer berth-backup-files.timer berth-backup-drill.timer 2>/dev/null || true
systemctl stop --quiet berth-backup.service berth-backup-files.service berth-backup-drill.service 2>/dev/null || true
# A drill's, if one was under way: what would clean up after it went with its file.
runuser -u postgres -- sh -c 'rm -rf -- /var/lib/postgresql/*/main.drill' 2>/dev/null || true
# The page that was shown because there was no data yet (program/unrestored.py).
[ ! -e /var/lib/berth/backup/shut ] || rm -f -- "$(cat /var/lib/berth/backup/shut)"
rm -rf /var/cache/berth-backup /var/lib/berth/backup
rm -rf /usr/local/lib/berth/backup/program /usr/local/lib/berth/backup/program-*
rmdir --ignore-fail-on-non-empty /usr/local/lib/berth/backup /etc/berth/backup/pgbackrest.d /etc/berth/backup 2>/dev/null || true
systemctl daemon-reload
