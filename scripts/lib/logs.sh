# What 'npm run logs' runs on a host, as root: the last lines of one part's log, and what comes, until the one who
# asked is gone.
set -euo pipefail
name=$1 what=$2 lines=$3 follow=$4

# The application's processes and timers that have a unit, by the names that they have in the configuration.
processes() {
  find /etc/systemd/system -maxdepth 1 \( -name "$name-*@.service" -o -name "$name-*.timer" \) -printf '%f\n' |
    sed -E "s/^$name-//; s/@?\.[a-z]+$//" | sort -u
}

# The parts of which a step of theirs has said where they log: components/host/logs.ts.
parts=/etc/berth/logs

there_is() {
  processes
  if [ -d "$parts" ]; then find "$parts" -mindepth 1 -printf '%f\n' | sort; fi
  echo system
}

if ! grep -qxF -e "$what" < <(there_is); then
  printf 'berth: expected one of %s; found %s\n' "$(there_is | paste -sd, | sed 's/,/, /g')" "${what:-nothing}" >&2
  exit 64
fi

# shown: what the journal's last lines are taken from; sources: what is followed in it, one journalctl each; files.
shown=() sources=() files=()
if [ -f "$parts/$what" ]; then
  while read -r kind pattern; do
    case $kind in
    unit) shown+=("--unit=$pattern") ;;
    file) mapfile -O "${#files[@]}" -t files < <(compgen -G "$pattern") ;;
    esac
  done <"$parts/$what"
fi
if [ "${#shown[@]}" != 0 ] || [ "$what" = system ]; then sources=("${shown[*]}"); fi
if grep -qxF -e "$what" < <(processes); then
  shown+=("--unit=$name-$what.service" "--unit=$name-$what.timer" "--unit=$name-$what-start.service" "--unit=$name-$what@*")
  # journalctl looks a pattern up once, when it starts, and so would not see the instance of the next release. All
  # instances of a unit are in one slice; what systemd itself says of them names them.
  slice=$(systemctl show "$name-$what@0.service" -P Slice)
  sources+=(
    "--unit=$slice --unit=$name-$what.service --unit=$name-$what.timer --unit=$name-$what-start.service"
    "_PID=1 --grep=(^|[^a-z0-9-])$name-$what@"
  )
fi

journal=(journalctl --quiet --no-pager --output=short-iso)
last=$("${journal[@]}" --lines="$lines" --show-cursor "${shown[@]}")
cursor=$(sed -n 's/^-- cursor: //p' <<<"$last" | tail -n 1)
grep -v '^-- cursor: ' <<<"$last" | sed '/^$/d'
if [ -z "$follow" ]; then
  if [ "${#files[@]}" != 0 ]; then tail -n "$lines" -- "${files[@]}"; fi
  exit
fi

followers=()
trap 'kill "${followers[@]}" 2>/dev/null || true' EXIT
from=(--lines=0)
if [ -n "$cursor" ]; then from=(--no-tail "--after-cursor=$cursor"); fi
for source in "${sources[@]}"; do
  read -ra matches <<<"$source"
  "${journal[@]}" --follow "${from[@]}" "${matches[@]}" &
  followers+=($!)
done
if [ "${#files[@]}" != 0 ]; then
  tail -n "$lines" -F -- "${files[@]}" &
  followers+=($!)
fi
# Standard input ends with the connection, however that ends; a job in the background would not have it.
exec 3<&0
cat <&3 >/dev/null &
followers+=($!)
wait -n || true
