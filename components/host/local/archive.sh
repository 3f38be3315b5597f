# Where this computer gets its Debian packages, and what it keeps of them. Needs common.sh.
# shellcheck disable=SC2154  # common.sh sets them

# debian_mirrors: two lines: the archive, and the archive of security updates, as this computer's own apt has them.
debian_mirrors() {
  local targets main security
  if [ -n "${BERTH_DEBIAN_MIRROR:-}" ]; then
    main=$BERTH_DEBIAN_MIRROR
    security=${BERTH_DEBIAN_SECURITY_MIRROR:-}
  else
    # apt's own reading of its sources, in whichever format they are.
    # shellcheck disable=SC2016  # apt's placeholders, not the shell's
    targets=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 2>/dev/null || true)
    main=$(awk '$3 == "main" && $2 ~ /^(bookworm|trixie|stable|forky|sid|testing|unstable)$/ { print $1; exit }' <<<"$targets")
    security=$(awk '$3 == "main" && $2 ~ /-security$/ { print $1; exit }' <<<"$targets")
  fi
  main=$(first_mirror "$main")
  [ -n "$main" ] || fail "this computer's apt has no Debian archive to make a local host from." \
    "Name one: BERTH_DEBIAN_MIRROR=http://…/debian (and BERTH_DEBIAN_SECURITY_MIRROR)."
  printf '%s\n%s\n' "${main%/}" "$(first_mirror "${security%/}")"
}

# first_mirror URI: Debian's cloud images list their mirrors in a file (apt-transport-mirror).
first_mirror() {
  local file=${1#mirror+file:}
  if [ "$file" = "$1" ]; then printf '%s' "$1"; return; fi
  awk '!/^#/ && NF { print $1; exit }' "$file" | sed 's|/$||'
}

# debian_sources MIRROR SECURITY KEYRING
debian_sources() {
  printf 'Types: deb\nURIs: %s\nSuites: %s %s-updates\nComponents: main\nSigned-By: %s\n' "$1" "$release" "$release" "$3"
  if [ -n "$2" ]; then
    printf '\nTypes: deb\nURIs: %s\nSuites: %s-security\nComponents: main\nSigned-By: %s\n' "$2" "$release" "$3"
  fi
}

# debian_keyring: the keys of the Debian archive that this computer trusts, the release's own among them.
debian_keyring() {
  local folder=/usr/share/keyrings
  compgen -G "$folder/debian-archive-$release-stable.*" >/dev/null || fail \
    "this computer has no keys to check Debian 13 ($release) with." \
    "Run: apt-get install --only-upgrade debian-archive-keyring"
  printf '%s' "$folder/debian-archive-keyring.gpg"
}

# apt_settings: how this computer reaches the archive (proxy, retries, checks of the clock), for apt elsewhere.
apt_settings() {
  apt-config dump | grep -E '^Acquire::((https?|ftp)::|Check-Valid-Until |Check-Date |Retries |ForceIPv[46] )' |
    grep -viE 'auto-detect|::Proxy(-Auto-Detect)? "";' || true
}

# local_certificates: the certificate authorities that were added to this computer, a file a line.
local_certificates() {
  find /usr/local/share/ca-certificates -name '*.crt' 2>/dev/null | sort
}

# harvest_archives FOLDER: keeps the packages that were downloaded there, and forgets what nobody fetched for two
# months. Whole or not at all: a file gets its name when it is on the disk. What vanishes meanwhile is no loss.
harvest_archives() {
  local kept=$cache/apt/archives file name copied=()
  mkdir -p "$kept"
  while read -r file; do
    name=$(basename "$file")
    if [ ! -e "$kept/$name" ] && cp "$file" "$kept/.$name.$$" 2>/dev/null; then copied+=("$name"); fi
  done < <(find "$1" -maxdepth 1 -type f -name '*.deb' -size +0 2>/dev/null)
  if [ "${#copied[@]}" -gt 0 ]; then
    (cd "$kept" && printf '.%s\0' "${copied[@]/%/.$$}" | xargs -0 sync)
    for name in "${copied[@]}"; do mv "$kept/.$name.$$" "$kept/$name"; done
  fi
  find "$kept" -maxdepth 1 -type f \( -name '*.deb' -mtime +60 -o -name '.*' -mmin +60 \) -delete
}
