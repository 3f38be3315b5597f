#!/bin/bash
# Berth: waits until a service answers at its port on 127.0.0.1, and at its path with 200, if it has one. The unit that
# starts it says for how long.
port=$1 path=${2-}
answers() {
  if [ -n "$path" ]; then
    [ "$(curl --silent --noproxy '*' --max-time 5 --output /dev/null --write-out '%{http_code}' "http://127.0.0.1:$port$path")" = 200 ]
  else
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null
  fi
}
until answers; do
  # systemd does not end this one when the program has ended.
  if [ -n "${MAINPID-}" ] && ! kill -0 "$MAINPID" 2>/dev/null; then exit 1; fi
  sleep 0.2
done
