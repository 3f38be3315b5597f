: "${directories?the directories at which the disks are mounted, separated by spaces}"

# The whole program, to its end, before a timer repeats it.
daemon_reload_if_changed
sent() { systemctl start berth-metrics.service; }
reason() { journalctl -u berth-metrics.service -n 20 -o cat --no-pager | sed -n 's/^berth: //p' | tail -n 1; }
# What the role has been allowed a moment ago takes a while to arrive.
wait_until 120 sent ||
  fail "the use of the disks ($directories) and of the memory cannot be sent to CloudWatch: $(reason || true)" "Its log: journalctl -u berth-metrics.service"
on_change restart berth-metrics.timer /etc/systemd/system/berth-metrics.timer
enabled berth-metrics.timer
