: "${name?the name of the application}"
: "${archive?the archive with the release program, in the home of the account of the engine}"
: "${archive_sha256?its SHA-256 checksum}"

home=/usr/local/lib/berth/$name
put_program "$home" "$archive" "$archive_sha256" release
logged "$home/berth-release" status || fail "the release program does not run." "What it printed is in $log on the host."
