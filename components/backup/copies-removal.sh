systemctl stop --quiet berth-copy.service 2>/dev/null || true
: "${account?the account of the uploads}"
: "${directories?the directories of uploads, one a line}"
# What would clean up after it went with its file.
runuser -u postgres -- sh -c 'rm -rf -- /var/lib/postgresql/*/main.copy' 2>/dev/null || true
while read -r directory; do
  [ -z "$directory" ] || runuser -u "$account" -- rm -rf -- "$directory/.berth-copy/arriving" "$directory/.berth-copy/arrived" || true
done <<<"$directories"
systemctl disable --quiet berth-copy-clean.service 2>/dev/null || true
rm -rf /var/lib/berth/copy /usr/local/lib/berth/copy/program /usr/local/lib/berth/copy/program-*
rmdir --ignore-fail-on-non-empty /usr/local/lib/berth/copy /etc/berth/copy 2>/dev/null || true
systemctl daemon-reload
