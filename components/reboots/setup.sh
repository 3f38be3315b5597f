daemon_reload_if_changed
at_boot berth-rebooted.service
on_change restart berth-reboot.timer /etc/systemd/system/berth-reboot.timer
enabled berth-reboot.timer
/usr/local/lib/berth/reboot 2>/dev/null || [ $? = 2 ] || fail "the program that reboots this host does not run."
