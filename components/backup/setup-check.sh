: "${directory?the path of the place where it is a directory of this host; empty otherwise}"

if [ -n "$directory" ]; then
  [ -d "$directory" ] || fail "there is no directory $directory on this host (backup.place.path)." "Mount the disk that is meant there, or make the directory, as root on the host: install -d -m 755 $directory"
  guarded "$directory/files" "backup.place.path"
fi

# A place or a passphrase that is refused must not end the backups that go on: until the new settings are proven, the last
# that were lie here. Those of a run that did not come to its end were not.
before=/var/lib/berth/backup/settings-before
if [ -d /etc/berth/backup ] && [ ! -e "$before" ] && ! changed; then
  rm -rf "$before.new"
  (umask 077 && mkdir -p "${before%/*}" && cp -a /etc/berth/backup "$before.new" && mv -T "$before.new" "$before") 2>>"$log" || refuse_full_disk
fi
# settings_of_before: they are in force again, unless this host is to restore what is in the new place.
settings_of_before() {
  if [ ! -e "$before" ] || grep -q '^ "unrestored": {' /var/lib/berth/backup/record.json 2>/dev/null; then return 0; fi
  rm -rf /etc/berth/backup
  cp -a "$before" /etc/berth/backup
}
