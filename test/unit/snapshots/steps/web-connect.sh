set -eu; umask 077
step=$(mktemp /dev/shm/berth-web-connect.XXXXXXXX)
cat >"$step" <<'BERTH_STEP_END'
rm -f "$0"
step='web-connect'
machine='i-0123456789abcdef'
variables='BERTH_STEP BERTH_REMOVAL'

begin ''

: "${machine?the identity of this machine}"
: "${variables?the environment variables that carry the other steps}"

case $(uname -m) in
x86_64 | aarch64) ;;
*) fail "this host's CPU is '$(uname -m)'; Berth runs on x86_64 and aarch64." "Nothing has been changed. Choose another machine." ;;
esac
# shellcheck source=/dev/null
system=$(. /etc/os-release 2>/dev/null && echo "${ID:-unknown} ${VERSION_ID:-}")
case $system in
"debian 13") ;;
*) fail "this host runs '$system'; Berth needs Debian 13." "Nothing has been changed. Choose another machine." ;;
esac
[ -d /run/systemd/system ] || fail "this host does not run systemd." "Nothing has been changed. Choose another machine."

if command -v cloud-init >/dev/null; then
  # Status 2 means done with warnings of its own, which do not concern the steps (cloud-init(1)).
  timeout 600 cloud-init status --wait >/dev/null || [ $? = 2 ] ||
    fail "cloud-init did not end well on the host's first boot." "Its log is /var/log/cloud-init-output.log on the host."
fi

put_file /etc/ssh/sshd_config.d/05-berth-steps.conf root:root 0644 <<CONF
# Berth: the texts of its steps; see AcceptEnv in sshd_config(5).
AcceptEnv $variables
CONF
if changed /etc/ssh/sshd_config.d/; then logged systemctl reload ssh.service || fail "sshd does not reload: $(sshd -t 2>&1 | head -n 1)"; fi
grep -qi "acceptenv ${variables%% *}" < <(sshd -T 2>>"$log") || fail "sshd does not read /etc/ssh/sshd_config.d: its sshd_config has no line 'Include /etc/ssh/sshd_config.d/*.conf'." "Put one there at the top."

printf '%s\n' "$machine" | put_file "$state/identity" root:root 0644

put_file '/var/lib/berth/library/DIGEST.sh' 'root:root' '0644' <<'BERTH_FILE_END'
BERTH_FILE_END
finish
BERTH_STEP_END
[ "$(id -u)" = 0 ] && exec /bin/bash "$step"
exec sudo -n -- /bin/bash "$step"
