# What of it this kernel does not let be set, such as in a container, is as its computer has it.
if changed /etc/sysctl.d/60-berth.conf; then logged /usr/lib/systemd/systemd-sysctl /etc/sysctl.d/60-berth.conf; fi
