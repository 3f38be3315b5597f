: "${name?the name of the application}"
: "${owner?the account that owns the files}"
: "${root?the directory of the application}"
: "${release?the id of the release}"
: "${secret_names?the names of the settings that are secret, one after the other}"

directory=$root/releases/$release
venv=$directory/.venv
home=$(getent passwd "$owner" | cut -d: -f6)
began=$(date +%s)
# What is known of releases lies in root's own directory, where what a release brings or builds reaches nothing: those
# that failed, the record of all of them, the plan of the last one, and of each that there is its facts.
ledger=$state/app-$name
facts=$ledger/releases
dumps=/var/backups/berth/$name
# The directory of the instance that boots, by a link: of all links the one that counts.
instances=$root/config/web
run=/run/$name
(umask 077 && mkdir -p "$ledger/bad" "$facts")

# as_owner COMMAND…: as the account that owns the files, in the release, with a clean environment.
as_owner() {
  runuser -u "$owner" -- env -i -C "$directory" HOME="$home" USER="$owner" LANG=C.UTF-8 \
    PATH="$venv/bin:/usr/local/bin:/usr/bin:/bin" \
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
    -p WorkingDirectory="$directory" -p EnvironmentFile="$root/config/env" -p EnvironmentFile="$facts/$release/env" \
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
  if [ -n "$instance" ]; then printf '%s\n' "${instance%.*}"; fi
}

# server_of RELEASE: gunicorn or uwsgi, as it was prepared.
server_of() { cat "$facts/$1/server"; }

# is RELEASE FACT: what it is and where it lies must both be there: somebody may have removed its directory.
is() { [ -e "$facts/$1/$2" ] && [ -d "$root/releases/$1" ]; }
# proven RELEASE: it has served, and was well.
proven() { is "$1" proven; }

# discard DIRECTORY: first out of reach of its owner, who could fill it again while it goes.
discard() {
  local place=$root/.gone/$BASHPID-$RANDOM
  [ -d "$1" ] || return 0
  mv -T "$1" "$place"
  rm -rf "$place" 2>>"$log" || true
}

# forget RELEASE: all that there is of it.
forget() {
  discard "$root/releases/$1"
  discard "$root/static/$1"
  rm -rf "${facts:?}/$1" "${dumps:?}/$1.dump"
}

# in_use RELEASE: an instance of it runs, one of its processes still finishes, or what a timer started.
in_use() {
  local link
  # A process may end while it is looked at.
  if grep -q . < <(find /proc/[0-9]*/cwd -maxdepth 0 -lname "$root/releases/$1*" 2>/dev/null || true); then return 0; fi
  for link in "$instances"/*/release; do
    if [ "$(readlink "$link" || true)" = "$root/releases/$1" ]; then return 0; fi
  done
  return 1
}

# note RESULT: a line in the host's record of releases (docs/releases.md).
note() {
  local who=${SUDO_USER:-root} from commit
  commit=$(cat "$facts/$release/commit" 2>/dev/null || printf '%s\n' "${git_commit:-}")
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
