: "${name?the name of the application}"
: "${archive?the archive with the release program, in the home of the account of the engine}"
: "${archive_sha256?its SHA-256 checksum}"

# Each version in a directory of its own: what runs goes on with its own.
home=/usr/local/lib/berth/$name
place=$home/program-${archive_sha256:0:12}
if [ ! -d "$place" ]; then
  rm -rf "$home/program.new"
  mkdir -p "$home/program.new/release"
  cp -- "$(getent passwd "${SUDO_USER:-root}" | cut -d: -f6)/$archive" "$home/program.tar" 2>>"$log" ||
    fail "the archive with the release program, $archive, is not on the host." "Run 'pulumi up' with --replace for the step that copies it."
  [ "$(sha256sum "$home/program.tar" | cut -d' ' -f1)" = "$archive_sha256" ] || fail "the release program did not arrive whole." "Run 'pulumi up' again."
  logged tar --extract --no-same-owner --file "$home/program.tar" --directory "$home/program.new/release"
  logged /usr/bin/python3 -IS -m compileall -q -x /application/ "$home/program.new"
  mv -T "$home/program.new" "$place"
fi
put_link "$home/program" "${place##*/}"
find "$home" -mindepth 1 -maxdepth 1 \( -name 'program-*' ! -path "$place" -o -name program.tar \) -exec rm -rf {} +
logged "$home/berth-release" status || fail "the release program does not run." "What it printed is in $log on the host."
