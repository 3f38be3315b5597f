: "${timers?a line for each timer: its name, its account and its times}"

# While a timer's file is the one of before, so are its times.
if [ -n "$timers" ]; then
  while read -r timer _ at; do
    systemd-analyze calendar "$at" >/dev/null 2>&1 ||
      fail "app.timers.$timer.at: expected times of systemd.time(7), such as daily or *:0/15; found '${at% UTC}'." "'systemd-analyze calendar' on a host checks a time."
  done <<<"$timers"
fi
