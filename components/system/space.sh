# What looks after space on the disks: its whole program, to its end, before a timer repeats it.
if changed /usr/local/lib/berth/space /etc/systemd/system/berth-space; then
  logged systemctl start berth-space.service || fail "the program that watches the space on the disks does not run: $(journalctl -u berth-space -n 5 -o cat --no-pager | tr '\n' ' ')"
fi
on_change restart berth-space.timer /etc/systemd/system/berth-space.timer
enabled berth-space.timer
