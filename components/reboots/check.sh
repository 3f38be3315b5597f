: "${at?when the host may reboot, as systemd.time(7) has it}"
: "${named?the key of the configuration that says so}"

reason=$(systemd-analyze calendar "$at" 2>&1 >/dev/null) ||
  fail "$named: expected a calendar event of systemd.time(7), such as 'Sun 04:00', found '$at' (${reason##*: })."
