: "${health?the path that answers 200 when the application is well}"
: "${domain?the name that the site is asked by}"
: "${scheme?http or https}"
: "${timeout?how long a request may take, in seconds}"
: "${web?not empty where the web server runs, and not only processes}"

socket_of() { printf '%s/web-%s.sock\n' "$run" "$1"; }
unit_of() { printf '%s-web@%s\n' "$name" "$1"; }

# answer SECONDS SOCKET: the status with which the application answers there; 000 when it does not.
answer() {
  curl -s -o /dev/null -m "$1" -w '%{http_code}' --unix-socket "$2" -H "X-Forwarded-Proto: $scheme" "http://$domain$health" || true
}
well() { [ "$(answer 10 "$1")" = 200 ]; }

# front: the status at the front door, through nginx.
front() {
  curl -sk -o /dev/null -m 10 -w '%{http_code}' --resolve "$domain:443:127.0.0.1" --resolve "$domain:80:127.0.0.1" "$scheme://$domain$health" || true
}

# waiting SOCKET: how many connections wait there to be taken: for a listening Unix socket ss(8) shows them as Recv-Q.
waiting() { ss -Hxl | awk -v path="$1" '$5 == path { count += $3 } END { print count + 0 }'; }

# others INSTANCE: all but this one, by what runs of them and by what lies on the disk.
others() {
  {
    systemctl list-units --all --plain --no-legend --state=active,activating,deactivating,reloading,failed "$name-web@*.service" "$name-web@*.socket" |
      sed -n 's/^[^@]*@\(.*\)\.\(service\|socket\) .*/\1/p'
    find "$instances" -mindepth 1 -maxdepth 1 -type d -printf '%f\n' 2>/dev/null || true
  } | sort -u | { grep -vxF "$1" || true; }
}

# server_settings RELEASE: the file with the settings of the server that it was prepared with.
server_settings() {
  case $(server_of "$1") in
  uwsgi) printf '%s\n' "/etc/berth/$name/uwsgi.ini" ;;
  *) printf '%s\n' "/etc/berth/$name/gunicorn.py" ;;
  esac
}

# put_instance INSTANCE: its directory: the code by a link, the settings as they are now. What runs keeps its own.
put_instance() {
  local place=$instances/$1 from to
  from=$(server_settings "${1%.*}")
  to=$place/$(basename "$from")
  put_directory "$instances" "root:$name" 0750
  put_directory "$place" "root:$name" 0750
  put_link "$place/release" "$root/releases/${1%.*}"
  put_file "$place/env" "root:$name" 0640 <"$root/config/env"
  put_file "$place/release.env" "root:$name" 0640 <"$facts/${1%.*}/env"
  if [ -n "$web" ]; then put_file "$to" "root:$name" 0640 <"$from"; fi
  put_processes "$1"
}

# gone SERVICE: it neither runs nor is about to.
gone() { case $(systemctl show "$1" -P ActiveState) in inactive | failed) ;; *) return 1 ;; esac; }

# none_waits INSTANCE: at the socket of its server.
none_waits() { [ "$(waiting "$(socket_of "$1")")" = 0 ]; }

# server_units INSTANCE: its server and, which stops after it and would start it again, its socket.
server_units() { printf '%s\n' "$(unit_of "$1").service" "$(unit_of "$1").socket"; }

# give_back INSTANCE: nobody is sent there any more, and what waits at its socket goes to the instance that serves:
# systemd hands the socket on to its proxy (systemd-socket-proxyd(8)).
give_back() {
  local unit drop
  unit=$(unit_of "$1")
  drop=/run/systemd/system/$unit.service.d
  mkdir -p "$drop"
  cat >"$drop/give-back.conf" <<END
[Service]
Type=notify
User=www-data
Group=www-data
WorkingDirectory=/
EnvironmentFile=
ExecStart=
ExecStart=/usr/lib/systemd/systemd-socket-proxyd --exit-idle-time=2s $run/web.sock
Restart=no
END
  systemctl daemon-reload
  systemctl stop "$unit.service" >>"$log" 2>&1 9>&- || true
  finished() { [ "$(waiting "$(socket_of "$1")")" = 0 ] && gone "$(unit_of "$1").service"; }
  wait_until "$timeout" finished "$1" || true
  systemctl stop "$unit.socket" "$unit.service" >>"$log" 2>&1 || true
  systemctl reset-failed "$unit.service" "$unit.socket" 2>/dev/null || true
  rm -rf "$drop"
  systemctl daemon-reload
}

# lead_to INSTANCE: from the next connection on nginx asks there. One rename.
lead_to() {
  local of=${1%.*}
  if [ -d "$root/static/$of" ]; then put_link "$root/static/current" "$root/static/$of"; fi
  put_link "$run/web.sock" "web-$1.sock"
}
