set -eu; umask 077
step=$(mktemp /dev/shm/berth-system-ssh.XXXXXXXX)
cat >"$step" <<'BERTH_STEP_END'
rm -f "$0"
step='system-ssh'
if [ ! -r /var/lib/berth/library/DIGEST.sh ]; then echo 'berth: system-ssh: /var/lib/berth/library/DIGEST.sh is gone from this host. Run '\''pulumi up'\'' with --replace for the step that connects, which puts it back.' >&2; exit 1; fi
. /var/lib/berth/library/DIGEST.sh
begin ''

put_file '/etc/ssh/sshd_config.d/10-berth.conf' 'root:root' '0644' <<'BERTH_FILE_END'
# Berth: keys only; see sshd_config(5). The first value that sshd meets counts, so this file sorts first.
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin no
AuthorizedKeysFile .ssh/authorized_keys /etc/ssh/berth-keys/%u
X11Forwarding no
MaxAuthTries 4
LoginGraceTime 30
# Every step of Berth is a connection of its own.
MaxStartups 60:30:200
ClientAliveInterval 60
ClientAliveCountMax 5
BERTH_FILE_END
if ! reason=$(sshd -t 2>&1); then
  rm -f /etc/ssh/sshd_config.d/10-berth.conf
  fail "sshd refuses its configuration, so it was taken out again: $reason"
fi
on_change reload ssh.service /etc/ssh/sshd_config.d/
effective=$(sshd -T)
grep -qx 'passwordauthentication no' <<<"$effective" || fail "sshd would still take passwords: another file in /etc/ssh/sshd_config.d sets it before Berth's."
systemctl is-active --quiet ssh.service ssh.socket || fail "sshd does not run."

finish
BERTH_STEP_END
[ "$(id -u)" = 0 ] && exec /bin/bash "$step"
exec sudo -n -- /bin/bash "$step"
