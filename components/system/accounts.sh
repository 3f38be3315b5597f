: "${admins?one line an administrator key: the name, a space, the public key}"
: "${owner?the account that owns the application files}"
: "${owner_keys?the public keys that may log in as it, one a line}"

# Who administered the host before, so that a person who is taken out of the configuration loses access.
known=$state/admins
# Those whose account this made; others had one before, and keep it.
made=$state/admins-made
touch "$known" "$made"
wanted=$(awk 'NF { print $1 }' <<<"$admins" | sort -u)

# lock_out NAME: nobody gets in as this account, nothing of it runs, and nothing of it starts by itself (cron(8), systemd).
lock_out() {
  logged usermod --lock --expiredate 1 "$1"
  loginctl disable-linger "$1" >>"$log" 2>&1 || true
  pkill -KILL -u "$1" || true
}

while read -r name; do
  [ -n "$name" ] || continue
  if grep -qxF "$name" <<<"$wanted"; then continue; fi
  rm -f "/etc/ssh/berth-keys/$name"
  # Whoever administers by hand may have deleted it.
  getent passwd "$name" >/dev/null || continue
  gpasswd --delete "$name" berth-admins >>"$log" 2>&1 || true
  if grep -qxF "$name" "$made"; then
    say "locking $name, who is no longer an administrator. The account and its files stay; 'deluser --remove-home $name' on the host removes them"
    lock_out "$name"
  else
    say "$name is no longer an administrator, and keeps the account that was there before"
    # A session that goes on would keep the group, and sudo with it. Services that run as the account are none.
    if [ "$name" != "${SUDO_USER:-root}" ]; then
      for process in $(pgrep -u "$name" || true); do
        if grep -qE '/user\.slice/|/ssh[^/]*\.service' "/proc/$process/cgroup" 2>/dev/null; then kill -KILL "$process" || true; fi
      done
    fi
  fi
done <"$known"

getent group berth-admins >/dev/null || logged groupadd --system berth-admins
for name in $wanted; do
  if ! getent passwd "$name" >/dev/null; then
    # Before the account is there, so that a run that is cut off does not take it for one of before.
    { cat "$made"; printf '%s\n' "$name"; } | put_file "$made" root:root 0644
    logged useradd --create-home --shell /bin/bash "$name"
  elif [ "$(id -u "$name")" -lt 1000 ]; then
    fail "'$name' (admins) is a system account of this host." "Choose another name."
  fi
  # '*' lets keys in and no password; an account that was locked, as a new one is, gets in. One that has a password keeps it.
  case $(getent shadow "$name" | cut -d: -f2) in
  '!'*) logged usermod --password '*' --expiredate '' "$name" ;;
  esac
  id -nG "$name" | tr ' ' '\n' | grep -qx berth-admins || logged usermod -aG berth-admins "$name"
  note account "$name" "" "+berth-admins"
  awk -v name="$name" '$1 == name { sub(/^[^ ]+ /, ""); print }' <<<"$admins" | put_file "/etc/ssh/berth-keys/$name" root:root 0644
done
put_file "$known" root:root 0644 <<<"$wanted"

visudo -cqf /etc/sudoers.d/berth-admins || { rm -f /etc/sudoers.d/berth-admins; fail "sudo refuses the rule for the administrators."; }

if getent passwd "$owner" >/dev/null; then
  own_account "$owner" "app.owner"
  # One that was locked when another became the owner.
  case $(getent shadow "$owner" | cut -d: -f2) in
  '!'*) logged usermod --password '*' --expiredate '' "$owner" ;;
  esac
else
  logged useradd --comment "$made_by_berth" --create-home --shell /bin/bash --password '*' "$owner"
fi
if ! grep -qxF "$owner" <<<"$wanted"; then note account "$owner" "" "$owner"; fi
# A directory in it that lives on a data volume is there before the account is.
if [ "$(stat -c '%U' "/home/$owner" 2>/dev/null)" = root ]; then chown "$owner:" "/home/$owner"; fi
# One who owned the files before loses the way in; an administrator has keys of its own.
for name in "$(cat "$state/owner" 2>/dev/null || true)" "$owner"; do
  if [ "$name" = "$owner" ] && [ -n "$owner_keys" ]; then
    put_file "/etc/ssh/berth-keys/$owner" root:root 0644 <<<"$owner_keys"
  elif [ -n "$name" ] && ! grep -qxF "$name" <<<"$wanted"; then
    rm -f "/etc/ssh/berth-keys/$name"
    # It owns code that runs, and Berth has made it.
    if [ "$name" != "$owner" ] && getent passwd "$name" >/dev/null && [ -z "$(not_own "$name" app.owner)" ]; then
      say "locking $name, who no longer owns the application's files. The account and its home stay; 'deluser --remove-home $name' on the host removes them"
      lock_out "$name"
    fi
  fi
done
put_file "$state/owner" root:root 0644 <<<"$owner"

for name in $wanted; do
  grep -q NOPASSWD < <(sudo -l -U "$name") || fail "$name has an account but no sudo."
done
