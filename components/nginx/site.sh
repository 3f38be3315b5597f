: "${name?the name of the site}"
: "${scheme?http or https}"
: "${domain?the name to ask the site by}"
: "${health?the path that answers 200 when the application is healthy}"
: "${files?what nginx is to read, by its place below /etc/nginx, one a line}"

# nginx would make them readable to everyone; an address may hold what is nobody else's, such as the token of a new password.
for file in "/var/log/nginx/$name.access.log" "/var/log/nginx/$name.error.log"; do
  guarded "$file"
  [ -e "$file" ] || (umask 077 && : >"$file")
  if [ "$(stat -c '%U:%G %a' "$file")" != "www-data:adm 640" ]; then
    chown www-data:adm "$file"
    chmod 0640 "$file"
  fi
done

# What nginx is to read lies here, and is tried beside what it reads now: in a copy of its directory, which takes the
# place of the directory for this one command, as nginx itself sees the host. A wrong line changes nothing.
wanted=/etc/berth/nginx
trial=/run/berth-nginx-trial
mapfile -t files <<<"$files"
# A socket of a family that the kernel does not have would keep nginx from starting.
as_here() { if grep -q . /proc/net/if_inet6 2>/dev/null; then cat "$wanted/$1"; else sed '/^ *listen \[::\]/d' "$wanted/$1"; fi; }
rm -rf "$trial"
(umask 077 && mkdir "$trial")
cp -a /etc/nginx/. "$trial"
rm -f "$trial/sites-enabled/default"
ln -sfn "/etc/nginx/sites-available/$name.conf" "$trial/sites-enabled/$name.conf"
for file in "${files[@]}"; do as_here "$file" >"$trial/$file"; done
# A site of another name would be in this one's way, and goes with it.
keeps "${files[@]/#//etc/nginx/}" "/etc/nginx/sites-enabled/$name.conf"
while read -r file; do
  case $file in /etc/nginx/*) rm -f "$trial/${file#/etc/nginx/}" ;; esac
done < <(former)
# Where nginx serves other sites as well, its unit stays as it is: they may need what the sandbox takes.
others=$(find "$trial/sites-enabled" "$trial/conf.d" -mindepth 1 ! -name "$name.conf" ! -name 'berth*.conf' -print -quit)
if [ -n "$others" ]; then
  # shellcheck disable=SC2016 # Its own argument.
  try=(unshare --mount -- bash -c 'mount --bind "$1" /etc/nginx && exec nginx -t' bash "$trial")
else
  try=(systemd-run --quiet --wait --pipe --collect "--property=BindReadOnlyPaths=$trial:/etc/nginx")
  while read -r line; do
    case $line in Protect* | Private* | ReadWritePaths=*) try+=("--property=$line") ;; esac
  done <"$wanted/sandbox.conf"
  try+=(-- nginx -t)
fi
tried=0
reason=$("${try[@]}" 2>&1 9>&- </dev/null) || tried=$?
rm -rf "$trial"
[ "$tried" = 0 ] ||
  fail "nginx refuses the configuration: $(grep -m 1 emerg <<<"$reason" || tail -n 1 <<<"$reason")." "Nothing has been changed; what runs now goes on."
for file in "${files[@]}"; do put_file "/etc/nginx/$file" root:root 0644 < <(as_here "$file"); done

begins=
if [ ! -e "/etc/nginx/sites-enabled/$name.conf" ]; then begins=yes; fi
put_link "/etc/nginx/sites-enabled/$name.conf" "/etc/nginx/sites-available/$name.conf"
rm -f /etc/nginx/sites-enabled/default
take_away_former

sandbox=/etc/systemd/system/nginx.service.d/berth.conf
if [ -n "$others" ]; then take_away "$sandbox"; else put_file "$sandbox" root:root 0644 <"$wanted/sandbox.conf"; fi
daemon_reload_if_changed
main=$(systemctl show -P MainPID nginx.service)
taking() { pgrep -P "$main" -f '^nginx: worker process *$' || true; }
workers=$(taking)
# While nobody asks for the site yet. Later the sandbox holds from the next start on, for no request should be lost to it.
if [ -n "$begins" ]; then on_change restart nginx.service "$sandbox"; fi
on_change reload nginx.service /etc/nginx/
enabled nginx.service
# A reload takes a moment in which the workers of before still answer; those that have been told to end have another title.
replaced() { ! grep -qxF "$workers" < <(taking); }
if changed /etc/nginx/; then
  wait_until 30 replaced || fail "nginx has not taken its new configuration in 30 s." "See 'tail /var/log/nginx/error.log' on the host."
fi

ask() { curl -sk -o /dev/null -m "$1" -w '%{http_code}' --resolve "$domain:443:127.0.0.1" --resolve "$domain:80:127.0.0.1" "$2"; }
well() { [ "$(ask 10 "$scheme://$domain$health")" = 200 ]; }
wait_until 30 well || fail "$scheme://$domain$health answers $(ask 10 "$scheme://$domain$health" || true) through nginx, and 200 was expected." "See 'tail /var/log/nginx/$name.error.log' on the host."
sent_on() { [ "$(ask 10 "http://$domain/")" = 301 ]; }
if [ "$scheme" = https ]; then wait_until 30 sent_on || fail "http://$domain/ is not sent on to HTTPS."; fi
