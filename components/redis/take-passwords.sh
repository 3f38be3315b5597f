#!/bin/bash
# Berth: has Redis take the passwords that users.conf has for the application, and those alone, while it runs.
set -euo pipefail
own=$(cat /etc/berth/redis/own-password)
rules=$(sed -n 's/^user default //p' /etc/berth/redis/users.conf)
for _ in {1..300}; do
  answer=$(printf 'AUTH berth %s\nACL SETUSER default resetpass %s\n' "$own" "$rules" | timeout 20 redis-cli -h 127.0.0.1 2>&1 || true)
  # It may just be starting.
  case $answer in *refused* | *LOADING*) sleep 0.1 ;; *) break ;; esac
done
[ "$answer" = $'OK\nOK' ] || {
  printf 'Redis answers: %s\n' "$answer" >&2
  exit 1
}
