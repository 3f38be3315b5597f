: "${archive?the archive with the program that watches this host, in the home of the account of the engine}"
: "${archive_sha256?its SHA-256 checksum}"

put_program /usr/local/lib/berth/notices "$archive" "$archive_sha256"
daemon_reload_if_changed
# Each target that is new gets a first message. Of one that takes none 'npm start' and 'npm run status' tell: nothing is shown
# of a step with secrets that ends well.
said=$(/usr/bin/python3 -IB /usr/local/lib/berth/notices/program greet 2>>"$log") || {
  status=$?
  [ "$status" != 3 ] || fail "notify.targets.${said%%$'\n'*}." "https://github.com/caronc/apprise/wiki has the URL of each service."
  fail "the program that watches this host does not run: $(tail -n 1 "$log")"
}
on_change restart berth-notices.timer /etc/systemd/system/berth-notices.timer
enabled berth-notices.timer
