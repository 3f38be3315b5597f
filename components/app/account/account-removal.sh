: "${root?the directory of the application}"
: "${owner?the account that owns the files}"
: "${link?where its owner finds it at home; empty for none}"
# Media, data, logs and releases are data and stay; the accounts own them and stay, too.
rm -f "$root/sockets"
if [ -n "$link" ] && [ "$(readlink "$link" || true)" = "$root" ]; then runuser -u "$owner" -- rm -f "$link"; fi
