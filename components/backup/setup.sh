: "${place?the place of the backups, as people know it}"
: "${archive?the archive with the backup program, in the home of the account of the engine}"
: "${archive_sha256?its SHA-256 checksum}"
: "${timers?the timers that there are to be, separated by spaces}"

put_directory /var/lib/berth/backup root:root 0700
put_directory /var/cache/berth-backup root:root 0700
put_program /usr/local/lib/berth/backup "$archive" "$archive_sha256"
daemon_reload_if_changed
say "proving that the place takes backups and gives them back: $place"
said=$(/usr/local/lib/berth/berth-backup setup 2>>"$log") || {
  next=$(sed -n 2p <<<"$said")
  settings_of_before
  fail "$(sed -n 1p <<<"$said" | mask)." "$next"
}
rm -rf /var/lib/berth/backup/settings-before
for timer in berth-backup.timer berth-backup-files.timer berth-backup-drill.timer; do
  case " $timers " in
  *" $timer "*)
    enabled "$timer"
    on_change restart "$timer" "/etc/systemd/system/$timer"
    ;;
  *) systemctl disable --now --quiet "$timer" 2>/dev/null || true ;;
  esac
done
# It has nothing to do before the next boot.
if [ -e /etc/systemd/system/berth-backup-drill-clean.service ]; then
  at_boot berth-backup-drill-clean.service
fi
