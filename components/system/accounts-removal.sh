: "${owner?the account that owns the application files}"
# The accounts and their homes stay: they are data. Their way in goes.
while read -r name; do
  [ -n "$name" ] || continue
  usermod --lock --expiredate 1 "$name" || true
  rm -f "/etc/ssh/berth-keys/$name"
done <"$state/admins"
rm -f "$state/admins" "$state/owner" "/etc/ssh/berth-keys/$owner"
