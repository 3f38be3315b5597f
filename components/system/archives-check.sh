: "${archives?the archives other than those of Debian, a line each: the key of the configuration and the host, nothing for a directory}"

# others HOST: the files of apt that name an archive on this host, or one that is a directory, and are none of Berth's.
others() {
  local of='(mirror\+)?(file|copy):|mirror:/'
  if [ -n "$1" ]; then of="[a-z+]+://([^/@ ]*@)?${1//./\\.}([:/[:space:]]|$)"; fi
  grep -rliE "^[^#]*(^|[[:space:]])($of)" /etc/apt/sources.list /etc/apt/sources.list.d --include='*.list' --include='*.sources' 2>/dev/null | grep -v '^/etc/apt/sources\.list\.d/berth-' || true
}
while read -r key host; do
  other=$(others "$host" | head -n 1)
  # apt knows by the host alone what comes from where (apt_preferences(5)).
  [ -z "$other" ] || fail "$key: expected an archive that is the only one on its host; found '${host:-a directory}', from which $other has packages as well, and Berth would shut those out." "Give the archive a host name of its own."
done <<<"$archives"
