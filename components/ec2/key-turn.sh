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
