# The first contact with a new machine, by OpenSSH: user-data, which can be read for good, gave it a host key for this
# one moment, and here it gets the one that stays. Argument: 'exchange', on a new machine, which may show either key;
# 'check', later, when only the key that stays will do. Standard input: the private key to log in with, then the host
# key that stays. Environment: BERTH_ADDRESS, BERTH_PORT, BERTH_USER; BERTH_INSTANCE, the machine that must answer;
# BERTH_HOST_KEY and BERTH_BOOTSTRAP_KEY, public keys.
set -euo pipefail
umask 077
fail() { printf 'berth: %s\n' "$1" >&2; exit 1; }
command -v ssh >/dev/null || fail "this computer has no ssh. Install openssh-client."

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 129' HUP INT TERM
# Two keys, one after the other.
awk -v folder="$folder" '/^-----BEGIN / { file = folder "/" (seen++ ? "host-key" : "login") } file { print > file } /^-----END / { file = "" }'
for key in login host-key; do
  ssh-keygen -y -P "" -f "$folder/$key" >"$folder/$key.pub" 2>/dev/null || fail "the private key '$key' did not arrive. This is a fault in Berth."
done

place=$BERTH_ADDRESS
[ "$BERTH_PORT" = 22 ] || place="[$BERTH_ADDRESS]:$BERTH_PORT"
know() { printf "$place %s\n" "$@" >"$folder/known_hosts"; }
# on_host COMMAND…: with no key believed but those that 'know' was told.
on_host() {
  ssh -F none -p "$BERTH_PORT" -i "$folder/login" -o IdentitiesOnly=yes -o IdentityAgent=none -o BatchMode=yes \
    -o ConnectTimeout=10 -o ServerAliveInterval=15 -o StrictHostKeyChecking=yes -o "UserKnownHostsFile=$folder/known_hosts" \
    -o GlobalKnownHostsFile=none -o UpdateHostKeys=no -o HostKeyAlgorithms=ssh-ed25519 -o ControlPath=none \
    "$BERTH_USER@$BERTH_ADDRESS" "$@" 2>"$folder/errors"
}

# reached: waits for the machine that is meant to answer, with a key that is known. One that starts takes a while, and
# an address that was moved may for a moment still lead to the machine of before.
reached() {
  local deadline=$((SECONDS + 300)) found reason
  while :; do
    if found=$(on_host "sudo -n cat /var/lib/cloud/data/instance-id"); then
      [ "$found" != "$BERTH_INSTANCE" ] || return 0
      reason="the machine '$found' answers there, and '$BERTH_INSTANCE' was expected"
    else
      case $(cat "$folder/errors") in
      *"HOST IDENTIFICATION HAS CHANGED"* | *"Host key verification failed"* | *"no matching host key type"*) return 1 ;;
      esac
      reason=$(tr -d '\r' <"$folder/errors" | grep -v '^$' | tail -n 1 || true)
    fi
    [ "$SECONDS" -lt "$deadline" ] ||
      fail "$place was not reached by SSH within 5 minutes: ${reason:-no answer}. Look whether the instance runs (aws ec2 describe-instances --instance-ids $BERTH_INSTANCE --query 'Reservations[].Instances[].[State.Name,StateReason.Message]'), and whether the way to its port 22 is open (host.sshFrom, host.reach); then run 'pulumi up' again."
    sleep 1
  done
}

refuse() {
  fail "$place shows another host key than the one that Berth gave it ($1). Nothing was sent to it. Someone may be in between; if the machine's key was changed on purpose, have Berth make a new machine: pulumi up --replace with the URN of its bootstrap key."
}

if [ "$1" = exchange ]; then
  know "$BERTH_HOST_KEY" "$BERTH_BOOTSTRAP_KEY"
  reached || refuse "$BERTH_BOOTSTRAP_KEY, or $BERTH_HOST_KEY after a first run"
  # The key goes to its place in one rename, whole and on the disk, so that whenever this is cut off sshd finds one of
  # the two; sshd itself makes sure that it can serve with it. The connection may go, the command goes on.
  on_host "sudo -n bash -c 'trap \"\" HUP PIPE; $(cat <<'SWAP'
set -eu; umask 077
# A run that was cut off may still be at it.
exec 9>/run/berth-host-key.lock
flock -w 120 9
timeout 600 cloud-init status --wait >/dev/null 2>&1 || [ $? = 2 ]
place=/etc/ssh/ssh_host_ed25519_key
new=$place.berth
cat >$new
ssh-keygen -y -P "" -f $new >$new.pub
[ "$(cut -d" " -f1-2 $new.pub)" = "$1" ]
chmod 0644 $new.pub
sync $new $new.pub
mv -f $new $place
mv -f $new.pub $place.pub
sync -f $place
sshd -t
systemctl reload ssh.service
SWAP
  )' swap '$BERTH_HOST_KEY'" <"$folder/host-key" || fail "the host key that stays could not be put into $place: $(tr -d '\r' <"$folder/errors" | tail -n 1). Run 'pulumi up' again; it goes on from there."
  # A reload takes a moment, in which the key of before is still shown.
  know "$BERTH_HOST_KEY"
  for _ in $(seq 20); do
    if reached; then exit; fi
    sleep 0.5
  done
  fail "$place still shows its first host key, though the one that stays is in its place. Look at 'systemctl status ssh' on the host, then run 'pulumi up' again."
fi

know "$BERTH_HOST_KEY"
reached || refuse "$BERTH_HOST_KEY"
