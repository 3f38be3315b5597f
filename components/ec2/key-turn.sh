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
  fail "rotate.media is $generation, and the application uses the IAM user's key of generation $held. A user can have two keys, so this would delete the key in use before there is a new one. Nothing has been changed." \
    "Write $held to keep the key, or $((held + 1)) to make the next one."
fi
