# Can this machine be reached, is it the right one, does it let us in? Asked with OpenSSH, which tells these apart;
# the private key, if there is one, comes by standard input. BERTH_SETTINGS is the
# key of the configuration that describes this machine.
set -euo pipefail
umask 077
fail() { printf 'berth: %s\n' "$1" >&2; exit 1; }
command -v ssh >/dev/null || fail "this computer has no ssh. Install openssh-client."

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat >"$folder/key"
place=$BERTH_ADDRESS
[ "$BERTH_PORT" = 22 ] || place="[$BERTH_ADDRESS]:$BERTH_PORT"
printf '%s %s\n' "$place" "$BERTH_HOST_KEY" >"$folder/known_hosts"
options=(-F none -p "$BERTH_PORT" -o BatchMode=yes -o ConnectTimeout=15 -o StrictHostKeyChecking=yes
  -o "UserKnownHostsFile=$folder/known_hosts" -o GlobalKnownHostsFile=none -o HostKeyAlgorithms=ssh-ed25519)
if [ -s "$folder/key" ]; then
  [ -z "$(tail -c 1 "$folder/key")" ] || echo >>"$folder/key"
  # OpenSSH ends its messages as on a terminal.
  reason=$(ssh-keygen -y -P "" -f "$folder/key" 2>&1 >/dev/null | tr -d '\r') ||
    fail "the private key of '$BERTH_SETTINGS' cannot be read: ${reason##*: }. Give the whole file of a key without a passphrase, or load it into your SSH agent and take it out of $BERTH_SETTINGS."
  options+=(-i "$folder/key" -o IdentitiesOnly=yes -o IdentityAgent=none)
fi

if ! answer=$(ssh "${options[@]}" "$BERTH_USER@$BERTH_ADDRESS" 'if [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; then echo root; else echo plain; fi; date +%s' 2>"$folder/errors"); then
  reason=$(tr -d '\r' <"$folder/errors" | grep -v '^@' | grep -v '^$' | tail -n 1 || true)
  case $(cat "$folder/errors") in
  *"HOST IDENTIFICATION HAS CHANGED"* | *"Host key verification failed"*)
    shown=$(ssh-keyscan -T 15 -t ed25519 -p "$BERTH_PORT" "$BERTH_ADDRESS" 2>/dev/null | cut -d' ' -f2-3 | head -n 1)
    fail "$place shows the host key '${shown:-none}', and $BERTH_SETTINGS.hostKey expects '$BERTH_HOST_KEY'. Nothing was sent to it. If the machine was installed again, put its new key there; otherwise someone may be in between."
    ;;
  *"Permission denied"*) fail "$place does not let '$BERTH_USER' in with this key. Put the right key in $BERTH_SETTINGS.privateKeyFile (or load it into your SSH agent), or add its public key to that account's authorized_keys." ;;
  *) fail "$place cannot be reached by SSH: ${reason:-no answer}. Look at $BERTH_SETTINGS.address and port, and at the firewall in between." ;;
  esac
fi
here=$(date +%s)
read -r -d '' answer there <<<"$answer" || true
[ "$answer" = root ] || fail "'$BERTH_USER' on $place is not root and may not use sudo without a password. Log in as root, or allow it in sudoers."

# Certificates and the package archive are for a time. It is told here, where there is another clock.
off=$((there - here))
if [ "${off#-}" -gt 300 ]; then
  fail "the clock of $place shows $(date --utc -d "@$there" '+%F %H:%M UTC'), and this computer's shows $(date --utc -d "@$here" '+%F %H:%M UTC'). Nothing has been changed there. Set the wrong one: 'timedatectl set-ntp true' follows a time server."
fi
