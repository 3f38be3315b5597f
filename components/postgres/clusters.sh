# other_clusters VERSION: the clusters of other major versions, a line each: the version and the directory.
other_clusters() {
  local directory number
  for directory in /var/lib/postgresql/*/main; do
    number=$(basename "$(dirname "$directory")")
    if [ -d "$directory" ] && [ "$number" != "$1" ]; then printf '%s %s\n' "$number" "$directory"; fi
  done
}
