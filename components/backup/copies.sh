: "${archive?the archive with the backup program, in the home of the account of the engine}"
: "${archive_sha256?its SHA-256 checksum}"
: "${account?the account of the uploads}"
: "${directories?the directories of uploads, one a line}"

put_directory /var/lib/berth/copy root:root 0700
put_program /usr/local/lib/berth/copy "$archive" "$archive_sha256"
daemon_reload_if_changed
# It has nothing to do before the next boot.
at_boot berth-copy-clean.service
