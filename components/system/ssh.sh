if ! reason=$(sshd -t 2>&1); then
  rm -f /etc/ssh/sshd_config.d/10-berth.conf
  fail "sshd refuses its configuration, so it was taken out again: $reason"
fi
on_change reload ssh.service /etc/ssh/sshd_config.d/
effective=$(sshd -T)
grep -qx 'passwordauthentication no' <<<"$effective" || fail "sshd would still accept passwords: another file in /etc/ssh/sshd_config.d allows them, and sorts before Berth's."
systemctl is-active --quiet ssh.service ssh.socket || fail "sshd does not run."
