# Looks at the machine before anything is changed on it, and tells all that is in the way at once.
findings=()

# in_the_way WHAT NEXT: the stack cannot be deployed here: what was found and why it is in the way, and what to do.
in_the_way() { findings+=("$1 $2"); }

# warn TEXT: what the stack can live with.
warn() { say "warning: $1"; }

# tell_findings: ends the step where something is in the way.
tell_findings() {
  local finding
  if [ "${#findings[@]}" = 0 ]; then return; fi
  for finding in "${findings[@]::${#findings[@]}-1}"; do printf 'berth: %s: %s\n' "$step" "$finding" >&2 2>/dev/null || true; done
  fail "${findings[-1]}" "Nothing has been changed."
}

# unit_of PID PORT: the systemd unit of a process that listens; nothing where it has none of its own.
unit_of() {
  if [ "$1" = 1 ]; then
    systemctl list-sockets --plain --no-legend 2>/dev/null | awk -v port="$2" '$1 ~ "(^|:)" port "$" { print $2; exit }'
  else
    # What a person has started by hand, or for that account alone, is no unit of the system's.
    sed -nE '\|/user\.slice/|d; s|.*/([^/]+\.service).*|\1|p' "/proc/$1/cgroup" 2>/dev/null || true
  fi
}

# A port that a finding is about already.
declare -A taken=()

# needs_port WHO PORT UNIT…: nothing but the units may listen there.
needs_port() {
  local who=$1 port=$2 place program process unit
  shift 2
  while read -r place process program; do
    unit=$(unit_of "$process" "$port")
    if grep -qxF -e "${unit:-none}" < <(printf '%s\n' "$@") || [ -n "${taken[$port]+set}" ]; then continue; fi
    taken[$port]=1
    if [ "$program" = docker-proxy ]; then
      in_the_way "a container of Docker's publishes port $port ($place), which $who needs." "'docker ps --filter publish=$port' on the host shows it; publish another port."
    elif [ -n "$unit" ]; then
      in_the_way "$program ($unit) listens on port $port ($place), which $who needs." "Stop it with 'systemctl disable --now $unit' on the host, or have it listen on another port."
    else
      in_the_way "$program (process $process) listens on port $port ($place), which $who needs." "End it, or have it listen on another port."
    fi
  done < <(ss -Hltnp "sport = :$port" | sed -nE 's/^[^ ]+ +[^ ]+ +[^ ]+ +([^ ]+) .*users:\(\("([^"]*)",pid=([0-9]+).*/\1 \3 \2/p')
}

case $(uname -m) in
x86_64 | aarch64) ;;
*) in_the_way "this host's CPU is '$(uname -m)'; Berth runs on x86_64 and aarch64." "Choose another machine." ;;
esac
# shellcheck source=/dev/null
system=$(. /etc/os-release 2>/dev/null && echo "${ID:-unknown} ${VERSION_ID:-}")
case $system in
"debian 13") ;;
*) in_the_way "this host runs '$system'; Berth needs Debian 13." "Choose another machine." ;;
esac
[ -d /run/systemd/system ] || in_the_way "this host does not run systemd." "Choose another machine."
# On such a machine the rest would not mean what it says.
tell_findings

if command -v cloud-init >/dev/null; then
  # A machine that has been up for an hour is past its first boot, whatever became of that.
  is_old() { awk '{ exit !($1 > 3600) }' /proc/uptime; }
  waits=--wait
  if is_old; then waits=; fi
  booted=0
  # shellcheck disable=SC2086 # None, or one word.
  timeout 600 cloud-init status $waits >/dev/null 2>&1 || booted=$?
  # Status 2 means done with warnings of its own, which do not concern the steps (cloud-init(1)).
  if [ "$booted" != 0 ] && [ "$booted" != 2 ]; then
    told=$(timeout 30 cloud-init status --long 2>&1 | tr -s '\n ' ' ' | cut -c 1-300 || true)
    is_old || fail "cloud-init did not finish this host's first boot: $told." "Its log is /var/log/cloud-init-output.log on the host. Where cloud-init is meant to be off, 'touch /etc/cloud/cloud-init.disabled' says so."
    warn "cloud-init did not finish this host's first boot: $told."
  fi
fi
