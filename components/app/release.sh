: "${archive?the archive of a local source, in the home of the account of the engine; empty for git}"
: "${archive_sha256?its SHA-256 checksum}"
: "${git_url?the URL of the git repository; empty for a local source}"
: "${git_commit?the commit}"
: "${git_path?the directory of the application in the repository}"
: "${wsgi_module?the module of the WSGI application}"

# Where the engine copies an archive to: the home of the account that it logs in with.
engine_home=$(getent passwd "${SUDO_USER:-root}" | cut -d: -f6)

# A release is made in its own directory, beside what runs, and counts when it is marked as prepared. What a run
# left unfinished is thrown away.
fetch_archive() {
  local source=$engine_home/$archive
  [ -f "$source" ] || fail "the archive of this release, $source, is not on the host." "Run 'pulumi up' with --replace for the step that copies it."
  [ "$(sha256sum "$source" | cut -d' ' -f1)" = "$archive_sha256" ] || fail "the archive of this release did not arrive whole." "Run 'pulumi up' again."
  as_owner tar --extract --no-same-permissions --file - <"$source" >>"$log" 2>&1 9>&- || {
    refuse_full_disk
    fail "the archive of this release cannot be unpacked." "What tar printed is in $log on the host."
  }
}

fetch_git() {
  local ssh="ssh -F none -i /etc/berth/$name/deploy-key -o IdentitiesOnly=yes -o BatchMode=yes -o ConnectTimeout=15"
  ssh+=" -o UserKnownHostsFile=/etc/berth/$name/known_hosts -o StrictHostKeyChecking=yes"
  logged as_owner git init -q .
  logged as_owner env GIT_TERMINAL_PROMPT=0 GIT_SSH_COMMAND="$ssh" git fetch -q --depth 1 "$git_url" "$git_commit" ||
    fail "the host could not fetch $git_commit from $git_url." "Its last lines are above. The host itself must reach the git server, and a repository that is reached by SSH must know the stack's deploy key."
  logged as_owner git -c advice.detachedHead=false checkout -q FETCH_HEAD
  rm -rf "$directory/.git"
  if [ "$git_path" != . ]; then
    [ -d "$directory/$git_path" ] || fail "$git_url has no directory '$git_path' (berth:app.source.path) at $git_commit."
    logged as_owner sh -c "mkdir .berth-part && mv -- \"\$1\" .berth-part/app && find . -mindepth 1 -maxdepth 1 ! -name .berth-part -exec rm -rf {} + && find .berth-part/app -mindepth 1 -maxdepth 1 -exec mv -t . {} + && rm -rf .berth-part" sh "$git_path"
  fi
}

if [ ! -e "$directory/.berth/prepared" ]; then
  refuse_full_disk
  rm -rf "$directory"
  put_directory "$directory" "$owner:$name" 2750
  say "fetching the code of release $release"
  if [ -n "$git_url" ]; then fetch_git; else fetch_archive; fi

  module=$directory/${wsgi_module//./\/}
  [ -e "$module.py" ] || [ -e "$module/__init__.py" ] ||
    fail "this source has no module '$wsgi_module' (berth:app.wsgi): neither ${wsgi_module//./\/}.py nor a package of that name."

  install_dependencies
  build_frontend
  logged as_owner "$venv/bin/python" -m compileall -q -x '/(\.venv|node_modules)/' . || true
  as_owner mkdir -p .berth
  printf 'BERTH_RELEASE=%s\nBERTH_RELEASED_AT=%s\nSTATIC_ROOT=%s\n' "$release" "$(date -u +%FT%TZ)" "$root/static/$release" |
    put_file "$directory/.berth/env" "$owner:$name" 0640
  sync -f "$directory"
  : >"$directory/.berth/prepared"
  # Each release brings an archive of its own; those of older ones are in nobody's way but the disk's.
  if [ -n "$archive" ]; then
    find "$engine_home" -maxdepth 1 -name ".berth-$name-*.tar" ! -name "$archive" -delete
  fi
fi

[ -x "$venv/bin/gunicorn" ] || fail "the release has no gunicorn; its directory $directory is damaged." "Remove it and run 'pulumi up' again."
if runuser -u "$name" -- test -w "$directory"; then fail "the service account '$name' can write the code of the release."; fi
runuser -u "$name" -- test -r "$directory/.berth/env" || fail "the service account '$name' cannot read the release."
