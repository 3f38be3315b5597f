systemctl reload ssh.service
