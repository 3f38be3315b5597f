# kept_password FILE: made once, and root's alone.
kept_password() {
  keeps "$1"
  [ -s "$1" ] || head -c 32 /dev/urandom | sha256sum | cut -d' ' -f1 | put_file "$1" root:root 0600 secret
  note_file "$1" root:root 0600 secret
}
