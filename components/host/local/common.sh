# What the scripts for local hosts share: places, words for a person, becoming root, locks.
# A local host ("machine") is everything under $machines/NAME plus what $run/NAME.* says of its running self.
set -Eeuo pipefail
umask 022
export LC_ALL=C.UTF-8
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# shellcheck disable=SC2034  # read by the scripts that source this file
{
  here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
  cache=/var/cache/berth
  library=/var/lib/berth
  machines=$library/machines
  run=/run/berth
  bridge=berth0
  release=trixie
  architecture=$(dpkg --print-architecture)
}

say() { printf 'berth: %s\n' "$1" >&2; }

# fail WHAT [NEXT]: one line: what is wrong, and what to do.
fail() { printf 'berth: %s%s\n' "$1" "${2:+ $2}" >&2; exit 78; }

# unexpected STATUS LINE COMMAND: for what nobody foresaw; what failed with its own words is only passed on.
unexpected() {
  if [ "$1" != 78 ]; then
    printf 'berth: %s, line %s: "%s" failed (%s); its own message is above. %s\n' "$(basename "$0")" "$2" "$3" "$1" \
      "Running the same again cleans up and starts over." >&2
  fi
  exit 78
}
trap 'unexpected $? $LINENO "$BASH_COMMAND"' ERR

# private_folder PATH: open to root alone, as are those made on the way to it.
private_folder() { (umask 077 && mkdir -p "$1"); }

# What of the caller's environment the machine is given: where packages come from, and nothing else.
handed_on() {
  compgen -e | grep -E '^(BERTH_[A-Z_]+|PIP_[A-Z_]+|(HTTPS?|NO|https?|no)_(PROXY|proxy))$' || true
}

# become_root: runs the calling script again as root where it is not.
become_root() {
  [ "$(id -u)" != 0 ] || return 0
  command -v sudo >/dev/null || fail "a local host needs root, and there is no sudo." "Run this as root."
  sudo -n true 2>/dev/null || fail "a local host needs root, and sudo asks $(id -un) for a password." \
    "Run 'sudo -v' first, or allow it without one, or run this as root."
  exec sudo -n --preserve-env="$(handed_on | paste -sd,)" bash "$0" "$@"
}

# need PROGRAM=PACKAGE...: all that is missing, in one line to run.
need() {
  local pair packages=()
  for pair in "$@"; do
    command -v "${pair%%=*}" >/dev/null || packages+=("${pair#*=}")
  done
  [ "${#packages[@]}" = 0 ] || fail "a local host needs Debian packages that are not installed here." \
    "Run: apt-get install --no-install-recommends $(printf '%s\n' "${packages[@]}" | sort -u | paste -sd' ')"
}

need_all() {
  need mmdebstrap=mmdebstrap systemd-nspawn=systemd-container nft=nftables ip=iproute2 mkfs.ext4=e2fsprogs \
    losetup=mount setsid=util-linux flock=util-linux sysctl=procps python3=python3
}

# lock NAME [FOLDER]: waits for this computer's lock of that name and holds it until the script ends; the descriptor
# is left in $lock_NAME. A lock's file may be removed by its holder, so what was locked must still be the file.
lock() {
  local fd name=$1 file=${2:-$run}/$1.lock
  local -n holder=lock_${name//[^a-z0-9]/_}
  while :; do
    private_folder "${2:-$run}"
    if { exec {fd}>"$file"; } 2>/dev/null; then
      flock -n "$fd" || { say "waiting for another run that works on $name"; flock "$fd"; }
      if [ "$(stat -Lc %i "/proc/self/fd/$fd")" = "$(stat -c %i "$file" 2>/dev/null)" ]; then
        # shellcheck disable=SC2034  # a name reference
        holder=$fd
        return 0
      fi
      exec {fd}>&-
    fi
  done
}

# unlock NAME
unlock() {
  local -n held=lock_${1//[^a-z0-9]/_}
  exec {held}>&-
}

machine_name() {
  local name=${BERTH_MACHINE:-}
  [[ $name =~ ^[a-z0-9]([a-z0-9-]{0,55}[a-z0-9])?$ ]] || fail "BERTH_MACHINE is '$name'." \
    "Give the local host a name of at most 57 lower-case letters, digits and hyphens."
  printf '%s' "$name"
}
