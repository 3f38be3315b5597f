set -eu; umask 077
step=$(mktemp /dev/shm/berth-turn.XXXXXXXX)
cat >"$step" <<'BERTH_STEP_END'
rm -f "$0"
step='turn'
generation='2'
settings='/srv/shop/config/env'
keys='/var/lib/berth/keys-shop'
if [ ! -r /var/lib/berth/library/DIGEST.sh ]; then echo 'berth: turn: /var/lib/berth/library/DIGEST.sh is gone from this host. Run '\''pulumi up'\'' with --replace for the step that connects, which puts it back.' >&2; exit 1; fi
. /var/lib/berth/library/DIGEST.sh
begin ''

: "${generation?the generation of the key that is asked for}"
: "${settings?the settings that the application has}"
: "${keys?which key is of which generation}"

# What the application holds counts, not what was asked for last: a rotation may have ended half way.
held=
if [ -r "$settings" ] && [ -r "$keys" ]; then
  id=$(sed -n "s/^AWS_ACCESS_KEY_ID=['\"]\{0,1\}\([A-Za-z0-9]*\).*/\1/p" "$settings")
  held=$(awk -v id="$id" '$1 == id { print $2 }' "$keys" | tail -n 1)
fi
if [ -n "$held" ] && [ "$generation" != "$held" ] && [ "$generation" != $((held + 1)) ]; then
  fail "rotate.media asks for generation $generation of the IAM user's key, and the application holds generation $held. AWS lets a user have two keys, so the one in use would go before another is there; nothing has been changed." \
    "Put $held there to keep the key, or $((held + 1)) to make the next."
fi

finish
BERTH_STEP_END
[ "$(id -u)" = 0 ] && exec /bin/bash "$step"
exec sudo -n -- /bin/bash "$step"
