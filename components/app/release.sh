: "${archive?the archive of a local source, in the home of the account of the engine; empty for git}"
: "${archive_sha256?its SHA-256 checksum}"
: "${git_url?the URL of the git repository; empty for a local source}"
: "${git_commit?the commit}"
: "${git_path?the directory of the application in the repository}"
: "${wsgi_module?the module of the WSGI application}"
: "${kept?not empty when the release must be one that the host has kept}"
: "${django?the settings module of a Django application; empty for another}"
: "${static?the directory of static files in the release; empty for none}"
: "${process_names?the names of all processes of the stack, those on other hosts included}"

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
  as_owner rm -rf .git
  if [ "$git_path" != . ]; then
    [ -d "$directory/$git_path" ] || fail "$git_url has no directory '$git_path' (berth:app.source.path) at $git_commit."
    logged as_owner sh -c "mkdir .berth-part && mv -- \"\$1\" .berth-part/app && find . -mindepth 1 -maxdepth 1 ! -name .berth-part -exec rm -rf {} + && find .berth-part/app -mindepth 1 -maxdepth 1 -exec mv -t . {} + && rm -rf .berth-part" sh "$git_path"
  fi
}

# refuse_special: what is neither a file, a directory nor a link would keep whoever reads it waiting, and a link that
# leads out of the release would show what the release is not.
refuse_special() {
  local found next="Take it out of the source, or out of what its build makes."
  found=$(as_owner find . ! -type f ! -type d ! -type l -print -quit)
  [ -z "$found" ] || fail "the release has $found, which is neither a file, a directory nor a link." "$next"
  # shellcheck disable=SC2016  # The inner shell's own.
  found=$(as_owner find . -type l ! -path ./.venv -exec sh -c 'realpath -mz --relative-base="$PWD" -- "$@"' sh {} + | { grep -zm 1 ^/ || true; } | tr -d '\0')
  [ -z "$found" ] || fail "the release has a link that leads out of it, to $found." "$next"
}

# check_procfile: what the stack names and what the release's Procfile has fit together. A release that is gone back to
# runs what it can.
check_procfile() {
  local process kind source reason
  for process in $(procfile_names); do
    case " web release $process_names " in *" $process "*) continue ;; esac
    reason="its Procfile has a process '$process', which the stack does not name"
    if [ -n "$kept" ]; then
      say "release $release: $reason; it is not run"
    else
      fail "release $release cannot be run: $reason." "Add '$process: {kind: $(kind_of "$(procfile_line "$process")")}' to berth:app.processes, or take the line out."
    fi
  done
  [ -n "$processes" ] || return 0
  while read -r process kind _ _ _ _ source; do
    [ "$source" = procfile ] || continue
    reason=$(unfit "$process" "$kind")
    if [ -z "$reason" ]; then continue; fi
    if [ -n "$kept" ]; then
      say "release $release: $reason; it is not run"
    else
      fail "release $release cannot be run: $reason." "Look at berth:app.processes.$process: 'command' or 'kind' there."
    fi
  done <<<"$processes"
}

collect_static() {
  local target=$root/static/$release source=
  discard "$target"
  put_directory "$target" "$owner:www-data" 2755
  if [ -n "$static" ]; then
    source=$directory/$static
    [ -d "$source" ] || fail "the release has no directory '$static' (berth:app.static)."
    logged runuser -u "$owner" -- sh -c 'umask 022; cp -r -- "$1/." "$2/"' sh "$source" "$target" || fail "the static files cannot be copied."
  fi
  if [ -n "$django" ]; then ask_django; fi
  # Compressed once, here, and not at every request.
  to_compress "$root/static/$came_from" "$target" |
    runuser -u "$owner" -- sh -c 'umask 022; xargs -0r -n 16 -P "$(nproc)" sh -c "gzip -9knf -- \"\$@\" && brotli -q 9 -kf -- \"\$@\"" sh' >>"$log" 2>&1 ||
    { refuse_full_disk; fail "the static files cannot be compressed."; }
}

# to_compress BEFORE NOW: the files that are worth it, each ended by a zero byte. One that is the same in the release
# before has its compressed forms already, and gets them by a further name.
to_compress() {
  runuser -u "$owner" -- /usr/bin/python3 - "$1" "$2" 2>>"$log" <<'END'
import filecmp, os, sys

before, now = sys.argv[1:]
kinds = (".css", ".js", ".mjs", ".svg", ".json", ".txt", ".xml", ".map", ".html")
forms = (".gz", ".br")


def has_forms_of(old, new):
    try:
        if not filecmp.cmp(old, new, shallow=False):
            return False
        for form in forms:
            os.link(old + form, new + form)
        return True
    except OSError:
        return False


for folder, _, names in os.walk(now):
    for name in names:
        path = os.path.join(folder, name)
        if name.endswith(kinds) and os.path.getsize(path) > 1024 and not os.path.islink(path):
            if not has_forms_of(os.path.join(before, os.path.relpath(path, now)), path):
                sys.stdout.buffer.write(os.fsencode(path) + b"\0")
END
}

# ask_django: what 'check --deploy' finds, what is to be migrated, and the static files, in one process.
ask_django() {
  local questions=(check migrations) out=$ledger/django.out status=0
  [ -n "$static" ] || questions+=(static)
  settled_unit "$owner" -p UMask=0022 "$venv/bin/python" "/usr/local/lib/berth/$name/django-release.py" "${questions[@]}" \
    >"$out" 2> >(mask >>"$log") </dev/null 9>&- || status=$?
  grep -v '^has the migration: ' "$out" | mask | tee -a "$log" >&2 2>/dev/null || true
  if [ "$status" = 0 ]; then
    sed -n 's/^has the migration: //p' "$out" | put_file "$facts/$release/migrations" root:root 0600
    printf '%s %s %s\n' "$release" "$(settings_digest)" "$(grep -c '^to migrate: ' "$out" || true)" >"$ledger/plan"
    rm -f "$out"
    return 0
  fi
  rm -f "$out"
  tail -n 40 "$log" >&2 2>/dev/null || true
  refuse_full_disk
  case $status in
  3) fail "Django's check --deploy failed." "Its last lines are above; nothing that runs was changed." ;;
  4) fail "Django's migrations cannot be listed." "Its last lines are above; nothing that runs was changed." ;;
  *) fail "Django's collectstatic failed." "Its last lines are above; nothing that runs was changed." ;;
  esac
}

# make_room: what earlier runs left without ever having served goes; so the disk holds no more than the releases that
# are kept, and one.
make_room() {
  local one
  for one in "$root"/releases/*/; do
    one=$(basename "$one")
    case $one in "$release" | "$(live_release)" | '*') continue ;; esac
    proven "$one" || in_use "$one" || forget "$one"
  done
}

kept_releases() {
  local one
  for one in "$root"/releases/*/; do
    one=$(basename "$one")
    if proven "$one"; then printf '%s\n' "$one"; fi
  done | paste -sd' '
}

mask_settings
if [ -n "$kept" ] && ! is "$release" prepared; then
  fail "this host has not kept release $release (berth:app.release); it has: $(kept_releases)." "Name one of these, or take berth:app.release out and deploy its source."
fi
if ! is "$release" prepared; then
  recorded
  refuse_full_disk
  make_room
  forget "$release"
  mkdir "$facts/$release"
  put_directory "$directory" "$owner:$name" 2750
  say "fetching the code of release $release"
  if [ -n "$git_url" ]; then fetch_git; else fetch_archive; fi
  refuse_special
  if as_owner test -f Procfile; then as_owner cat Procfile | put_file "$facts/$release/Procfile" root:root 0600; fi

  check_procfile
  if grep -qx web < <(procfile_names); then say "the Procfile's line 'web' is not run: $server serves the application, as berth:app says"; fi
  module=$directory/${wsgi_module//./\/}
  [ -e "$module.py" ] || [ -e "$module/__init__.py" ] ||
    fail "this source has no module '$wsgi_module' (berth:app.wsgi): neither ${wsgi_module//./\/}.py nor a package of that name."

  install_dependencies
  build_frontend
  logged as_owner "$venv/bin/python" -m compileall -q -x '/(\.venv|node_modules)/' . || true
  printf 'BERTH_RELEASE=%s\nBERTH_RELEASED_AT=%s\nSTATIC_ROOT=%s\n' "$release" "$(date -u +%FT%TZ)" "$root/static/$release" |
    put_file "$facts/$release/env" root:root 0600
  printf '%s\n' "$git_commit" | put_file "$facts/$release/commit" root:root 0600
  printf '%s\n' "$server" | put_file "$facts/$release/server" root:root 0600
  refuse_special
  collect_static
  sync -f "$directory"
  : >"$facts/$release/prepared"
  # Each release brings an archive of its own; those of older ones are in nobody's way but the disk's.
  if [ -n "$archive" ]; then
    find "$engine_home" -maxdepth 1 -name ".berth-$name-*.tar" ! -name "$archive" -delete
  fi
fi

[ -x "$venv/bin/$(server_of "$release")" ] || fail "the release has no $(server_of "$release"); its directory $directory is damaged." "Remove it and run 'pulumi up' again."
for place in "$directory" "$venv/"; do
  if runuser -u "$name" -- test -w "$place"; then fail "the service account '$name' can write the code of the release, $place."; fi
done
runuser -u "$name" -- test -x "$directory/" || fail "the service account '$name' cannot read the release."

if [ -n "$kept" ]; then check_procfile; fi

# Going back does not undo migrations; so it is said which there are that this release does not know.
live=$(live_release)
if [ "$live" != "$release" ] && [ -e "$facts/$live/migrations" ] && [ -e "$facts/$release/migrations" ]; then
  since=$(comm -23 "$facts/$live/migrations" "$facts/$release/migrations" | paste -sd' ')
  [ -z "$since" ] || say "release $live has migrations that release $release does not know: $since. They stay applied; undo them with '$name-manage migrate' before, or be sure that $release can live with them."
fi
