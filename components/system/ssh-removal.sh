take_away /etc/ssh/sshd_config.d/09-berth-keys.conf
systemctl reload ssh.service
rm -f /etc/systemd/system/sysinit.target.wants/berth-undo.service
systemctl daemon-reload
