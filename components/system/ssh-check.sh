# A configuration that keeps Berth out is taken back.
undo_knows /etc/ssh/sshd_config.d/10-berth.conf /etc/ssh/sshd_config.d/09-berth-keys.conf
