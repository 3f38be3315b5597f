rm -f /etc/ssh/sshd_config.d/05-berth-steps.conf
systemctl reload ssh.service || true
# The last of all: from here on another stack may have the host.
rm -f "$state/claim"
rm -rf "$state/aside" "$state/library" "$state/made" "$state/names" "$record" "$undo" "$undone"
