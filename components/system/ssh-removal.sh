take_away /etc/ssh/sshd_config.d/09-berth-keys.conf
systemctl reload ssh.service
