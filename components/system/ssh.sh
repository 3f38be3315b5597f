: "${owner?the account that owns the application files}"
: "${people?the accounts that log in with keys of the stack, separated by spaces}"

daemon_reload_if_changed
at_boot berth-undo.service

own=/etc/ssh/sshd_config.d/10-berth.conf
keys=/etc/ssh/sshd_config.d/09-berth-keys.conf

# Where this host's own configuration looks for keys, without Berth's: whoever has keys there goes on getting in.
places=$(unshare --mount -- bash -c '
  for file in "$@"; do if [ -e "$file" ]; then mount --bind /dev/null "$file"; fi; done
  exec sshd -T' bash "$own" "$keys" 2>>"$log" | sed -n 's/^authorizedkeysfile //p' | tr ' ' '\n' |
  grep -vxE '\.ssh/authorized_keys2?|none|/etc/ssh/berth-keys/%u' | paste -sd' ' || true)
if [ -n "$places" ]; then
  put_file "$keys" root:root 0644 <<CONF
# Berth: keys of this host's own and Berth's. The first value that sshd meets counts, so this file sorts before Berth's other.
AuthorizedKeysFile .ssh/authorized_keys $places /etc/ssh/berth-keys/%u
CONF
else take_away "$keys"; fi

if ! reason=$(sshd -t 2>&1); then
  undo_at_once
  fail "sshd refuses its configuration, so Berth's part of it is as it was before: $reason"
fi
if changed /etc/ssh/sshd_config.d/; then undo_by 'systemctl reload ssh.service'; fi
on_change reload ssh.service /etc/ssh/sshd_config.d/
effective=$(sshd -T)
grep -qx 'passwordauthentication no' <<<"$effective" || fail "sshd would still accept passwords: another file in /etc/ssh/sshd_config.d allows them, and sorts before Berth's."
systemctl is-active --quiet ssh.service ssh.socket || fail "sshd does not run."

# listed NAME DIRECTIVE: whether sshd has such a list, and one of its patterns is for the name.
listed() {
  local pattern
  # shellcheck disable=SC2254 # A pattern of sshd's, which bash reads alike.
  while read -r pattern; do case $1 in ${pattern%%@*}) return 0 ;; esac done < <(sed -n "s/^$2 //p" <<<"$effective" | tr ' ' '\n')
  return 1
}
where=$(sshd -T -C "user=$owner,host=localhost,addr=127.0.0.1" | sed -n 's/^authorizedkeysfile //p')
[ "$where" = /etc/ssh/berth-keys/%u ] || fail "sshd would look for the keys of '$owner' in $where, where a build could put one." "Take AuthorizedKeysFile for it out of the file in /etc/ssh/sshd_config.d that sorts before 10-berth.conf."
for name in $people; do
  where=$(sshd -T -C "user=$name,host=localhost,addr=127.0.0.1" | sed -n 's/^authorizedkeysfile //p')
  grep -qF /etc/ssh/berth-keys/ <<<"$where" || fail "sshd would look for the keys of '$name' in $where, and Berth's are in /etc/ssh/berth-keys." "Take AuthorizedKeysFile out of the file in /etc/ssh/sshd_config.d that sorts before 09-berth-keys.conf."
  groups=$(id -nG "$name" | tr ' ' '\n')
  let_in=yes
  if grep -q '^allowusers ' <<<"$effective" && ! listed "$name" allowusers; then let_in=AllowUsers; fi
  if listed "$name" denyusers; then let_in=DenyUsers; fi
  if grep -q '^allowgroups ' <<<"$effective"; then
    among=
    while read -r group; do if listed "$group" allowgroups; then among=yes; fi done <<<"$groups"
    if [ -z "$among" ]; then let_in=AllowGroups; fi
  fi
  while read -r group; do if listed "$group" denygroups; then let_in=DenyGroups; fi done <<<"$groups"
  [ "$let_in" = yes ] || fail "sshd does not let '$name' in: $let_in of its configuration." "Add the name (or its group, such as berth-admins) there, or take it out of the stack's file."
done
