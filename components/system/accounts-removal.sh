: "${owner?the account that owns the application files}"
# The accounts and their homes stay: they are data. Their way in goes, but for those who had an account before.
while read -r name; do
  [ -n "$name" ] || continue
  if grep -qxF "$name" "$state/admins-made" 2>/dev/null; then usermod --lock --expiredate 1 "$name" || true; fi
  gpasswd --delete "$name" berth-admins >/dev/null 2>&1 || true
  rm -f "/etc/ssh/berth-keys/$name"
done <"$state/admins"
rm -f "$state/admins" "$state/admins-made" "$state/owner" "/etc/ssh/berth-keys/$owner"
# A build may have put a key into the owner's home, which nobody but Berth kept from being one.
if getent passwd "$owner" >/dev/null && [ -z "$(not_own "$owner" app.owner)" ]; then
  usermod --lock --expiredate 1 "$owner" || true
  pkill -KILL -u "$owner" || true
fi
