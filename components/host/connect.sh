: "${claim?what this machine keeps while it belongs to the stack}"
: "${stack?the stack, as people know it, and the host in it}"
: "${made?of a machine that the stack has made 'yes', else nothing}"
: "${variables?the environment variables that carry the other steps}"

put_file /etc/ssh/sshd_config.d/05-berth-steps.conf root:root 0644 <<CONF
# Berth: the texts of its steps; see AcceptEnv in sshd_config(5).
AcceptEnv $variables
CONF
if changed /etc/ssh/sshd_config.d/; then logged systemctl reload ssh.service || fail "sshd does not reload: $(sshd -t 2>&1 | head -n 1)"; fi
grep -qi "acceptenv ${variables%% *}" < <(sshd -T 2>>"$log") || fail "sshd does not read /etc/ssh/sshd_config.d: its sshd_config has no line 'Include /etc/ssh/sshd_config.d/*.conf'." "Put one there at the top."

# The day when the stack took it stays, so that a person can tell two stacks of one name apart.
since=$(sed -n '2s/.*, since //p' "$state/claim" 2>/dev/null || true)
printf '%s\n' "$claim" "$stack, since ${since:-$(date --utc +%F)}" | put_file "$state/claim" root:root 0644
