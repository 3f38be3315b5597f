set -eu; umask 077
step=$(mktemp /dev/shm/berth-app-live.XXXXXXXX)
cat >"$step" <<'BERTH_STEP_END'
rm -f "$0"
step='app-live'
name='shop'
owner='deployer'
root='/srv/shop'
release='b9732f9ff9-cb31'
django='shop.settings'
web='yes'
processes=''
kinds='celery-beat (^|[ /.])celery( .*)? beat( |$)
celery (^|[ /.])celery( .*)? worker( |$)
huey (^|[ /.])(huey_consumer(\.py)?|run_huey|djangohuey)( |$)
rq (^|[ /.])(rq( .*)? worker(-pool)?|rqworker(-pool)?)( |$)'
release_command=''
health='/health'
domain='192.0.2.7'
scheme='https'
timeout='60'
secret_names='API_TOKEN DATABASE_URL REDIS_URL SECRET_KEY'
unit_text='ec5598f90a39ffa7'
kept=''
retry=''
keep='5'
dump='yes'
settings='5d4e0fa98a736584'
if [ ! -r /var/lib/berth/library/DIGEST.sh ]; then echo 'berth: app-live: /var/lib/berth/library/DIGEST.sh is gone from this host. Run '\''pulumi up'\'' with --replace for the step that connects, which puts it back.' >&2; exit 1; fi
. /var/lib/berth/library/DIGEST.sh
begin 'SECRET_KEY DATABASE_URL REDIS_URL API_TOKEN DATABASE_URL-password REDIS_URL-password'

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

# An instance's file 'units' names the units of its processes, one a line: the unit, its process, 'alone' or 'beside'.
# It is written before one of them starts, and goes when none runs any more (tidy.sh.liquid).

# When those that were started last were, and what they had computed when they were looked at last, in milliseconds.
started=0 computed=0

units_of() { cat "$instances/$1/units" 2>/dev/null || true; }

# command_of PROCESS KIND SOURCE: what runs, as the text of a shell; nothing where the release has nothing to run. The
# process that systemd watches must be the command itself.
command_of() {
  local command
  if [ "$3" = configured ]; then
    command=$(cat "/etc/berth/$name/processes/$1")
  elif [ -n "$(unfit "$1" "$2")" ]; then
    return 0
  else
    command=$(procfile_line "$1")
  fi
  # shellcheck disable=SC2016  # The unit's own variable.
  if [ "$2" = celery-beat ] && ! grep -qE ' (-s|-S|--schedule|--scheduler)([ =]|$)' <<<"$command"; then
    command+=' --schedule "$STATE_DIRECTORY/celerybeat-schedule"'
  fi
  printf 'exec bash -c %s\n' "${command@Q}"
}

# put_processes INSTANCE: what its units read.
put_processes() {
  local place=$instances/$1 process kind count way source number units='' text
  [ -n "$processes" ] || return 0
  put_directory "$place/processes" "root:$name" 0750
  while read -r process kind count way _ _ source; do
    text=$(command_of "$process" "$kind" "$source")
    if [ -z "$text" ]; then continue; fi
    put_file "$place/processes/$process" "root:$name" 0640 <<<"$text"
    units+="$name-$process@$1.service $process $way"$'\n'
    for ((number = 2; number <= count; number++)); do
      put_link "$instances/$1.$number" "$1"
      units+="$name-$process@$1.$number.service $process $way"$'\n'
    done
  done <<<"$processes"
  printf '%s' "$units" | put_file "$place/units" root:root 0644
}

# all_active UNIT…: each of them runs.
all_active() { [ "$#" = 0 ] || ! grep -qvx active < <(systemctl is-active "$@"); }

# elsewhere PROCESS: the instance on which it runs and is left, though this release is another: 'onRelease: keep'. It is
# not left when its command or count is another now.
elsewhere() {
  local place one units
  grep -qE "^$1 [^ ]+ [^ ]+ [^ ]+ keep " <<<"$processes" || return 0
  for place in "$instances"/*/units; do
    one=$(basename "$(dirname "$place")")
    if [ "$one" = "$instance" ] || [ -L "$instances/$one" ]; then continue; fi
    mapfile -t units < <(awk -v process="$1" '$2 == process { print $1 }' "$place")
    if [ "${#units[@]}" != 0 ] && [ "${#units[@]}" = "$(units_of "$instance" | awk -v process="$1" '$2 == process' | wc -l)" ] &&
      cmp -s "$instances/$one/processes/$1" "$instances/$instance/processes/$1" && all_active "${units[@]}"; then
      printf '%s\n' "$one"
      return 0
    fi
  done
}

# wanted_units WAY: those that must run of this release.
wanted_units() {
  local unit process way
  while read -r unit process way; do
    if [ "$way" = "$1" ] && [ -z "$(elsewhere "$process")" ]; then printf '%s\n' "$unit"; fi
  done < <(units_of "$instance")
}

# unwanted_units INSTANCE [WAY]: those of another instance that must not run any more.
unwanted_units() {
  local unit process way
  while read -r unit process way; do
    if [ "${2:-$way}" = "$way" ] && [ "$(elsewhere "$process")" != "$1" ]; then printf '%s\n' "$unit"; fi
  done < <(units_of "$1")
}

# finishing UNIT…: those that were told to end, and have not. A socket goes with its server.
finishing() {
  [ "$#" != 0 ] || return 0
  systemctl show -p Id,ActiveState "$@" | awk 'BEGIN { RS = ""; FS = "\n" }
    !/ActiveState=(inactive|failed)/ { sub(/.*Id=/, ""); sub(/\n.*/, ""); if (!/\.socket$/) print }'
}

# start_units UNIT…: and does not wait.
start_units() {
  [ "$#" != 0 ] || return 0
  started=$(milliseconds) computed=0
  systemctl reset-failed "$@" 2>/dev/null || true
  logged systemctl start --no-block "$@"
}

# stop_units UNIT…: tells them to take no more tasks, finish what they do, and end; does not wait.
stop_units() { [ "$#" = 0 ] || systemctl stop --no-block "$@" >>"$log" 2>&1 9>&- || true; }

# ended UNIT…: none of them is there any more.
ended() { [ "$#" = 0 ] || ! grep -qvxE 'inactive|failed|unknown' < <(systemctl is-active "$@"); }

# returning UNIT…: those that were told to end, are gone back to before they have, and start when they have.
returning() {
  [ "$#" != 0 ] || return 0
  systemctl show -p Id,ActiveState,Job "$@" | awk 'BEGIN { RS = ""; FS = "\n" }
    /ActiveState=deactivating/ && /Job=[1-9]/ { sub(/.*Id=/, ""); sub(/\n.*/, ""); print }'
}

# fallen UNIT…: the first that has ended by itself. One with a job is about to start: systemd has not come to it yet, or
# it is returning.
fallen() {
  [ "$#" != 0 ] || return 0
  systemctl show -p Id,NRestarts,ActiveState,SubState,Job "$@" | awk 'BEGIN { RS = ""; FS = "\n" }
    /ActiveState=(inactive|failed|deactivating)/ && /Job=[1-9]/ { next }
    !bad && (/NRestarts=[1-9]/ || /SubState=auto-restart/ || !/ActiveState=(active|activating)/) { sub(/.*Id=/, ""); sub(/\n.*/, ""); bad = $0 }
    END { print bad }'
}

# starting UNIT…: whether they, started at $started, still start up: for 0.7 s, and then for as long as they compute.
# Those that already work do so for as long as there is work, and five seconds are enough.
starting() {
  local age=$(($(milliseconds) - started)) before=$computed
  [ "$#" != 0 ] && [ "$age" -lt 5000 ] || return 1
  computed=$(systemctl show -P CPUUsageNSec "$@" | awk '{ sum += $1 } END { printf "%d", sum / 1000000 }')
  [ "$age" -lt 700 ] || [ "$((computed - before))" -ge 25 ]
}

# settle UNIT…: waits until they have started up.
settle() { while starting "$@" && [ -z "$(fallen "$@")" ]; do sleep 0.1; done; }

# shelled UNIT…: the first whose main process is a shell that waits for the command, and would pass on no signal to it.
shelled() {
  local unit main
  for unit in "$@"; do
    main=$(systemctl show "$unit" -P MainPID)
    case $(cat "/proc/$main/comm" 2>/dev/null) in
    bash | dash | sh) if pgrep -P "$main" >/dev/null; then printf '%s\n' "$unit" && return 0; fi ;;
    esac
  done
}

# drop_units: the units of processes that there are no more. One that still finishes keeps its settings until then, when
# they are tidied up.
drop_units() {
  local file process here=/etc/systemd/system
  for file in "$here/$name"-*@.service; do
    process=${file#"$here/$name-"}
    process=${process%@.service}
    if ! grep -qxF "# Berth: the process $process of the application $name." < <(head -n 1 "$file" 2>/dev/null) ||
      grep -q "^$process " <<<"$processes"; then
      continue
    fi
    if ! ended "$name-$process@*.service"; then
      mkdir -p /run/systemd/system
      cp "$file" "/run/systemd/system/"
    fi
    take_away "$file"
  done
  daemon_reload_if_changed
}

: "${health?the path that answers 200 when the application is well}"
: "${domain?the name that the site is asked by}"
: "${scheme?http or https}"
: "${timeout?how long a request may take, in seconds}"
: "${web?not empty where the web server runs, and not only processes}"

socket_of() { printf '%s/web-%s.sock\n' "$run" "$1"; }
unit_of() { printf '%s-web@%s\n' "$name" "$1"; }

# answer SECONDS SOCKET: the status with which the application answers there; 000 when it does not.
answer() {
  curl -s -o /dev/null -m "$1" -w '%{http_code}' --unix-socket "$2" -H "X-Forwarded-Proto: $scheme" "http://$domain$health" || true
}
well() { [ "$(answer 10 "$1")" = 200 ]; }

# front: the status at the front door, through nginx.
front() {
  curl -sk -o /dev/null -m 10 -w '%{http_code}' --resolve "$domain:443:127.0.0.1" --resolve "$domain:80:127.0.0.1" "$scheme://$domain$health" || true
}

# waiting SOCKET: how many connections wait there to be taken: for a listening Unix socket ss(8) shows them as Recv-Q.
waiting() { ss -Hxl | awk -v path="$1" '$5 == path { count += $3 } END { print count + 0 }'; }

# others INSTANCE: all but this one, by what runs of them and by what lies on the disk.
others() {
  {
    systemctl list-units --all --plain --no-legend --state=active,activating,deactivating,reloading,failed "$name-web@*.service" "$name-web@*.socket" |
      sed -n 's/^[^@]*@\(.*\)\.\(service\|socket\) .*/\1/p'
    find "$instances" -mindepth 1 -maxdepth 1 -type d -printf '%f\n' 2>/dev/null || true
  } | sort -u | { grep -vxF "$1" || true; }
}

# server_settings RELEASE: the file with the settings of the server that it was prepared with.
server_settings() {
  case $(server_of "$1") in
  uwsgi) printf '%s\n' "/etc/berth/$name/uwsgi.ini" ;;
  *) printf '%s\n' "/etc/berth/$name/gunicorn.py" ;;
  esac
}

# put_instance INSTANCE: its directory: the code by a link, the settings as they are now. What runs keeps its own.
put_instance() {
  local place=$instances/$1 from to
  from=$(server_settings "${1%.*}")
  to=$place/$(basename "$from")
  put_directory "$instances" "root:$name" 0750
  put_directory "$place" "root:$name" 0750
  put_link "$place/release" "$root/releases/${1%.*}"
  put_file "$place/env" "root:$name" 0640 <"$root/config/env"
  if [ -n "$web" ]; then put_file "$to" "root:$name" 0640 <"$from"; fi
  put_processes "$1"
}

# gone SERVICE: it neither runs nor is about to.
gone() { case $(systemctl show "$1" -P ActiveState) in inactive | failed) ;; *) return 1 ;; esac; }

# none_waits INSTANCE: at the socket of its server.
none_waits() { [ "$(waiting "$(socket_of "$1")")" = 0 ]; }

# server_units INSTANCE: its server and, which stops after it and would start it again, its socket.
server_units() { printf '%s\n' "$(unit_of "$1").service" "$(unit_of "$1").socket"; }

# retire_single: the service of Berth 0.1, which was one for all releases. Its socket has lost its path to the link.
retire_single() {
  local old=$name-web
  [ -e "/etc/systemd/system/$old.service" ] || return 0
  none_waits_there() { [ "$(waiting "$run/web.sock")" = 0 ]; }
  wait_until "$timeout" none_waits_there || true
  systemctl disable --quiet "$old.service" "$old.socket" 2>/dev/null || true
  systemctl stop "$old.socket" "$old.service" >>"$log" 2>&1 || true
  take_away "/etc/systemd/system/$old.service" "/etc/systemd/system/$old.socket" "$run/web-single.sock"
  logged systemctl daemon-reload
}

# give_back INSTANCE: nobody is sent there any more, and what waits at its socket goes to the instance that serves:
# systemd hands the socket on to its proxy (systemd-socket-proxyd(8)).
give_back() {
  local unit drop
  unit=$(unit_of "$1")
  drop=/run/systemd/system/$unit.service.d
  mkdir -p "$drop"
  cat >"$drop/give-back.conf" <<END
[Service]
Type=notify
User=www-data
Group=www-data
WorkingDirectory=/
EnvironmentFile=
ExecStart=
ExecStart=/usr/lib/systemd/systemd-socket-proxyd --exit-idle-time=2s $run/web.sock
Restart=no
END
  systemctl daemon-reload
  systemctl stop "$unit.service" >>"$log" 2>&1 9>&- || true
  finished() { [ "$(waiting "$(socket_of "$1")")" = 0 ] && gone "$(unit_of "$1").service"; }
  wait_until "$timeout" finished "$1" || true
  systemctl stop "$unit.socket" "$unit.service" >>"$log" 2>&1 || true
  systemctl reset-failed "$unit.service" "$unit.socket" 2>/dev/null || true
  rm -rf "$drop"
  systemctl daemon-reload
}

# keep_single: the socket of Berth 0.1's service gets a second name, by which it can be gone back to.
keep_single() {
  if [ -S "$run/web.sock" ] && [ ! -L "$run/web.sock" ]; then ln -fT "$run/web.sock" "$run/web-single.sock"; fi
}

# lead_to INSTANCE: from the next connection on nginx asks there. One rename.
lead_to() {
  local of=${1%.*}
  if [ "$1" = single ]; then of=$(basename "$(readlink "$root/current")"); fi
  if [ -d "$root/static/$of" ]; then put_link "$root/static/current" "$root/static/$of"; fi
  put_link "$run/web.sock" "web-$1.sock"
}

: "${django?the settings module of a Django application; empty for another}"
: "${settings?changes when a setting that is not secret does}"
: "${unit_text?changes when the unit or the settings of the server do}"
: "${kept?not empty when the release is one that the host has kept}"
: "${retry?a release that is tried again though it has failed; empty for none}"
: "${keep?how many releases that were well are kept}"
: "${release_command?what migrates in place of the usual command; empty for the line of the Procfile, if it has one}"
: "${dump?not empty when the database is dumped before it is migrated}"

# running_text: all that decides how an instance runs, beside its code.
running_text() {
  local process source
  cat "$root/config/env"
  if [ -n "$web" ]; then cat "/etc/systemd/system/$name-web@.service" "$(server_settings "$release")"; fi
  [ -n "$processes" ] || return 0
  printf '%s\n' "$processes"
  while read -r process _ _ _ _ _ source; do
    cat "/etc/systemd/system/$name-$process@.service"
    if [ "$source" = configured ]; then cat "/etc/berth/$name/processes/$process"; fi
  done <<<"$processes"
}

instance=$release.$(running_text | sha256sum | cut -c1-6)
unit=$(unit_of "$instance")
socket=$(socket_of "$instance")
bad=$ledger/bad/$instance
before=$(live_instance)
switched='' beside=() alone=() old=()
# A host of Berth 0.1 has one service for all releases.
if [ -n "$web" ] && [ -z "$before" ] && [ -e "/etc/systemd/system/$name-web.service" ]; then before=single; fi

# proven_so: the release has been well, and where it has processes, it was with these settings: another command of a
# worker, or another password, is a start like the first.
proven_so() { proven "$release" && { [ -z "$processes" ] || grep -qxF "${instance##*.}" "$directory/.berth/proven"; }; }

# last_words UNIT: what it printed since this step began. gunicorn puts some thirty lines of its own below the
# application's exception.
last_words() { journalctl -u "$1" --since "@$began" -o cat --no-pager 2>/dev/null | tail -n 80 | mask; }

# refuse REASON WORDS NEXT: this instance is not tried again by itself. A full disk is not its fault.
refuse() {
  refuse_full_disk
  (umask 077 && printf '%s\n%s\n' "$1" "$2" >"$bad") 2>/dev/null || true
  fail "$1" "$3"
}

# serving: what people see now.
serving() {
  if [ -n "$before" ]; then
    printf 'It did not go live; %s, the release before, still serves.\n' "$(live_release)"
  else
    printf 'Its log: journalctl -u %s\n' "$1"
  fi
}

# fall_back UNIT REASON: the new instance goes, and what it had at hand goes to the one before.
fall_back() {
  local words next
  words=$(last_words "$1")
  printf '%s\n' "$words" >&2 2>/dev/null || true
  # The one that is live already, which has fallen ill: there is no other.
  if [ "$instance" = "$before" ]; then fail "the application is not well: $2" "Its log: journalctl -u $1"; fi
  next=$(serving "$1")
  if [ -n "$switched" ]; then
    next="It was well before the switch.${before:+ $(live_release), the release before, serves again.}"
    if [ -n "$web" ] && [ -n "$before" ]; then lead_to "$before"; else rm -f "$run/web.sock"; fi
  fi
  take_back
  if [ -n "$web" ]; then give_back "$instance"; fi
  rm -f "$run/before.sock"
  leave "$instance" "${beside[@]}" "${alone[@]}"
  tidy_up
  refuse "release $release is not well: $2" "$words" "$next"
}

# not_well CODE: with which the health path was answered.
not_well() {
  local answered="answers $1"
  if [ "${1:-000}" = 000 ]; then answered="does not answer"; fi
  fall_back "$unit.service" "$health $answered, and 200 was expected."
}

# process_of UNIT: its name in the configuration.
process_of() { sed "s/^$name-//; s/@.*//" <<<"$1"; }

# not_up UNIT: a process that does not stay up.
not_up() {
  fall_back "$1" "its process '$(process_of "$1")' ended by itself, and it was expected to stay up."
}

# no_signal UNIT: a process that could not be told to finish what it does.
no_signal() {
  fall_back "$1" "the command of its process '$(process_of "$1")' leaves a shell waiting for it, which passes on no signal; one program was expected, or a command that ends with 'exec PROGRAM'."
}

# How many migrations this release would apply: as app-release has just found, or asked anew.
migrations_to_apply() {
  local plan
  plan=$({ find "$ledger/plan" -mmin -10 | xargs -r cat; } 2>/dev/null || true)
  case $plan in
  "$release $(settings_digest) "*) to_apply=${plan##* } ;;
  *)
    plan=$(settled_unit "$name" "$venv/bin/python" "/usr/local/lib/berth/$name/django-release.py" migrations 2> >(mask | tee -a "$log" >&2) </dev/null 9>&-) ||
      fail "Django's migrations cannot be listed." "Its last lines are above; the site still runs the release before."
    to_apply=$(grep -c '^to migrate: ' <<<"$plan" || true)
    ;;
  esac
}

# A dump that is there is of before the first try, and stays.
dump_database() {
  local from=("/usr/local/lib/berth/$name/database_dump.py")
  [ -n "$dump" ] && [ ! -e "$dumps/$release.dump" ] || return 0
  if [ -n "$django" ]; then
    from=("/usr/local/lib/berth/$name/django-release.py" dump)
  elif ! grep -qE "^DATABASE_URL=['\"]?postgres" "$root/config/env"; then
    return 0
  fi
  (umask 077 && mkdir -p "$dumps")
  chmod 0700 /var/backups/berth "$dumps"
  if ! (umask 077 && settled_unit "$name" "$venv/bin/python" "${from[@]}" \
    >"$dumps/.$release" 2> >(mask | tee -a "$log" >&2) </dev/null 9>&-); then
    rm -f "$dumps/.$release"
    refuse_full_disk
    fail "the database could not be dumped, and so it was not migrated." "Its last lines are above. berth:app.dumpBeforeMigrate: false goes on without."
  fi
  mv -fT "$dumps/.$release" "$dumps/$release.dump"
}

# migrate: Django's own command when it has something to do; in its place the release's command, always.
migrate() {
  local from to_apply=1 status=0 what="Django's migrate" command=("$venv/bin/python" -m django migrate --noinput --verbosity 1)
  local line=$release_command
  [ -n "$web" ] && [ -z "$kept" ] || return 0
  [ -n "$line" ] || line=$(procfile_line release)
  [ -n "$django$line" ] || return 0
  if [ -n "$django" ]; then migrations_to_apply; fi
  if [ -n "$line" ]; then
    what="the release's command '$line'"
    command=(/bin/bash -c "$line")
  elif [ "$to_apply" = 0 ]; then
    return 0
  fi
  if [ "$to_apply" != 0 ]; then dump_database; fi
  from=$(($(wc -l <"$log") + 1))
  # A migration that would wait for a table holds up everyone who comes after it: it gives up instead.
  in_unit "$name" --setenv="PGOPTIONS=-c lock_timeout=5s" --setenv="PATH=$venv/bin:/usr/local/bin:/usr/bin:/bin" "${command[@]}" || status=$?
  rm -f "$ledger/plan"
  [ "$status" != 0 ] || return 0
  if grep -q 'canceling statement due to lock timeout' < <(tail -n "+$from" "$log"); then
    fail "$what waited 5 s for a table that another transaction holds, and gave up." "The site still runs the release before. Run 'pulumi up' again when the table is free: 'SELECT * FROM pg_locks' shows who holds it."
  fi
  refuse "$what failed." "$(tail -n "+$from" "$log" | tail -n 40)" "Its last lines are above; the site still runs the release before."
}

# server_ids: the server's processes, by their ids.
server_ids() {
  local main
  main=$(systemctl show "$unit.service" -P MainPID)
  printf '%s\n' "$main"
  pgrep -P "$main" || true
}
# crashed: one of those that there were is gone.
crashed() { [ -n "$(comm -23 <(sort <<<"$seen") <(server_ids | sort))" ]; }
# restarted: it has ended by itself, and systemd has started it again, or is about to.
restarted() { grep -qE '^(NRestarts=[1-9]|SubState=auto-restart|ActiveState=failed)' < <(systemctl show "$unit.service" -p NRestarts,SubState,ActiveState); }

# start_server: its socket, and the server itself, for which nobody waits here.
start_server() {
  mkdir -p "$run"
  systemctl reset-failed "$unit.service" 2>/dev/null || true
  logged systemctl start "$unit.socket" || fail "the socket $socket cannot be made."
  logged systemctl start --no-block "$unit.service"
}

# await_server UNIT…: until it answers; each of its workers has then loaded what a request needs before people come.
await_server() {
  local code=000
  # A connection that nobody takes would keep the question waiting.
  settled() {
    if restarted; then code=000 && return 0; fi
    code=$(answer 2 "$socket")
    [ "$code" = 200 ]
  }
  wait_until 40 settled || code=$(answer 10 "$socket")
  if [ "$code" != 200 ]; then not_well "$code"; fi
  # Several at once.
  for _ in 1 2 3 4 5 6 7 8; do answer 20 "$socket" & done >/dev/null 9>&-
  # What the units compute is looked at from here on.
  starting "$@" || true
  wait
  seen=$(server_ids)
}

start_beside() {
  local fallen shell early
  # One that is gone back to may still finish what it has begun when it was live.
  if [ -e "$instances/$instance" ]; then
    finished() { [ "$(systemctl show "$unit.service" -P ActiveState)" != deactivating ]; }
    wait_until "$((timeout + 15))" finished ||
      fail "$unit.service, which is gone back to, still ends." "See 'systemctl status $unit.service' on the host, then run 'pulumi up' again."
  fi
  put_instance "$instance"
  mapfile -t beside < <(wanted_units beside)
  mapfile -t alone < <(wanted_units alone)
  mapfile -t old < <(unwanted_alone)
  # What has been well before starts all at once. Of any other release what there may be only one of starts when people
  # are served by it: until then the old one goes on.
  early=("${beside[@]}")
  if proven_so; then
    stop_units "${old[@]}"
    early+=("${alone[@]}")
  fi
  # The time that it takes to see whether they stay up is that in which the server starts.
  start_units "${beside[@]}"
  if [ -n "$web" ]; then start_server; fi
  if proven_so; then take_over; fi
  if [ -n "$web" ]; then await_server "${early[@]}"; fi
  settle "${early[@]}"
  fallen=$(fallen "${early[@]}")
  if [ -n "$fallen" ]; then not_up "$fallen"; fi
  for fallen in $(returning "${early[@]}"); do
    say "$fallen: still finishes what it had begun; it takes tasks again when it has, and until then no other does"
  done
  # With these settings it had none.
  if proven_so; then return 0; fi
  shell=$(shelled "${beside[@]}")
  if [ -n "$shell" ]; then no_signal "$shell"; fi
}

# watch: for a second after the switch, and until what was started then has started up; one that has served
# before is only asked once.
watch() {
  local code fallen more=yes
  while [ -n "$more" ]; do
    if proven_so || { ! starting "${alone[@]}" && [ "$(milliseconds)" -ge "$((switched + 1000))" ]; }; then more=''; fi
    if [ -n "$web" ]; then
      if [ "$door" = 200 ]; then code=$(front); else code=$(answer 10 "$socket"); fi
      if [ "$code" != 200 ]; then not_well "$code"; fi
      if crashed; then not_well 000; fi
    fi
    fallen=$(fallen "${beside[@]}" "${alone[@]}")
    if [ -n "$fallen" ]; then not_up "$fallen"; fi
    [ -z "$more" ] || sleep 0.1
  done
}

# unwanted_alone: what runs of other instances of that of which there may be only one.
unwanted_alone() {
  local one
  for one in $(others "$instance"); do unwanted_units "$one" alone; done
}

# take_over: of what there may be only one, the new one starts when the old one, which has been told to, has ended.
take_over() {
  wait_until 40 ended "${old[@]}" || fall_back "${old[0]}" "${old[*]} of the release before does not end, and there may be only one."
  start_units "${alone[@]}"
}

# take_back: the processes of the new instance are told to end, and of what there may be only one the old one runs again.
take_back() {
  local old
  stop_units "${beside[@]}" "${alone[@]}"
  if [ -z "$before" ]; then return 0; fi
  wait_until 40 ended "${alone[@]}" || true
  mapfile -t old < <(unwanted_units "$before" alone)
  start_units "${old[@]}" || true
}

# leave INSTANCE UNIT…: the step does not wait for what its units have begun, which goes on.
leave() {
  local left
  left=$(finishing "${@:2}" | paste -sd' ')
  [ -z "$left" ] || say "$left: finishes what it has begun, on release ${1%.*}, and then ends"
}

# tidy_up: when that has ended. One that is there already looks after it as well.
tidy_up() {
  systemd-run --quiet --collect --no-block --unit "berth-$name-tidy" "/usr/local/lib/berth/$name/tidy" 2>>"$log" || true
}

switch() {
  # It ends while the web server is switched. What has moved to another host starts there when this step has ended.
  if ! proven_so; then stop_units "${old[@]}"; fi
  # Where the front door does not answer for this name now, it says nothing about the release.
  door=000
  if [ -n "$web" ]; then
    if [ -n "$before" ] && systemctl is-active --quiet nginx.service; then door=$(front); fi
    # Should the new one crash, nginx asks the one before again where that is safe (site.conf).
    keep_single
    if [ -n "$before" ]; then put_link "$run/before.sock" "web-$before.sock"; fi
    # Pages that are open have come from there.
    if [ -n "$came_from" ] && [ "$came_from" != "$release" ]; then put_link "$root/static/before" "$root/static/$came_from"; fi
    lead_to "$instance"
  fi
  switched=$(milliseconds)
  if ! proven_so; then take_over; fi
  watch
  touch "$directory/.berth/proven"
  if ! proven_so; then printf '%s\n' "${instance##*.}" >>"$directory/.berth/proven"; fi
  put_link "$instances/current" "$instance"
  put_link "$root/current" "$directory"
  rm -f "$run/before.sock" "$bad"
}

is_live() {
  local units
  [ "$before" = "$instance" ] && [ "$(readlink "$root/current" || true)" = "$directory" ] || return 1
  if [ -n "$web" ]; then
    [ "$(readlink "$run/web.sock" || true)" = "web-$instance.sock" ] && systemctl is-active --quiet "$unit.service" && well "$socket" || return 1
  fi
  mapfile -t units < <(
    wanted_units beside
    wanted_units alone
  )
  all_active "${units[@]}"
}

# retire_others: all other instances take no more tasks and no more requests, finish what they have begun, and end.
retire_others() {
  local one units rest late=()
  local -A ending=()
  mapfile -t rest < <(others "$instance")
  for one in "${rest[@]}"; do
    mapfile -t units < <(unwanted_units "$one")
    if [ -n "$web" ] && none_waits "$one"; then
      mapfile -t -O "${#units[@]}" units < <(server_units "$one")
    elif [ -n "$web" ]; then
      late+=("$one")
    fi
    stop_units "${units[@]}"
    ending[$one]=${units[*]}
  done
  for one in "${late[@]}"; do
    wait_until "$timeout" none_waits "$one" || say "$(unit_of "$one") has not taken all that waits at its socket in $timeout s"
    mapfile -t units < <(server_units "$one")
    stop_units "${units[@]}"
    ending[$one]+=" ${units[*]}"
  done
  for one in "${rest[@]}"; do
    read -ra units <<<"${ending[$one]}"
    leave "$one" "${units[@]}"
  done
  tidy_up
  if [ -n "$web" ]; then retire_single; fi
  drop_units
}

# prune: the releases that were well last stay; with the others go their static files, dumps and environments.
prune() {
  local one place
  stat -c '%Y %n' "$root"/releases/*/.berth/proven | sort -rn | head -n "$keep" | sed 's#/\.berth/proven$##; s#.*/##' >"$ledger/kept"
  for one in "$root"/releases/*/; do
    one=$(basename "$one")
    if [ "$one" != "$release" ] && ! grep -qxF "$one" "$ledger/kept" && ! in_use "$one"; then
      rm -rf "${root:?}/releases/$one" "${root:?}/static/$one" "$dumps/$one.dump"
    fi
  done
  for place in "$root"/venvs/*/; do
    place=${place%/}
    for one in "$root"/releases/*/.venv; do
      if [ "$(readlink "$one" || true)" = "$place" ]; then continue 2; fi
    done
    rm -rf "$place"
  done
  find "$ledger/bad" -type f -printf '%T@ %p\n' | sort -rn | tail -n +21 | cut -d' ' -f2 | xargs -r rm -f
  if [ -e "$ledger/releases.jsonl" ]; then tail -n 500 "$ledger/releases.jsonl" | put_file "$ledger/releases.jsonl" root:root 0600; fi
}

if ! is_live; then
  if [ -e "$bad" ] && [ "$retry" != "$release" ]; then
    sed -n '2,$p' "$bad" >&2
    fail "release $release has failed before, with the same settings, and is not tried again: $(head -n 1 "$bad")" "Deploy another; or set berth:app.retry: $release to try this one once more. $(serving "$unit")"
  fi
  recorded
  refuse_full_disk
  migrate
  start_beside
  switch
  if [ "$came_from" = "$release" ]; then
    note settings
  elif [ -n "$kept" ]; then
    note rollback
  else
    note release
  fi
  trap - EXIT
fi
# Neither touches what the other does.
prune &
pruning=$!
retire_others
wait "$pruning"

finish
BERTH_STEP_END
[ "$(id -u)" = 0 ] && exec /bin/bash "$step"
exec sudo -n -- /bin/bash "$step"
